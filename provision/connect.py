"""The composition root: a tenant's name becomes a cloud, a signed-in operator, a Graph and stores.

Only here does the sandbox meet the SDKs. It is a cloud like any other, which this module also starts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision import placing, refused, vault
from provision.clock import SystemClock
from provision.errors import Forbidden, UsageError
from provision.manifest.spec import Manifest
from provision.outside import Mint, exchanges
from provision.progress import Progress, Silent
from provision.secret import PrivateKey, Secret
from provision.stores import open_store
from provision.target import Target

if TYPE_CHECKING:
    from auth.clouds import Cloud

SANDBOX = "sandbox"
TENANT_VARIABLES = ("AZURE_TENANT_ID", "ARM_TENANT_ID")
SPEED = 20.0
"""How many times faster than the real one the sandbox lags, unless PROVISION_SANDBOX_SCALE says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the command line and the environment say about where to go and as whom."""

    environ: Mapping[str, str]
    tenant: str | None = None
    cloud: str | None = None
    auth: str | None = None
    login: str | None = None
    graph: str | None = None
    ca_bundle: Path | None = None
    real_stores: bool = False
    replace_store: bool = False
    parallel: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The tenant that was chosen, who named it, and who named another."""

    tenant: str
    source: str
    overruled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A cloud, and what is particular about reaching it: whose settings to sign in with, and its pace."""

    cloud: Cloud
    tenant: str | None
    environ: Mapping[str, str]
    speed: float = 1.0
    rehearsal: Path | None = None
    mint: Mint | None = None
    says: str = ""
    auth: str | None = None


def choose_tenant(wishes: Wishes, manifest_tenant: str | None) -> Choice:
    """--tenant, else the manifest, else AZURE_TENANT_ID, else ARM_TENANT_ID; nothing falls back to the sandbox."""
    named = [
        (value, source)
        for value, source in (
            (wishes.tenant, "--tenant"),
            (manifest_tenant, "the manifest"),
            *((wishes.environ.get(name), name) for name in TENANT_VARIABLES),
        )
        if value
    ]
    if not named:
        raise UsageError(
            "No tenant is named: neither --tenant, nor the manifest's `tenant`, nor AZURE_TENANT_ID, nor ARM_TENANT_ID",
            hint="Name one, or try it without a tenant of your own: --tenant sandbox",
        )
    tenant, source = named[0]
    overruled = tuple(
        f"{source} chose tenant {tenant}; {other} names {value}, which is not used"
        for value, other in named[1:]
        if value.casefold() != tenant.casefold()
    )
    return Choice(tenant=tenant, source=source, overruled=overruled)


def sandbox_name(tenant: str) -> str | None:
    """The sandbox tenant that a name means: `sandbox` or `sandbox/NAME`; None for a real one."""
    if tenant == SANDBOX:
        return "default"
    return tenant.removeprefix(f"{SANDBOX}/") if tenant.startswith(f"{SANDBOX}/") else None


def sandbox_folder(start: Path) -> Path:
    """Where the sandbox lives: the nearest folder above that has one, else here."""
    from provision.sandbox.folder import nearest

    return nearest(start)


@contextmanager
def place_for(
    tenant: str, wishes: Wishes, cloud: str | None, tell: Callable[[str], None]
) -> Iterator[Place]:
    """The cloud of a tenant; for the sandbox, one that is started here unless it already serves."""
    from auth import clouds

    name = sandbox_name(tenant)
    if name is None:
        chosen = (
            clouds.custom(wishes.login, wishes.graph, wishes.ca_bundle)
            if wishes.login and wishes.graph
            else _named(wishes, cloud, tell)
        )
        yield Place(cloud=chosen, tenant=tenant, environ=wishes.environ, auth=wishes.auth)
        return
    with _sandbox(name, wishes, tell) as place:
        yield place


def _named(wishes: Wishes, cloud: str | None, tell: Callable[[str], None]) -> Cloud:
    from auth import clouds

    if wishes.login or wishes.graph:
        raise UsageError(
            "--login and --graph name a cloud together: one of them is missing",
            hint="Give both, for example --login https://login.example --graph https://graph.example",
        )
    return replace(clouds.named(choose_cloud(wishes, cloud, tell)), ca_bundle=wishes.ca_bundle)


def _same_login(one: str, other: str) -> bool:
    """Whether two clouds sign in at one host, as those of the US government do."""
    from auth import clouds

    return clouds.named(one).login == clouds.named(other).login


def choose_cloud(wishes: Wishes, cloud: str | None, tell: Callable[[str], None]) -> str:
    """--cloud, else the manifest, else AZURE_AUTHORITY_HOST, else ARM_ENVIRONMENT, else Microsoft's public one."""
    from auth import clouds

    settings = clouds.in_settings(wishes.environ)
    asked = [(wishes.cloud, "--cloud"), (cloud, "the manifest"), *settings]
    named = [(name, source) for name, source in asked if name]
    if not named:
        return "public"
    chosen, source = named[0]
    for name, other in named[1:]:
        shared = other == "AZURE_AUTHORITY_HOST" and _same_login(name, chosen)
        if name != chosen and not shared:
            tell(f"{source} chose the cloud {chosen}; {other} names {name}, which is not used")
    return chosen


