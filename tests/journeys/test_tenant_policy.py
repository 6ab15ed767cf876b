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


def restrict(server: Server, *secrets: dict[str, Any]) -> None:
    """An administrator puts these restrictions on every application of the tenant."""
    made = operators.add_application(
        server.tenant(), name="Administrator", directory_roles=["Cloud Application Administrator"]
    )
    whom = outsider.Identity(
        tenant_id=made.tenant_id, client_id=made.client_id, client_secret=made.client_secret
    )
    body = {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": list(secrets)}}
    outsider.send(server, "PATCH", "policies/defaultAppManagementPolicy", body, as_whom=whom)


def shorter(folder: Path) -> Path:
    """The manifest with a lifetime that the policy allows."""
    secret = paper.a_secret(lifetime="30d", renewBefore="10d")
    return paper.write(folder, paper.an_app(credentials={"ci": secret}))


@pytest.mark.parametrize(
    ("rule", "reason", "way_out"),
    [
        (MONTH, TOO_LONG, "Lower its `lifetime` in the manifest to what the policy allows"),
        (NO_SECRETS, FORBIDDEN, "Use a certificate or a federated credential in its place"),
    ],
)
def test_what_the_policy_forbids_is_refused_with_the_ways_out_and_leaves_no_secret(
    sandbox: Server,
    provision: Provision,
    workplace: Path,
    rule: dict[str, Any],
    reason: str,
    way_out: str,
) -> None:
    restrict(sandbox, rule)

    applied = provision("apply", paper.write(workplace), "--yes")

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
