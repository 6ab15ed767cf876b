"""A service principal that is disabled, as the manifest says or by hand, and enabled again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import outsider
import paper
import pytest
import truth
from journey import Provision
from test_nouns import principal, settled

from provision.sandbox.server import Server


@pytest.mark.parametrize("kind", ["applications", "servicePrincipals"])
@pytest.mark.parametrize("sandbox", [{}, {"profile": "typical", "seed": 3}], indirect=True)
def test_what_was_suspended_when_it_was_deleted_is_enabled_with_its_restore(
    sandbox: Server, provision: Provision, workplace: Path, kind: str
) -> None:
    """It comes back as it was: without that, its new secret could not be proven."""
    asleep, awake = (paper.an_app(servicePrincipal={"enabled": on}) for on in (False, True))
    provision("apply", paper.write(workplace, asleep), "--yes")
    sandbox.advance(timedelta(minutes=10))
    gone = {"applications": truth.application(sandbox), "servicePrincipals": principal(sandbox)}
    outsider.send(sandbox, "DELETE", f"{kind}/{gone[kind]['id']}")
    sandbox.advance(timedelta(minutes=10))

    done = provision("apply", paper.write(workplace, awake), "--yes", "--skip-verify")

    assert done.exit_code == 0, done.said
    assert principal(sandbox)["id"] == gone["servicePrincipals"]["id"]
    assert principal(sandbox)["accountEnabled"]
    assert len(truth.key_ids(sandbox)) == 1


def test_a_suspended_workload_is_left_with_what_it_has_until_it_is_enabled_again(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """A secret that nobody can prove is not issued, and none is removed for its sake."""
    asleep = paper.an_app(servicePrincipal={"enabled": False})
    settled(provision, paper.write(workplace, paper.an_app()))
    before = truth.key_ids(sandbox)
    manifest = paper.write(workplace, asleep)
    settled(provision, manifest)
    sandbox.advance(timedelta(days=75))

    said = settled(provision, manifest)
    forced = provision("rotate", manifest, "--now", "--no-overlap")

    assert "ci: none is issued while the service principal is disabled" in said
    assert "its service principal is disabled, as declared: it gets no token" in said
    assert truth.key_ids(sandbox) == before
    assert forced.exit_code == 0, forced.said
    awake = settled(
        provision, paper.write(workplace, paper.an_app(servicePrincipal={"enabled": True}))
    )
    assert "issue secret ci" in awake


@pytest.mark.parametrize(
    "sandbox", [{"profile": "slow", "seed": seed} for seed in (1, 2, 3)], indirect=True
)
def test_a_secret_comes_with_the_enabling_however_late_the_token_service_hears_of_it(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    asleep, awake = (paper.an_app(servicePrincipal={"enabled": on}) for on in (False, True))
    provision("apply", paper.write(workplace, asleep), "--yes", "--skip-verify")
    sandbox.advance(timedelta(hours=1))

    done = provision("apply", paper.write(workplace, awake), "--yes")

    assert done.exit_code == 0, done.said
    assert "1 proven" in done.stdout
    assert truth.key_ids(sandbox) == [paper.stored(workplace)["AZURE_CLIENT_SECRET_ID"]]
