"""The JSON documents: the same text for the same data, readable everywhere, without a secret."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from auth.errors import TokenRefused
from provision.errors import Forbidden, ManifestError, Problem
from provision.model import (
    GRAPH_APP_ID,
    AppRole,
    Desired,
    DesiredApplication,
    DesiredSecret,
)
from provision.places import DotenvStore
from provision.plan import (
    AddSecret,
    Change,
    CreateApplication,
    GrantAppRole,
    Note,
    Plan,
    UpdateApplication,
)
from provision.receipt import CallProof, Done, Failed, Finding, Receipt, Result, RoleProof
from provision.render import jsonout

ROLE = AppRole(resource=GRAPH_APP_ID, id="1", value="User.Read.All")
GRANT = GrantAppRole(app="app", role=ROLE)
ISSUE = AddSecret(app="app", credential="ci", reason="first secret", rotation=False)
FINDING = Finding(
    app="app",
    credential="ci",
    result=Result.PENDING,
    says="no",
    roles=(RoleProof(resource="Microsoft Graph", value="User.Read.All", present=False),),
    calls=(CallProof(method="GET", path="/users", status=403),),
    extra=("Mail.Send",),
    hint="consent",
    seconds=1.23456,
)


def test_a_plan_names_steps_actions_and_the_summary() -> None:
    document = json.loads(
        jsonout.plan_json(Plan(owner="o", steps=(GRANT,), notes=(Note(app="app", says="x"),)))
    )

    assert document == {
        "format": "provision/plan",
        "version": 1,
        "owner": "o",
        "summary": {"create": 1, "change": 0, "destroy": 0},
        "steps": [
            {
                "step": "GrantAppRole",
                "action": "create",
                "app": "app",
                "words": "grant User.Read.All of Microsoft Graph",
                "role": {
                    "type": "Role",
                    "resource": GRAPH_APP_ID,
                    "id": "1",
                    "value": "User.Read.All",
                    "words": "User.Read.All of Microsoft Graph",
                },
            }
        ],
        "notes": [{"app": "app", "says": "x"}],
    }


def test_a_planned_secret_says_where_it_goes_and_how_long_it_lasts_but_no_path() -> None:
    secret = DesiredSecret(
        name="ci",
        lifetime=timedelta(days=90),
        renew_before=timedelta(days=30),
        overlap=timedelta(hours=24),
        store=DotenvStore(path=Path("secret-folder", ".env"), prefix="AZURE_"),
    )
    application = DesiredApplication(
        key="app",
        unique_name="o.app",
        properties={},
        tags=frozenset(),
        app_roles=frozenset(),
        grant=True,
        secrets=(secret,),
        calls=(),
    )
    desired = Desired(owner="o", applications=(application,))

    said = jsonout.plan_json(Plan(owner="o", steps=(ISSUE,)), desired)

    step = json.loads(said)["steps"][0]
    assert (step["store"], step["lifetimeSeconds"]) == (".env (AZURE_*)", 90 * 86400)
    assert "secret-folder" not in said


def test_a_planned_secret_that_the_manifest_lacks_has_no_place() -> None:
    desired = Desired(owner="o", applications=())

    said = jsonout.plan_json(Plan(owner="o", steps=(ISSUE,)), desired)

    assert "store" not in json.loads(said)["steps"][0]


def test_the_order_in_which_properties_were_learnt_changes_no_byte() -> None:
    def plan(properties: dict[str, object]) -> Plan:
        step = CreateApplication(
            app="app", unique_name="o.app", properties=properties, tags=("t",), requested=(ROLE,)
        )
        return Plan(owner="o", steps=(step,))

    one = jsonout.plan_json(plan({"b": {"y": 1, "x": frozenset({"q", "p"})}, "a": [2]}))
    other = jsonout.plan_json(plan({"a": [2], "b": {"x": frozenset({"p", "q"}), "y": 1}}))

    assert one == other


def test_a_document_is_ascii_for_any_console() -> None:
    change = Change(property="displayName", before=None, after="Zoë \u202e")

    said = jsonout.plan_json(
        Plan(owner="o", steps=(UpdateApplication(app="app", changes=(change,)),))
    )

    assert said.isascii()
    assert json.loads(said)["steps"][0]["changes"] == [
        {"property": "displayName", "before": None, "after": "Zoë \u202e"}
    ]


def test_an_apply_tells_what_was_done_what_failed_and_what_is_left() -> None:
    error = Forbidden("no", hint="ask", status=403, code="Denied", request_id="r", detail="d")
    receipt = Receipt(
        done=(Done(step=GRANT, detail="assignment 1"),),
        failed=(
            Failed(app="app", step=ISSUE, error=error),
            Failed(app="b", step=None, error=error),
        ),
        left=(ISSUE,),
    )

    document = json.loads(jsonout.apply_json(receipt, [FINDING], tenant_id="t", owner="o"))

    assert (document["format"], document["tenantId"], document["owner"]) == (
        "provision/apply",
        "t",
        "o",
    )
    assert document["done"][0]["detail"] == "assignment 1"
    assert [failed["step"] and failed["step"]["step"] for failed in document["failed"]] == [
        "AddSecret",
        None,
    ]
    assert document["failed"][0]["error"] == {
        "kind": "Forbidden",
        "message": "no",
        "hint": "ask",
        "status": 403,
        "code": "Denied",
        "detail": "d",
        "requestId": "r",
    }
    assert [left["step"] for left in document["left"]] == ["AddSecret"]
    assert [finding["result"] for finding in document["findings"]] == ["pending consent"]


def test_an_apply_without_a_proof_says_that_there_was_none() -> None:
    document = json.loads(jsonout.apply_json(Receipt(), None, tenant_id="t", owner="o"))

    assert document["findings"] is None


def test_a_proof_tells_every_permission_and_call() -> None:
    document = json.loads(jsonout.verify_json([FINDING], tenant_id="t", owner="o"))

    assert document["findings"] == [
        {
            "app": "app",
            "credential": "ci",
            "result": "pending consent",
            "says": "no",
            "hint": "consent",
            "roles": [{"resource": "Microsoft Graph", "value": "User.Read.All", "present": False}],
            "calls": [{"method": "GET", "path": "/users", "status": 403}],
            "extra": ["Mail.Send"],
            "seconds": 1.235,
        }
    ]


def test_an_output_lists_ids_by_application() -> None:
    document = json.loads(jsonout.output_json({"app": {"clientId": "c"}}, tenant_id="t", owner="o"))

    assert document["applications"] == [{"app": "app", "clientId": "c"}]


def test_a_validation_lists_mistakes_in_reading_order_for_every_file() -> None:
    problems = [
        Problem(line=9, column=1, message="later"),
        Problem(line=2, column=3, message="first", hint="h"),
    ]

    document = json.loads(jsonout.validate_json({"a.yaml": problems, "b.yaml": []}, {"c": ["w"]}))

    assert document["valid"] is False
    assert [(each["file"], len(each["problems"])) for each in document["files"]] == [
        ("a.yaml", 2),
        ("b.yaml", 0),
        ("c", 0),
    ]
    assert document["files"][0]["problems"][0] == {
        "line": 2,
        "column": 3,
        "message": "first",
        "hint": "h",
    }
    assert document["files"][2]["warnings"] == ["w"]


def test_files_without_a_mistake_are_valid() -> None:
    assert json.loads(jsonout.validate_json({"a.yaml": []}, {}))["valid"] is True


def test_a_manifests_failure_lists_its_mistakes() -> None:
    error = ManifestError("m.yaml", [Problem(line=1, column=2, message="x")])

    document = json.loads(jsonout.error_json(error))

    assert (document["format"], document["kind"], document["file"]) == (
        "provision/error",
        "ManifestError",
        "m.yaml",
    )
    assert document["problems"] == [{"line": 1, "column": 2, "message": "x", "hint": ""}]


def test_a_refused_sign_in_names_its_code_and_ids() -> None:
    error = TokenRefused("no", hint="h", aadsts=7000215, trace_id="t", correlation_id="c")

    document = json.loads(jsonout.error_json(error))

    assert (document["code"], document["traceId"], document["correlationId"], document["hint"]) == (
        "AADSTS7000215",
        "t",
        "c",
        "h",
    )
