"""A certificate from its birth to its end: made, added, proven as a workload proves itself, removed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest
from journey import Provision

from auth.errors import AuthError
from provision import keys
from provision.connect import Wishes, connect
from provision.errors import ProofError
from provision.graph import directory
from provision.model import Observed
from provision.proof import prove, takes
from provision.run import Run, State
from provision.target import Target
from provision.wait import until_accepted
from tests.build import desired
from tests.keypairs import a_pair

APP, KEY = "web", str(uuid4())


async def registered(target: Target) -> Run:
    """A run that has made an application and its service principal."""
    made = await directory.upsert_application(target.graph, "contoso.web", {"displayName": "web"})
    assert made is not None
    await until_accepted(
        lambda: directory.create_service_principal(target.graph, made.app_id),
        target,
        app=APP,
        what="application",
    )
    run = Run(target=target, desired=desired(), observed=Observed(applications={}, resources={}))
    run.states[APP] = State.of(made, new=True)
    return run


@pytest.mark.parametrize("profile", ["strong", "typical"])
def test_a_certificate_is_proven_by_what_is_signed_with_its_key(
    workplace: Path, profile: str
) -> None:
    pair, other = a_pair(), a_pair("theirs")
    assert pair.key is not None
    assert other.key is not None
    mine, unknown = pair.key, other.key
    environ = {"PROVISION_SANDBOX_PROFILE": profile, "PROVISION_SANDBOX_SCALE": "50"}

    async def life() -> None:
        wishes = Wishes(environ=environ, tenant="sandbox")
        async with connect(None, wishes, tell=lambda _: None) as target:
            run = await registered(target)
            app_id = run.states[APP].app_id
            await keys.add(
                run,
                APP,
                key_id=KEY,
                certificate=pair.certificate,
                display_name="provision:contoso:ci:0",
            )
            await prove(target, APP, app_id, mine, tokens=3, over=2.0)

            with pytest.raises(ProofError, match="AADSTS700027"):
                await prove(target, APP, app_id, unknown, within=2.0)

            await keys.remove(run, APP, KEY, what="old certificate")
            refused = None
            while not isinstance(refused, AuthError):
                refused = await takes(target, APP, app_id, mine, patience=0.0, what="the end")

    asyncio.run(life())


def test_a_manifest_with_certificates_is_checked_without_opening_them(
    workplace: Path, provision: Provision
) -> None:
    """A file may be where the workload runs, and a manifest may come from a stranger."""
    manifest = workplace / "certificates.yaml"
    manifest.write_text(
        "version: 1\n"
        "name: contoso\n"
        "applications:\n"
        "  web:\n"
        "    displayName: Web\n"
        "    credentials:\n"
        "      made: {certificate: {generate: {keySize: 3072}, store: {dotenv: .env}}}\n"
        "      kept: {certificate: {pem: ../elsewhere/web.pem}}\n",
        encoding="utf-8",
    )

    outcome = provision("validate", manifest)

    assert outcome.exit_code == 0
