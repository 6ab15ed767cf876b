"""Giving an application up: our marks go, everything else stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import outsider
import paper
import pytest
import truth
from journey import Provision

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server

GITHUB = {"federated": {"github": {"repository": "contoso/app", "branch": "main"}}}


def everything(**changes: Any) -> dict[str, Any]:
    """An application with every kind of mark."""
    credentials = {"ci": paper.a_secret(), "github": GITHUB}
    return paper.an_app(credentials=credentials, preserve=True, tags=["theirs"], **changes)


@pytest.fixture
def applied(sandbox: Server, provision: Provision, workplace: Path) -> Path:
    """The manifest of an application with every kind of mark, which exists."""
    manifest = paper.write(workplace, everything())
    done = provision("apply", manifest, "--yes", "--skip-verify")
    assert done.exit_code == 0, done.said
    return manifest


def forget(provision: Provision, manifest: Path, *words: str) -> Any:
    return provision("forget", manifest, "--target", "my-workload", *words)


def descriptions(server: Server) -> list[str | None]:
    """Those of the application's federated credentials."""
    path = f"applications/{truth.application(server)['id']}/federatedIdentityCredentials"
    return [each["description"] for each in outsider.send(server, "GET", path)["value"]]


def test_our_marks_go_and_nothing_else(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    before, roles = truth.application(sandbox), truth.roles(sandbox)
    store = (applied.parent / paper.STORE).read_text(encoding="utf-8")

    done = forget(provision, applied, "--yes")

    after = truth.application(sandbox)
    (principal,) = truth.principals(sandbox)
    assert done.exit_code == 0, done.said
    assert after["tags"] == ["theirs"]
    assert not [tag for tag in principal["tags"] if tag.startswith("provision:")]
    assert descriptions(sandbox) in ([""], [None])
    assert after["passwordCredentials"] == before["passwordCredentials"]
    assert after["uniqueName"] == "hello.my-workload"
    assert truth.roles(sandbox) == roles
    assert (applied.parent / paper.STORE).read_text(encoding="utf-8") == store


def test_tags_that_others_add_while_the_question_is_open_stay(
    applied: Path, sandbox: Server, provision: Provision, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answered(_question: str, _target: object) -> bool:
        seen = truth.application(sandbox)
        tags = {"tags": [*seen["tags"], "late"]}
        outsider.send(sandbox, "PATCH", f"applications/{seen['id']}", tags)
        return True

    monkeypatch.setattr("provision.cli.review.agreed_to", answered)

    done = forget(provision, applied)

    assert done.exit_code == 0, done.said
    assert truth.application(sandbox)["tags"] == ["late", "theirs"]


def test_every_write_has_its_request_id(applied: Path, provision: Provision) -> None:
    done = forget(provision, applied, "--yes", "--json")

    assert all(step["requestIds"] for step in json.loads(done.stdout)["done"])


def test_it_says_what_stays_and_how_to_take_it_back(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    done = forget(provision, applied, "--yes")

    assert "its uniqueName hello.my-workload cannot change" in done.said
    assert "its secrets keep their names" in done.said
    assert f"adopt: {{appId: {truth.application(sandbox)['appId']}}}" in done.said


def test_a_later_apply_refuses_what_was_given_up(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    forget(provision, applied, "--yes")

    refused = provision("apply", applied, "--yes")

    assert refused.exit_code == 1
    assert "it carries no owner tag" in refused.said


def test_forgetting_again_does_nothing(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    forget(provision, applied, "--yes")
    before = truth.application(sandbox)

    again = forget(provision, applied, "--yes")

    assert again.exit_code == 0, again.said
    assert "bears no mark of this manifest" in again.said
    assert truth.application(sandbox) == before


def test_what_was_given_up_can_be_adopted_under_the_same_key(
    applied: Path, sandbox: Server, provision: Provision, workplace: Path
) -> None:
    forget(provision, applied, "--yes")
    secrets = truth.key_ids(sandbox)
    adopt = {"appId": truth.application(sandbox)["appId"]}
    manifest = paper.write(workplace, everything(adopt=adopt))

    done = provision("apply", manifest, "--yes")
    again = provision("plan", manifest, "--detailed-exitcode")

    assert done.exit_code == 0, done.said
    assert again.exit_code == 0, again.said
    assert truth.key_ids(sandbox) == secrets
    assert not [t for t in truth.application(sandbox)["tags"] if t.startswith("provision:owner:")]


def test_destroy_leaves_what_was_given_up_and_its_value_in_the_store(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    forget(provision, applied, "--yes")

    done = provision("destroy", applied, "--yes")

    assert done.exit_code == 0, done.said
    assert truth.application(sandbox)["deletedDateTime"] is None
    assert (applied.parent / paper.STORE).exists()


def test_the_records_on_an_adopted_application_go(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    theirs = outsider.application(sandbox)
    outsider.send(sandbox, "POST", "servicePrincipals", {"appId": theirs["appId"]})
    manifest = paper.write(
        workplace, paper.an_app(displayName=None, adopt={"appId": theirs["appId"]})
    )
    assert provision("apply", manifest, "--yes", "--skip-verify").exit_code == 0

    done = forget(provision, manifest, "--yes")

    (after,) = truth.applications(sandbox)
    assert done.exit_code == 0, done.said
    assert after["tags"] == []
    assert len(after["passwordCredentials"]) == 1


def test_what_belongs_to_another_manifest_is_left(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    app = truth.application(sandbox)
    outsider.send(
        sandbox, "PATCH", f"applications/{app['id']}", {"tags": ["provision:owner:somebody"]}
    )
    before = truth.application(sandbox)

    done = forget(provision, applied, "--yes")

    assert done.exit_code == 0, done.said
    assert "belongs to somebody: left as it is" in done.said
    assert truth.application(sandbox) == before


def test_what_does_not_exist_is_said_so(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    done = forget(provision, paper.write(workplace), "--yes")

    assert done.exit_code == 0, done.said
    assert "does not exist in this tenant" in done.said


def test_without_a_target_it_is_wrong_usage(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    before = truth.application(sandbox)

    refused = provision("forget", applied, "--yes")

    assert refused.exit_code == 64
    assert "--target" in refused.said
    assert truth.application(sandbox) == before


def test_a_credential_alone_cannot_be_given_up(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    refused = provision("forget", applied, "--target", "my-workload/ci", "--yes")

    assert refused.exit_code == 64
    assert "Only whole applications" in refused.said


def test_without_a_terminal_it_asks_for_yes_and_changes_nothing(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    before = truth.application(sandbox)

    refused = forget(provision, applied)

    assert refused.exit_code == 64
    assert "--yes" in refused.said
    assert truth.application(sandbox) == before


def test_with_json_there_is_one_document(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    done = forget(provision, applied, "--yes", "--json")

    body = json.loads(done.stdout)
    assert {each["app"] for each in body["done"]} == {"my-workload"}
    assert body["failed"] == body["left"] == []


def test_after_a_refusal_the_owner_tag_is_still_there_and_running_again_completes_it(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    sandbox.faults.add(
        Fault(
            do="status",
            status=403,
            method="PATCH",
            path="servicePrincipals/",
            code="Authorization_RequestDenied",
        )
    )
    refused = forget(provision, applied, "--yes")
    tags = truth.application(sandbox)["tags"]
    sandbox.faults.clear()

    again = forget(provision, applied, "--yes")

    assert refused.exit_code == 1
    assert "provision:owner:hello" in tags
    assert again.exit_code == 0, again.said
    assert truth.application(sandbox)["tags"] == ["theirs"]
