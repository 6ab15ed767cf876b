"""Where a refused consent sends an administrator: by the cloud, and by what the application has."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import paper
import pytest

from auth import clouds
from provision import explain, flow
from provision.connect import Wishes, connect
from provision.errors import Forbidden
from provision.manifest import load
from provision.plan import CreateApplication, GrantAppRole
from provision.receipt import Done, Failed, Receipt
from provision.sandbox.server import Server

APP_ID = "11111111-1111-1111-1111-111111111111"


def hint_of(folder: Path, cloud: str, redirects: list[str]) -> str:
    """What apply says in that cloud when the consent of a new application is refused."""
    paper.write(folder)
    manifest = load(Path("hello.yaml"), environ={}, variables={})
    (spec,) = manifest.applications
    properties = {**spec.properties, "web.redirectUris": redirects}
    manifest = replace(manifest, applications=(replace(spec, properties=properties),))

    async def said() -> str:
        async with connect(manifest, Wishes(environ={}), tell=lambda _: None) as target:
            planned = await flow.plan(manifest, target)
            steps = planned.plan.steps
            (made,) = (step for step in steps if isinstance(step, CreateApplication))
            (grant,) = (step for step in steps if isinstance(step, GrantAppRole))
            error = Forbidden("no", status=403)
            receipt = Receipt(
                done=(Done(step=made, detail=APP_ID),),
                failed=(Failed(app=grant.app, step=grant, error=error),),
            )
            there = replace(target, cloud=clouds.named(cloud))
            told = explain.refusals(receipt, manifest, planned.observed, there)
            return f"{getattr(told.failed[0].error, 'hint', '')} Tenant {target.tenant_id}."

    return asyncio.run(said())


@pytest.mark.parametrize(
    ("cloud", "host"),
    [
        ("public", "https://entra.microsoft.com"),
        ("usgov-dod", "https://entra.microsoft.us"),
        ("china", "https://entra.microsoftonline.cn"),
    ],
)
def test_the_admin_centers_page_is_the_clouds_own(
    sandbox: Server, workplace: Path, cloud: str, host: str
) -> None:
    hint = hint_of(workplace, cloud, [])

    assert "run `provision apply --only consent hello.yaml`" in hint
    assert f"{host}/#view/Microsoft_AAD_RegisteredApps/" in hint
    assert f"/CallAnAPI/appId/{APP_ID}" in hint
    assert "adminconsent" not in hint


def test_a_consent_page_is_named_where_the_application_has_an_address_to_return_to(
    sandbox: Server, workplace: Path
) -> None:
    hint = hint_of(workplace, "public", ["https://app.example/back", "https://app.example/two"])

    tenant = hint.rpartition("Tenant ")[2].rstrip(".")
    assert (
        f"https://login.microsoftonline.com/{tenant}/adminconsent?client_id={APP_ID}"
        "&redirect_uri=https%3A%2F%2Fapp.example%2Fback"
    ) in hint