@contextmanager
def _sandbox(name: str, wishes: Wishes, tell: Callable[[str], None]) -> Iterator[Place]:
    """The sandbox as a cloud: its own certificate authority, its own operator, its own pace."""
    from auth import clouds
    from provision.sandbox import folder as folders
    from provision.sandbox import server

    folder = sandbox_folder(Path.cwd())
    at: server.Server | folders.Running
    with ExitStack() as stack:
        try:
            serving = server.serve(folder, name=name, wait=tell, **sandbox_settings(wishes.environ))
            at = stack.enter_context(serving)
        except server.Occupied as occupied:
            at = occupied.running
            tell(f"Using the sandbox that is served at {at.url}")
        operator = folders.operator(folder, name)
        yield Place(
            cloud=replace(
                clouds.custom(at.url, at.url, at.ca_bundle),
                name=SANDBOX,
                vaults=f"{at.url}/vaults/{{name}}",
                vault_resource=clouds.named("public").vault_resource,
            ),
            tenant=operator.tenant_id,
            environ={
                "AZURE_TENANT_ID": operator.tenant_id,
                "AZURE_CLIENT_ID": operator.client_id,
                "AZURE_CLIENT_SECRET": operator.client_secret,
            },
            speed=at.scale,
            mint=partial(folders.subject_token, folder, name),
            rehearsal=None if wishes.real_stores else folder / name / "stores",
            says="the embedded tenant; nothing leaves this machine",
            auth="env",
        )


def sandbox_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """How an embedded sandbox behaves: PROVISION_SANDBOX_PROFILE, _SCALE and _SEED."""
    try:
        scale = float(environ.get("PROVISION_SANDBOX_SCALE", SPEED))
        seed = environ.get("PROVISION_SANDBOX_SEED")
        return {
            "profile": environ.get("PROVISION_SANDBOX_PROFILE", "typical"),
            "scale": scale,
            "seed": int(seed) if seed else None,
        }
    except ValueError as error:
        raise UsageError(
            "PROVISION_SANDBOX_SCALE takes a number and PROVISION_SANDBOX_SEED a whole one",
            hint="Unset them, or set PROVISION_SANDBOX_SCALE=20",
        ) from error


@asynccontextmanager
async def connect(
    manifest: Manifest | None,
    wishes: Wishes,
    *,
    tell: Callable[[str], None],
    progress: Progress | None = None,
    looking: bool = False,
) -> AsyncIterator[Target]:
    """Reach the tenant and sign in; `looking` commands open no store outside the manifest's folder."""
    choice = choose_tenant(wishes, manifest.tenant if manifest else None)
    for line in choice.overruled:
        tell(line)
    with place_for(choice.tenant, wishes, manifest.cloud if manifest else None, tell) as place:
        async with AsyncExitStack() as stack:
            target = await _signed_in(stack, choice, place, wishes, tell)
            try:
                yield replace(
                    target,
                    progress=progress or Silent(),
                    place_of=placing.places(place.rehearsal, manifest),
                    may_read=placing.readable(place.rehearsal, manifest, looking=looking),
                )
            except Forbidden as refusal:
                raise refused.in_words(refusal, target.operator) from refusal


async def _signed_in(
    stack: AsyncExitStack, choice: Choice, place: Place, wishes: Wishes, tell: Callable[[str], None]
) -> Target:
    """Sign in, open Graph, and say where we are and as whom; the stack closes what was opened."""
    from auth import clouds, operator, workload
    from provision.graph import directory
    from provision.graph.client import Graph

    cloud = place.cloud
    signed = await operator.sign_in(
        place.environ, place.tenant, cloud, choice=place.auth, tell=tell
    )
    credential = await stack.enter_async_context(signed.credential)
    identity = await operator.who(credential, cloud)
    clock = SystemClock(place.speed)
    hosts = clouds.hosts(cloud)
    graph = await stack.enter_async_context(
        Graph.open(
            credential,
            cloud.graph,
            hosts,
            clock=clock,
            ca_bundle=cloud.ca_bundle,
            parallel=wishes.parallel,
        )
    )
    organization = await directory.organization(graph)
    name = organization.display_name if organization else choice.tenant
    name = choice.tenant if sandbox_name(choice.tenant) else name
    note = f": {place.says}" if place.says else ""
    shown = [name] if name == identity.tenant_id else [name, identity.tenant_id]
    unnamed = "" if organization else " (Organization.Read.All would show its name)"
    tell(f"Tenant:   {' '.join(shown)}{unnamed}")
    tell(f"Cloud:    {cloud.name}{note}")
    tell(f"Operator: {identity.name}, by {signed.says}")

    vaults = vault.opener(credential, cloud, replace=wishes.replace_store)

    async def token_of(app_id: str, secret: Secret, resource: str | None = None) -> str:
        scope = f"{resource}/.default" if resource else None
        certified = isinstance(secret, PrivateKey)
        ask = workload.token_by_certificate if certified else workload.token
        return await ask(identity.tenant_id, app_id, secret.reveal(), cloud, scope=scope)

    return Target(
        tenant_id=identity.tenant_id,
        tenant_name=name,
        cloud=cloud,
        operator=identity,
        graph=graph,
        clock=clock,
        token_of=token_of,
        place_of=lambda spot: spot,
        open_store=lambda spot: open_store(spot, replace=wishes.replace_store, vault=vaults),
        may_read=lambda _: True,
        exchange_for=exchanges(identity.tenant_id, cloud, place.environ, mint=place.mint),
        progress=Silent(),
        tell=tell,
    )
