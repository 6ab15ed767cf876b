"""A tenant with an app management policy: what it forbids is refused in words, and nothing stays behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import outsider
import paper
import pytest
import somebody
import truth
from journey import Provision

from provision.sandbox import operators
from provision.sandbox.server import Server

MONTH = {"restrictionType": "passwordLifetime", "maxLifetime": "P30D"}
NO_SECRETS = {"restrictionType": "passwordAddition"}
TOO_LONG = "the tenant's app management policy does not let a credential live that long"
FORBIDDEN = "the tenant's app management policy forbids new client secrets"
EXEMPTION = "have a Cloud Application Administrator exempt the application"


def restrict(server: Server, *secrets: dict[str, Any]) -> outsider.Identity:
    """An administrator puts these restrictions on every application of the tenant."""
    made = operators.add_application(
        server.tenant(), name="Administrator", directory_roles=["Cloud Application Administrator"]
    )
    whom = outsider.Identity(
        tenant_id=made.tenant_id, client_id=made.client_id, client_secret=made.client_secret
    )
    body = {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": list(secrets)}}
    outsider.send(server, "PATCH", "policies/defaultAppManagementPolicy", body, as_whom=whom)
    return whom


def exempt(server: Server, whom: outsider.Identity, application: str) -> None:
    """The administrator lets one application have secrets."""
    lifted = {"passwordCredentials": [{**NO_SECRETS, "state": "disabled"}]}
    policy = {"displayName": "Exempt", "description": "Old client", "isEnabled": True}
    made = outsider.send(
        server,
        "POST",
        "policies/appManagementPolicies",
        {**policy, "restrictions": lifted},
        as_whom=whom,
    )
    reference = {"@odata.id": f"{server.url}/v1.0/policies/appManagementPolicies/{made['id']}"}
    path = f"applications/{application}/appManagementPolicies/$ref"
    outsider.send(server, "POST", path, reference, as_whom=whom)


def shorter(folder: Path) -> Path:
    """The manifest with a lifetime that the policy allows."""
    secret = paper.a_secret(lifetime="30d", renewBefore="10d")
    return paper.write(folder, paper.an_app(credentials={"ci": secret}))


@pytest.mark.parametrize(
    ("rule", "warning", "reason", "way_out"),
    [
        (
            MONTH,
            "allows secrets for at most 30 d, and ci wants 90 d: lower its lifetime to 30d",
            TOO_LONG,
            "Lower its `lifetime` in the manifest to what the policy allows",
        ),
        (
            NO_SECRETS,
            "forbids new client secrets: use a certificate or a federated credential for ci",
            FORBIDDEN,
            "Use a certificate or a federated credential in its place",
        ),
    ],
)
def test_what_the_policy_forbids_is_refused_with_the_ways_out_and_leaves_no_secret(
    sandbox: Server,
    provision: Provision,
    workplace: Path,
    rule: dict[str, Any],
    warning: str,
    reason: str,
    way_out: str,
) -> None:
    restrict(sandbox, rule)

    planned = provision("plan", paper.write(workplace))
    applied = provision("apply", "hello.yaml", "--yes")

    assert planned.exit_code == 0
    assert warning in planned.said
    assert applied.exit_code == 1
    assert reason in applied.said
    assert way_out in applied.said
    assert EXEMPTION in applied.said
    assert truth.key_ids(sandbox) == []
    assert not (workplace / paper.STORE).exists() or "SECRET" not in (
        workplace / paper.STORE
    ).read_text(encoding="utf-8")


def test_with_the_lifetime_that_the_policy_allows_the_next_apply_does_the_rest(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    restrict(sandbox, MONTH)
    refused = provision("apply", paper.write(workplace), "--yes")

    applied = provision("apply", shorter(workplace), "--yes")

    assert refused.exit_code == 1
    assert applied.exit_code == 0, applied.said
    (key_id,) = truth.key_ids(sandbox)
    assert paper.stored(workplace)["AZURE_CLIENT_SECRET_ID"] == key_id


def test_who_may_not_read_the_policy_plans_in_peace_and_is_told_on_applying(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    restrict(sandbox, MONTH)
    manifest = paper.write(workplace, tenant=None)
    as_ci = somebody.application(sandbox, provision, "CI", "Application.ReadWrite.OwnedBy")

    planned, applied = as_ci("plan", manifest), as_ci("apply", manifest, "--yes")

    assert planned.exit_code == 0, planned.said
    assert "policy" not in planned.said
    assert applied.exit_code == 1
    assert TOO_LONG in applied.said
    assert "to whoever holds Policy.Read.All, `plan` says how long that is" in applied.said
    assert truth.key_ids(sandbox) == []


def test_a_renewal_that_will_be_refused_is_told_long_before(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """The secret that is there works on: nothing else in the plan tells what is to come."""
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")
    restrict(sandbox, NO_SECRETS)

    planned = provision("plan", manifest, "--detailed-exitcode")

    assert planned.exit_code == 0
    assert "the tenant's app management policy forbids new client secrets" in planned.said


def test_an_exempted_application_is_not_warned_of(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")
    whom = restrict(sandbox, NO_SECRETS)
    exempt(sandbox, whom, truth.application(sandbox)["id"])

    planned = provision("plan", manifest)
    rotated = provision("rotate", manifest, "--now")

    assert "policy" not in planned.said
    assert rotated.exit_code == 0, rotated.said


def test_a_plan_asks_once_for_the_policy_and_without_secrets_never(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    provision("plan", paper.write(workplace))
    provision("plan", paper.write(workplace, paper.an_app(credentials=None)))

    asked = [entry for entry in sandbox.requests if "policies" in entry.path.lower()]
    assert [entry.path.rpartition("/")[2] for entry in asked] == ["defaultAppManagementPolicy"]
