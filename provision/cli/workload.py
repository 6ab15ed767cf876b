"""Commands about the workloads themselves: their ids, and a token as one of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provision.cli.options import Options, takes_options
from provision.cli.output import say, show, telling_failures, wrong_usage
from provision.cli.session import read_manifest, work

if TYPE_CHECKING:
    from provision.model import Observed
    from provision.target import Target

File = Annotated[Path, typer.Argument(metavar="FILE", help="The manifest.")]


@takes_options()
def output(
    file: File,
    form: Annotated[str, typer.Option("--format", help="env or json.")] = "env",
    *,
    options: Options,
) -> None:
    """Print tenant id, client ids and object ids of applications and identities; no secrets."""
    with telling_failures(options):
        from provision import flow
        from provision.render import jsonout

        if form not in ("env", "json"):
            raise wrong_usage(f'--format takes env or json, not "{form}"', hint="--format env")
        manifest = read_manifest(file, options)

        async def verb(target: Target) -> tuple[str, Observed]:
            return target.tenant_id, await flow.look(manifest, target)

        tenant_id, observed = work(manifest, options, verb, looking=True)
        keys = sorted(
            [each.key for each in manifest.applications]
            + [each.key for each in manifest.identities]
        )
        ids = {key: found for key in keys if (found := _ids(observed, key))}
        for key in keys:
            if key not in ids:
                say(f"{key} does not exist in this tenant: run provision apply first.")
        if options.json or form == "json":
            show(jsonout.output_json(ids, tenant_id=tenant_id, owner=manifest.owner))
        else:
            show("\n".join(_lines(tenant_id, ids)))


def _ids(observed: Observed, key: str) -> dict[str, str | None] | None:
    """A managed identity has a service principal, but no application in the tenant."""
    if identity := observed.identities.get(key):
        return {"clientId": identity.app_id, "servicePrincipalObjectId": identity.id}
    found = observed.applications.get(key)
    if found is None:
        return None
    principal = found.service_principal
    return {
        "clientId": found.application.app_id,
        "applicationObjectId": found.application.id,
        "servicePrincipalObjectId": principal.id if principal else None,
    }


def _lines(tenant_id: str, ids: dict[str, dict[str, str | None]]) -> list[str]:
    """Lines that a shell can read: one application speaks for itself, several carry their keys."""
    lines = [f"AZURE_TENANT_ID={tenant_id}"]
    names = {
        "clientId": "CLIENT_ID",
        "applicationObjectId": "APPLICATION_OBJECT_ID",
        "servicePrincipalObjectId": "SERVICE_PRINCIPAL_OBJECT_ID",
    }
    for key, facts in ids.items():
        prefix = "AZURE" if len(ids) == 1 else key.upper().replace("-", "_")
        lines += [f"{prefix}_{names[name]}={value}" for name, value in facts.items() if value]
    return lines


@takes_options()
def token(
    file: File,
    app: Annotated[str, typer.Argument(metavar="APP", help="Key of the application.")],
    decode: Annotated[bool, typer.Option("--decode", help="Show the claims.")] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Print the token itself: whoever reads it can use it.")
    ] = False,
    resource: Annotated[
        str | None,
        typer.Option(
            metavar="API",
            help="What it is for, by display name, appId, or key in the manifest; else Microsoft Graph.",
        ),
    ] = None,
    *,
    options: Options,
) -> None:
    """Request a fresh token as the workload."""
    with telling_failures(options):
        from auth import claims
        from provision import flow

        manifest = read_manifest(file, options)
        value = work(
            manifest,
            options,
            lambda to: flow.token(manifest, app, to, resource=resource),
            looking=True,
        )
        carried = claims.read(value)
        if raw:
            show(value)
        elif decode or options.json:
            show(json.dumps(dict(carried.raw), indent=2, sort_keys=True, default=str))
        else:
            show("\n".join(_summary(carried)))


def _summary(carried: Any) -> list[str]:
    roles = ", ".join(sorted(carried.roles)) or "none"
    return [
        f"token for {carried.aud}",
        f"tenant    {carried.tid}",
        f"client    {carried.app_id}",
        f"roles     {roles}",
        f"expires   {carried.expires:%Y-%m-%d %H:%M:%S} UTC",
        "(--decode shows all claims, --raw prints the token)",
    ]
