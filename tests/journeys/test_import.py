"""What exists becomes a manifest that changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import crowd
import outsider
import paper
import pytest
import truth
from journey import Provision

from provision.sandbox.server import Server


@pytest.fixture
def made(sandbox: Server) -> dict[str, dict[str, Any]]:
    """Applications of all kinds."""
    return crowd.fill(sandbox)


def printed(provision: Provision, folder: Path, *words: object) -> Path:
    """A manifest as `import` prints it."""
    done = provision("import", *words, "--tenant", "sandbox")
    assert done.exit_code == 0, done.said
    path = folder / "imported.yaml"
    path.write_text(done.stdout, encoding="utf-8")
    return path


def test_everything_in_a_tenant_imported_at_once_plans_empty(
    made: dict[str, dict[str, Any]], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    before = truth.applications(sandbox), truth.principals(sandbox)

    manifest = printed(provision, workplace, "--all")
    valid = provision("validate", manifest)
    planned = provision("plan", manifest, "--detailed-exitcode")

    assert valid.exit_code == 0, valid.said
    assert planned.exit_code == 0, planned.said
    assert "No changes" in planned.stdout
    for app in made.values():
        assert f"adopt: {{appId: {app['appId']}}}" in manifest.read_text(encoding="utf-8")
    assert (truth.applications(sandbox), truth.principals(sandbox)) == before


def test_one_application_is_imported_by_its_app_id_and_lends_its_name(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    app, other = crowd.portal(sandbox), crowd.mighty(sandbox)

    manifest = printed(provision, workplace, app["appId"].upper())
    planned = provision("plan", manifest, "--detailed-exitcode")

    text = manifest.read_text(encoding="utf-8")
    assert planned.exit_code == 0, planned.said
    assert "name: payroll-sync\n" in text
    assert app["appId"] in text
    assert other["appId"] not in text


def test_several_are_imported_in_the_order_asked_for_under_the_name_given(
    made: dict[str, dict[str, Any]], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    chosen = [made["client"]["appId"], made["api"]["appId"]]

    done = provision("import", *chosen, "--name", "orders-team", "--tenant", "sandbox", "--json")
    (workplace / "m.yaml").write_text(json.loads(done.stdout)["manifest"], encoding="utf-8")
    planned = provision("plan", "m.yaml", "--detailed-exitcode")

    body = json.loads(done.stdout)
    assert body["format"] == "provision/import"
    assert [each["clientId"] for each in body["applications"]] == chosen
    assert "name: orders-team\n" in body["manifest"]
    assert planned.exit_code == 0, planned.said


def test_what_manifests_own_is_left_out_of_all_and_counted(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    ours = paper.write(workplace, paper.an_app(credentials=None))
    assert provision("apply", ours, "--yes", "--skip-verify").exit_code == 0
    theirs = crowd.bare(sandbox)

    done = provision("import", "--all", "--tenant", "sandbox")

    assert done.exit_code == 0, done.said
    assert theirs["appId"] in done.stdout
    assert truth.application(sandbox)["appId"] not in done.stdout
    assert "Imported 1 application." in done.stderr
    assert "Left out 1 application of the manifest hello." in done.stderr
    assert "Left out the application that you are signed in as." in done.stderr


def test_what_a_manifest_owns_cannot_be_imported_into_another(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    ours = paper.write(workplace, paper.an_app(credentials=None))
    assert provision("apply", ours, "--yes", "--skip-verify").exit_code == 0

    app_id = truth.application(sandbox)["appId"]
    refused = provision("import", app_id, "--tenant", "sandbox")

    assert refused.exit_code == 1
    assert f'The application {app_id} belongs to the manifest "hello" already' in refused.said
    assert refused.stdout == ""


def test_an_unknown_application_is_named(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    app, unknown = crowd.bare(sandbox), "0a0a0a0a-0000-0000-0000-00000000000a"

    refused = provision("import", app["appId"], unknown, "--tenant", "sandbox")

    assert refused.exit_code == 1
    assert f"There is no application with appId {unknown} in this tenant" in refused.said
    assert refused.stdout == ""


def test_whoever_is_signed_in_is_not_imported(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    client_id = sandbox.operator()["clientId"]

    refused = provision("import", client_id, "--tenant", "sandbox")

    assert refused.exit_code == 1
    assert f"You are signed in as the application {client_id} itself" in refused.said


def test_with_out_it_is_written_and_nothing_is_overwritten(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    app = crowd.bare(sandbox)
    words = ("import", app["appId"], "--tenant", "sandbox", "--out", "mine.yaml")

    done, again = provision(*words), provision(*words)
    planned = provision("plan", "mine.yaml", "--detailed-exitcode")

    assert (done.exit_code, done.stdout) == (0, ""), done.said
    assert planned.exit_code == 0, planned.said
    assert again.exit_code == 64
    assert "mine.yaml exists already" in again.said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Say which applications"),
        (("--all", "0a0a0a0a-0000-0000-0000-00000000000a"), "Say which applications"),
        (("my-app",), '"my-app" is no appId'),
        (("--all", "--name", "No!"), '"No!" is no manifest name'),
    ],
)
def test_a_command_line_that_cannot_be_meant_is_wrong_usage(
    provision: Provision, workplace: Path, words: tuple[str, ...], says: str
) -> None:
    refused = provision("import", *words, "--tenant", "sandbox")

    assert refused.exit_code == 64
    assert says in refused.said


def test_what_an_import_offers_as_a_way_to_take_over_works(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    app = crowd.portal(sandbox)
    manifest = printed(provision, workplace, app["appId"])
    text = manifest.read_text(encoding="utf-8")
    start = text.index("    # credentials:")
    manifest.write_text(text[:start] + text[start:].replace("    # ", "    "), encoding="utf-8")

    done = provision("apply", manifest, "--yes")
    again = provision("plan", manifest, "--detailed-exitcode")

    (found,) = truth.applications(sandbox)
    assert done.exit_code == 0, done.said
    assert again.exit_code == 0, again.said
    assert [each["displayName"].split(":")[0] for each in found["passwordCredentials"]] == [
        "by hand",
        "provision",
    ]


def test_an_api_that_is_not_imported_itself_is_called_by_its_name_while_that_is_clear(
    made: dict[str, dict[str, Any]], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    alone = printed(provision, workplace, made["client"]["appId"])
    named = alone.read_text(encoding="utf-8")
    planned = provision("plan", alone, "--detailed-exitcode")
    twin = outsider.application(
        sandbox,
        displayName="Contoso Orders API",
        appRoles=[crowd.role("Other.Read", "Application")],
    )
    crowd.with_principal(sandbox, twin)

    again = printed(provision, workplace, made["client"]["appId"])
    unclear = again.read_text(encoding="utf-8")
    replanned = provision("plan", again, "--detailed-exitcode")

    assert "      Contoso Orders API:\n" in named
    assert f"      {made['api']['appId']}:  # Contoso Orders API\n" in unclear
    assert (planned.exit_code, replanned.exit_code) == (0, 0), planned.said + replanned.said


def test_consents_to_an_api_that_was_never_requested_are_named_too(
    made: dict[str, dict[str, Any]], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    app = outsider.application(sandbox, displayName="Given more")
    principal = crowd.with_principal(sandbox, app)
    crowd.consent(sandbox, principal, "Orders.Read", resource=made["api"]["appId"])

    done = provision("import", app["appId"], "--tenant", "sandbox")

    says = "# granted, but not requested: Orders.Read of Contoso Orders API (delegated"
    assert done.exit_code == 0, done.said
    assert says in done.stdout


def test_an_operator_who_may_not_read_consents_imports_what_can_be_read(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    app = crowd.portal(sandbox)
    reader = outsider.identity(sandbox, "Application.Read.All")
    reach = ("--login", sandbox.url, "--graph", sandbox.url, "--ca-bundle", sandbox.ca_bundle)

    done = provision("import", app["appId"], *reach, env=reader.variables)

    assert done.exit_code == 0, done.said
    assert app["appId"] in done.stdout
    assert "delegated consents could not be read by this operator" in done.stdout
