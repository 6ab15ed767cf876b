"""Certificates of an application that somebody else made: ours come and go, theirs stay as they are."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import crowd
import outsider
import paper
import pytest
import truth
from journey import Provision

from provision.sandbox.server import Server
from tests.keypairs import a_pair

CREDENTIALS = {"ci": {"certificate": {"generate": {}, "store": {"json": "ci.json"}}}}


@pytest.fixture
def theirs(sandbox: Server) -> dict[str, Any]:
    """An application as the portal makes one, with a certificate of theirs."""
    made = crowd.portal(sandbox)
    key = {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "displayName": "CN=theirs",
        "key": base64.b64encode(a_pair("theirs").certificate.der).decode("ascii"),
    }
    outsider.send(sandbox, "PATCH", f"applications/{made['id']}", {"keyCredentials": [key]})
    return made


def certificates(server: Server, app: dict[str, Any]) -> list[str]:
    """The names of its certificates."""
    (found,) = (each for each in truth.applications(server) if each["id"] == app["id"])
    return sorted(each["displayName"] for each in found["keyCredentials"])


def adopting(app: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The manifest's words for it, with a certificate of ours."""
    said = {"displayName": None, "adopt": {"appId": app["appId"]}, "credentials": CREDENTIALS}
    return paper.an_app(**{**said, **changes})


def test_destroy_takes_our_certificate_from_an_adopted_application_and_leaves_theirs(
    theirs: dict[str, Any], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace, adopting(theirs))
    assert provision("apply", manifest, "--yes").exit_code == 0
    assert len(certificates(sandbox, theirs)) == 2

    done = provision("destroy", manifest, "--yes")

    assert done.exit_code == 0, done.said
    assert certificates(sandbox, theirs) == ["CN=theirs"]
    assert not list((workplace / ".provision").rglob("ci.json"))


def test_who_gives_it_up_hears_that_our_certificate_keeps_its_name(
    theirs: dict[str, Any], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace, adopting(theirs))
    assert provision("apply", manifest, "--yes", "--skip-verify").exit_code == 0
    before = certificates(sandbox, theirs)

    done = provision("forget", manifest, "--target", "my-workload", "--yes")

    assert done.exit_code == 0, done.said
    assert "its certificates keep their names" in done.said
    assert certificates(sandbox, theirs) == before
