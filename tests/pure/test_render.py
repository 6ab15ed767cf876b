"""Text for people is safe, fits the screen, and uses only what the screen can show."""

from __future__ import annotations

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import GraphError
from provision.model import GRAPH_APP_ID, AppRole, PermissionScope
from provision.plan import (
    AddSecret,
    AuthorizeClients,
    Change,
    CreateApplication,
    DeleteApplication,
    GrantAppRole,
    GrantScopes,
    Note,
    Plan,
    RequestPermissions,
    RevokeAppRole,
    UpdateApplication,
)
from provision.receipt import CallProof, Done, Failed, Finding, Receipt, Result
from provision.render import jsonout, text
from provision.render.look import Look, clean, look_at
from provision.render.planned import Rating

ROLE = AppRole(resource=GRAPH_APP_ID, id="1", value="User.Read.All")
GRANT = GrantAppRole(app="app", role=ROLE)


class Screen(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def a_screen(encoding: str = "utf-8") -> Screen:
    return Screen(io.BytesIO(), encoding=encoding)


def a_plan(name: str) -> Plan:
    step = CreateApplication(
        app="app", unique_name="o.app", properties={"displayName": name}, tags=(), requested=()
    )
    return Plan(owner="o", steps=(step,))


def shown(plan: Plan, look: Look | None = None) -> str:
    return text.plan_text(plan, None, explain=lambda _: None, look=look or Look(width=200))


# --- what names can do to a text: nothing


@pytest.mark.parametrize(
    ("name", "harmless"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("over\u202ewrite", r"over\u202ewrite"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("two\nlines", r"two\nlines"),
        ("back\rward", r"back\rward"),
        ("para\u2029graph", r"para\u2029graph"),
        ("half\ud800", r"half\ud800"),
        ("[bold]no markup[/bold] [/]", "[bold]no markup[/bold] [/]"),
        (":warning: no emoji", ":warning: no emoji"),
        ("Zoë 東京", "Zoë 東京"),
    ],
)
def test_a_name_is_shown_for_what_it_is(name: str, harmless: str) -> None:
    assert f"+ application        {harmless} (o.app)\n" in shown(a_plan(name))


@given(st.text(max_size=40))
def test_no_name_adds_a_line_or_a_control_to_a_plan(name: str) -> None:
    said = shown(a_plan(name or "x"), Look(width=1000))

    assert said.count("\n") == shown(a_plan("x"), Look(width=1000)).count("\n")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", said)


def test_names_are_as_harmless_in_colour() -> None:
    said = shown(a_plan("[red]\x1b[0m"), Look(width=200, color=True))

    assert r"[red]\x1b[0m" in said


def test_a_failures_message_is_as_harmless() -> None:
    said = text.failure_text(GraphError("bad \x1b[2J", hint="[b]x", detail="\u202e"), Look())

    assert said == "Error: bad \\x1b[2J\nTry: [b]x\nGraph: \\u202e\n"


# --- colours and characters


def test_without_colour_there_is_no_escape_code() -> None:
    assert "\x1b" not in shown(a_plan("x"))


def test_signs_are_coloured_by_what_they_do() -> None:
    delete = DeleteApplication(app="app", application_id="1", display_name="x")
    change = UpdateApplication(app="app", changes=(Change(property="a", before=1, after=2),))
    plan = Plan(owner="o", steps=(GRANT, change, delete))

    said = shown(plan, Look(width=200, color=True))

    assert re.findall(r"\x1b\[(\d+)m +([+~-])", said) == [("32", "+"), ("33", "~"), ("31", "-")]


def test_what_goes_is_red_and_what_is_dangerous_too() -> None:
    revoke = RevokeAppRole(app="app", role=ROLE, assignment_id="1")

    said = text.plan_text(
        Plan(owner="o", steps=(GRANT, revoke)),
        None,
        explain=lambda _: None,
        risk=lambda _: Rating(tier="tier 0", reason="it can do anything"),
        look=Look(width=200, color=True),
    )

    assert "\x1b[1;31m[tier 0: it can do anything]\x1b[0m" in said
    assert "\x1b[31mrevoke User.Read.All of Microsoft Graph\x1b[0m" in said


def test_a_permission_of_little_power_is_shown_without_a_word_about_it() -> None:
    said = text.plan_text(
        Plan(owner="o", steps=(GRANT,)),
        None,
        explain=lambda _: None,
        risk=lambda _: Rating(tier="low", reason="hardly anything"),
        look=Look(),
    )

    assert "hardly" not in said


def test_lists_of_clients_that_become_empty_say_so() -> None:
    step = AuthorizeClients(app="app", pre_authorized=(), known=())

    said = shown(Plan(owner="o", steps=(step,)))

    assert "      no client is authorized in advance\n      known clients: none\n" in said


def test_delegated_permissions_that_nobody_can_explain_have_their_one_line() -> None:
    scope = PermissionScope(resource="abc", id="1", value="Do.It")

    said = shown(Plan(owner="o", steps=(GrantScopes(app="app", scopes=(scope,)),)))

    assert said.splitlines()[1:3] == [
        "  + permission         Do.It of abc, delegated, for every user",
        "",
    ]


def test_colour_changes_no_word() -> None:
    colored = shown(a_plan("x"), Look(width=40, color=True))

    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == shown(a_plan("x"), Look(width=40))


@pytest.mark.parametrize(("encoding", "arrow"), [("utf-8", "→"), ("cp1252", "->"), ("ascii", "->")])
def test_symbols_fall_back_to_what_the_console_knows(encoding: str, arrow: str) -> None:
    change = UpdateApplication(
        app="app", changes=(Change(property="displayName", before="a", after="é…"),)
    )

    said = shown(Plan(owner="o", steps=(change,)), Look(width=200, encoding=encoding))

    assert f'displayName: "a" {arrow} "' in said
    said.encode(encoding)


def test_a_character_that_the_console_knows_is_kept() -> None:
    assert clean("é…東", Look(encoding="cp1252")) == "é…\\u6771"


# --- the screen


@pytest.mark.parametrize("width", [20, 40, 80, 132])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    plan = a_plan(
        "A name of many words, 東京 and a-word-that-is-much-too-long-for-any-narrow-screen"
    )

    assert max(map(len, shown(plan, Look(width=width)).splitlines())) <= width


def test_no_line_ends_in_blanks() -> None:
    lines = shown(a_plan("x y z " * 30), Look(width=40)).splitlines()

    assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize(
    ("environ", "width"),
    [({"COLUMNS": "33"}, 33), ({"COLUMNS": "x"}, 80), ({}, 80), ({"COLUMNS": "3"}, 20)],
)
def test_the_width_comes_from_the_environment_else_it_is_the_usual(
    environ: dict[str, str], width: int
) -> None:
    assert look_at(io.TextIOWrapper(io.BytesIO()), environ).width == width


def test_a_terminal_that_does_not_know_its_width_gets_the_usual(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.get_terminal_size", lambda *_: (_ for _ in ()).throw(OSError))

    assert look_at(a_screen(), {}).width == 80


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_nobody_gets_colours_that_they_do_not_want(environ: dict[str, str]) -> None:
    assert not look_at(a_screen(), {"COLUMNS": "80", **environ}).color


def test_a_terminal_gets_colours_unless_the_command_line_says_no() -> None:
    looks = [look_at(a_screen(), {"COLUMNS": "80"}, color=color).color for color in (True, False)]

    assert looks == [True, False]


def test_a_pipe_gets_no_colours() -> None:
    assert not look_at(io.TextIOWrapper(io.BytesIO()), {}).color


def test_the_look_knows_the_consoles_characters() -> None:
    assert look_at(a_screen("cp1252"), {"COLUMNS": "80"}).encoding == "cp1252"


def test_a_stream_without_an_encoding_gets_ascii() -> None:
    assert look_at(io.StringIO(), {}).encoding == "ascii"


# --- what a plan says


def test_as_many_signs_stand_in_a_plan_as_its_summary_counts() -> None:
    plan = Plan(
        owner="o",
        steps=(
            GRANT,
            RequestPermissions(app="app", permissions=(ROLE,)),
            UpdateApplication(
                app="app",
                changes=tuple(Change(property=name, before=0, after=1) for name in ("a", "b")),
            ),
            DeleteApplication(app="z", application_id="1", display_name="z"),
        ),
    )

    signs = re.findall(r"^  ([+~-]) ", shown(plan), re.MULTILINE)

    assert (signs.count("+"), signs.count("~"), signs.count("-")) == plan.count()


def test_notes_are_shown_although_nothing_changes() -> None:
    said = shown(Plan(owner="o", steps=(), notes=(Note(app="app", says="held elsewhere"),)))

    assert "held elsewhere" in said
    assert said.endswith("No changes. The tenant matches the manifest.\n")


def test_a_note_of_no_application_is_about_the_tenant() -> None:
    assert shown(Plan(owner="o", steps=(), notes=(Note(app="", says="x"),))).startswith("tenant\n")


def test_a_permission_of_another_resource_is_named_with_its_app_id() -> None:
    role = AppRole(resource="abc", id="1", value="Do.It")

    assert "Do.It of abc" in shown(Plan(owner="o", steps=(GrantAppRole(app="app", role=role),)))


def test_a_list_in_another_order_is_a_change_all_the_same() -> None:
    step = UpdateApplication(
        app="app", changes=(Change(property="tags", before=["a", "b"], after=["b", "a"]),)
    )

    assert "tags: another order" in shown(Plan(owner="o", steps=(step,)))


def test_a_secret_that_the_manifest_does_not_know_is_planned_without_a_place() -> None:
    step = AddSecret(app="app", credential="ci", reason="", rotation=False)

    assert "+ secret             ci\n" in shown(Plan(owner="o", steps=(step,)))


# --- receipts, proofs, tables


def test_a_finished_receipt_counts_what_it_did() -> None:
    said = text.receipt_text(Receipt(done=(Done(step=GRANT),)), Look())

    assert said.endswith("Done: 1 created, 0 changed, 0 destroyed.\n")


def test_an_empty_receipt_says_so() -> None:
    assert text.receipt_text(Receipt(), Look()) == "Nothing had to be done.\n"


def test_a_failure_without_a_step_or_words_is_named_by_its_kind() -> None:
    failed = Failed(app="app", step=None, error=TimeoutError())

    said = text.receipt_text(Receipt(failed=(failed,)), Look())

    assert "  failed  stopped\n          TimeoutError\n" in said


def test_without_findings_there_is_nothing_to_prove() -> None:
    assert text.findings_text((), Look()) == "Nothing to prove: no credential is declared.\n"


def test_a_proof_without_words_of_its_own_is_its_result() -> None:
    finding = Finding(app="app", credential="ci", result=Result.PROVEN, says="")

    said = text.findings_text((finding,), Look())

    assert said == "app/ci  proven\n\nProof: 1 proven.\n"


def test_a_finding_about_no_credential_bears_the_name_alone() -> None:
    finding = Finding(app="nightly", credential="-", result=Result.UNPROVABLE, says="")

    said = text.findings_text((finding,), Look())

    assert said.startswith("nightly  not provable here\n")


def test_a_call_that_is_redirected_is_as_good_in_words_as_in_the_proof() -> None:
    call = CallProof(method="GET", path="/sites/root/drive/root/content", status=302)
    finding = Finding(app="a", credential="ci", result=Result.PROVEN, says="", calls=(call,))

    said = text.findings_text((finding,), Look())

    assert "ok       GET /sites/root/drive/root/content: 302" in said


def test_a_table_is_aligned_by_what_the_screen_shows() -> None:
    said = text.table_text(["app", "id"], [["東京", "1"], ["a", "2"]], Look())

    assert said == "app   id\n東京  1\na     2\n"


def test_a_table_becomes_blocks_where_it_does_not_fit() -> None:
    rows = [["a" * 20, "1" * 36], ["b" * 20, "2" * 36]]

    said = text.table_text(["app", "id"], rows, Look(width=40))

    assert said == (f"app: {'a' * 20}\nid: {'1' * 36}\n\napp: {'b' * 20}\nid: {'2' * 36}\n")


def test_a_table_that_just_fits_stays_a_table() -> None:
    said = text.table_text(["app", "id"], [["a" * 20, "1" * 18]], Look(width=40))

    assert said.splitlines()[1] == f"{'a' * 20}  {'1' * 18}"


def test_a_receipt_tells_the_request_ids_of_its_writes_when_asked() -> None:
    receipt = Receipt(done=(Done(step=GRANT, request_ids=("4f1c", "9b2e")),))

    assert "request-id" not in text.receipt_text(receipt, Look())
    said = text.receipt_text(receipt, Look(), request_ids=True)
    assert said.splitlines()[2:4] == ["          request-id 4f1c", "          request-id 9b2e"]
    told = json.loads(jsonout.apply_json(receipt, None, tenant_id="t", owner="o"))
    assert told["done"][0]["requestIds"] == ["4f1c", "9b2e"]
