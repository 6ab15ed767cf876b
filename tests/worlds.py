"""Whole manifests and the tenants that they meet, thrown like dice: APIs and clients, trust, owners, identities."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeAlias

from hypothesis import strategies as st

from provision.entitlements import offered_by
from provision.manifest.spec import (
    ApplicationSpec,
    AppRoleSpec,
    FederatedSpec,
    IdentitySpec,
    Manifest,
    Mark,
    OwnerSpec,
    PermissionSpec,
    PreAuthorizedSpec,
    PrincipalSpec,
    ScopeSpec,
)
from provision.model import (
    GRAPH_APP_ID,
    AppRole,
    AppRoleAssignment,
    FederatedIdentityCredential,
    OAuth2PermissionGrant,
    Observed,
    ObservedApplication,
    PermissionScope,
    Resource,
    ResourceAccess,
    ServicePrincipal,
)
from provision.ownership import PRESERVE, federated_mark, owner_tag
from tests.build import GRAPH, MAIL, OWNER, USERS, a_manifest, deleted, registered
from tests.tenants import Dice

HERE = Mark(line=1, column=1)
EMAIL, PROFILE = (
    PermissionScope(resource=GRAPH_APP_ID, id=f"d-{value}", value=value)
    for value in ("email", "profile")
)
SITES = AppRole(resource="spo", id="sites", value="Sites.Read")
FILES = PermissionScope(resource="spo", id="files", value="Files.Read")
THEIRS = AppRole(resource="other", id="do", value="Do")
"""Offered by another organisation's API: nobody here knows it before its service principal is made."""
PEOPLE = {"ann@x": "ann", "bob@x": "bob"}

World: TypeAlias = tuple[Manifest, Observed]


def a_spec(key: str, **said: Any) -> ApplicationSpec:
    """An application of a manifest: by default only its name."""
    plain: dict[str, Any] = {
        "key": key,
        "properties": {"displayName": key},
        "tags": frozenset(),
        "permissions": (),
        "grant": True,
        "secrets": (),
        "calls": (),
        "mark": HERE,
    }
    return ApplicationSpec(**{**plain, **said})


def a_role_spec(value: str, **said: Any) -> AppRoleSpec:
    plain: dict[str, Any] = {
        "value": value,
        "display_name": value,
        "description": value,
        "allowed_member_types": ("Application",),
        "enabled": True,
        "mark": HERE,
    }
    return AppRoleSpec(**{**plain, **said})


def a_scope_spec(value: str, **said: Any) -> ScopeSpec:
    texts = {"adminConsentDisplayName": value, "adminConsentDescription": value}
    plain: dict[str, Any] = {
        "value": value,
        "type": "Admin",
        "texts": texts,
        "enabled": True,
        "mark": HERE,
    }
    return ScopeSpec(**{**plain, **said})


def asks(resource: str, value: str, *, delegated: bool = False) -> PermissionSpec:
    kind = "delegated" if delegated else "application"
    return PermissionSpec(resource=resource, value=value, mark=HERE, kind=kind)  # type: ignore[arg-type]


def resources(*, spo: bool, other: bool, again: Iterable[Resource] = ()) -> dict[str, Resource]:
    """What a tenant offers; the last two may have no service principal yet."""
    graph = replace(GRAPH, scopes=frozenset({EMAIL, PROFILE}))
    share = Resource(
        id="spo-sp" if spo else None,
        app_id="spo",
        display_name="SharePoint",
        app_roles=frozenset({SITES}),
        scopes=frozenset({FILES}),
    )
    api = Resource(
        id="other-sp" if other else None,
        app_id="other",
        display_name="other",
        app_roles=frozenset({THEIRS} if other else ()),
    )
    return {each.app_id: each for each in (graph, share, api, *again)}


def _api_spec(dice: Dice) -> ApplicationSpec:
    roles, scopes = dice.some("Read", "Write"), dice.some("read", "write")
    said = tuple(
        a_role_spec(value, display_name=dice.one(value, "x"), enabled=dice.one(True, True, False))
        for value in roles
    )
    exposed = tuple(a_scope_spec(value, enabled=dice.one(True, True, False)) for value in scopes)
    mentioned = dice.one(exposed, exposed, None)
    enabled = tuple(each.value for each in mentioned or () if each.enabled)
    clients = tuple(
        PreAuthorizedSpec(client=client, scopes=enabled, mark=HERE)
        for client in dice.some("web", "app-web", "stranger")
    )
    uris = dice.one((), ({"identifierUris": ["api://{appId}", "https://x"]},))
    return a_spec(
        "api",
        properties={"displayName": "api", **(uris[0] if uris else {})},
        app_roles=dice.one(said, said, None),
        scopes=mentioned,
        pre_authorized=dice.one(None, clients) if enabled else None,
        known_clients=dice.one(None, tuple(dice.some("web", "stranger"))),
        preserve=dice.one(False, True),
        tags=frozenset(dice.some("a")),
    )


def _web_spec(dice: Dice, api: ApplicationSpec) -> ApplicationSpec:
    name = dice.one("api", "app-api")
    asked = [
        asks("Microsoft Graph", "User.Read.All"),
        asks("Microsoft Graph", "Mail.Send"),
        asks("Microsoft Graph", "email", delegated=True),
        asks("Microsoft Graph", "profile", delegated=True),
        asks("SharePoint", "Sites.Read"),
        asks("SharePoint", "Files.Read", delegated=True),
        asks("other", "Do"),
        *(asks(name, each.value) for each in api.app_roles or () if each.enabled),
        *(asks(name, each.value, delegated=True) for each in api.scopes or () if each.enabled),
    ]
    return a_spec(
        "web",
        permissions=tuple(dice.some(*asked)),
        grant=dice.one(True, True, False),
        federated=tuple(
            FederatedSpec(name=each, issuer="i", subject=subject, audience="a", mark=HERE)
            for each, subject in zip(
                dice.some("main", "tag"), dice.one(("s", "t"), ("t", "s")), strict=False
            )
        ),
        owners=tuple(OwnerSpec(name=each, mark=HERE) for each in dice.some(*PEOPLE)),
        service_principal=PrincipalSpec(
            enabled=dice.one(None, True, False),
            assignment_required=dice.one(None, True, False),
            owners=tuple(OwnerSpec(name=each, mark=HERE) for each in dice.some(*PEOPLE)),
            tags=frozenset(dice.some("hidden")),
        ),
        adopt=dice.one(None, None, "app-web"),
        preserve=dice.one(False, True),
    )


def _api_found(dice: Dice, spec: ApplicationSpec) -> ObservedApplication:
    """Roles and scopes with ids that we made of their names, or that the tenant gave them."""
    before = a_spec(
        "api",
        app_roles=tuple(a_role_spec(each) for each in dice.some("Read", "Write", "Old")),
        scopes=tuple(a_scope_spec(each) for each in dice.some("read", "write", "old")),
    )
    made = offered_by(OWNER, before, Observed(applications={}, resources={}))
    foreign = dice.one(False, True)

    def there(entry: Any, prefix: str) -> dict[str, Any]:
        id = f"{prefix}-{entry['value']}" if foreign else entry["id"]
        return {**entry, "id": id, "isEnabled": dice.one(True, True, False)}

    scopes = [there(each, "scope") for each in made.scopes]
    api = {
        "oauth2PermissionScopes": scopes,
        "preAuthorizedApplications": [
            {"appId": each, "delegatedPermissionIds": [scope["id"] for scope in scopes]}
            for each in dice.some("app-web", "stranger", "gone")
            if scopes
        ],
        "knownClientApplications": dice.some("app-web", "gone"),
    }
    return registered(
        "api",
        properties={
            "displayName": dice.one("api", "old"),
            "appRoles": [there(each, "role") for each in made.roles],
            "api": api,
            "identifierUris": dice.one([], ["https://x", "api://app-api"]),
        },
        tags=dice.some(PRESERVE, "theirs"),
        principal=dice.one(True, True, False),
    )


def _offered(api: ObservedApplication | None) -> list[AppRole | PermissionScope]:
    if api is None:
        return []
    held = api.application.properties
    roles = (AppRole(resource="app-api", id=e["id"], value=e["value"]) for e in held["appRoles"])
    scopes = (
        PermissionScope(resource="app-api", id=e["id"], value=e["value"])
        for e in held["api"]["oauth2PermissionScopes"]
    )
    return [*roles, *scopes]


def access(each: AppRole | PermissionScope) -> ResourceAccess:
    """A permission as requiredResourceAccess lists it."""
    kind = "Role" if isinstance(each, AppRole) else "Scope"
    return ResourceAccess(resource_app_id=each.resource, id=each.id, type=kind)


def _principal(
    dice: Dice, held: list[AppRole | PermissionScope], by_app_id: dict[str, str]
) -> ServicePrincipal:
    ready = [each for each in held if each.resource in by_app_id]
    roles = [each for each in dice.some(*ready) if isinstance(each, AppRole)]
    scopes = [each for each in dice.some(*ready) if isinstance(each, PermissionScope)]
    grants = []
    for resource in sorted({each.resource for each in scopes}):
        values = frozenset(each.value for each in scopes if each.resource == resource)
        for who in dice.some(None, "carol"):
            grants.append(
                OAuth2PermissionGrant(
                    id=f"consent-{by_app_id[resource]}-{who}",
                    client_id="sp-web",
                    resource_id=by_app_id[resource],
                    principal_id=who,
                    scopes=values,
                )
            )
    return ServicePrincipal(
        id="sp-web",
        app_id="app-web",
        app_role_assignments=tuple(
            AppRoleAssignment(
                id=f"grant-{each.id}",
                app_role_id=each.id,
                principal_id="sp-web",
                resource_id=by_app_id[each.resource],
            )
            for each in roles
        ),
        grants=dice.one(tuple(grants), tuple(grants), None),
        enabled=dice.one(True, False),
        assignment_required=dice.one(False, True),
        tags=frozenset(dice.some("theirs")),
    )


def _web_found(
    dice: Dice, api: ObservedApplication | None, offers: dict[str, Resource], *, adopted: bool
) -> ObservedApplication:
    by_app_id = {each.app_id: each.id for each in offers.values() if each.id}
    if api and api.service_principal:
        by_app_id["app-api"] = api.service_principal.id
    held = [USERS, MAIL, EMAIL, PROFILE, SITES, FILES, *_offered(api)]
    base = registered(
        "web",
        requested=[access(each) for each in dice.some(*held)],
        tags=dice.some(PRESERVE, "theirs"),
        owner=dice.one(None, OWNER) if adopted else OWNER,
    )
    subjects = dice.one("stuv", "tsvu", "uvst")  # the directory holds an issuer and subject once
    federated = [
        FederatedIdentityCredential(
            id=name,
            name=name,
            issuer="i",
            subject=subject,
            audiences=("a",),
            description=federated_mark(OWNER, name) if name != "his" else "",
        )
        for name, subject in zip(dice.some("main", "tag", "gone", "his"), subjects, strict=False)
    ]
    return replace(
        base,
        application=replace(base.application, federated=tuple(federated)),
        service_principal=(dice.one(True, True, False) and _principal(dice, held, by_app_id))
        or None,
        owners=frozenset(dice.some("ann", "zoe")),
        principal_owners=frozenset(dice.some("bob", "zoe")),
    )


def world(thrown: bytes) -> World:
    """A manifest, and the tenant that it is applied to, both as the bytes say."""
    dice = Dice(thrown)
    api_spec = _api_spec(dice)
    web_spec = _web_spec(dice, api_spec)
    offers = resources(spo=dice.one(True, False), other=dice.one(True, False))
    api = _api_found(dice, api_spec) if dice.one(True, True, False) else None
    web = None
    if web_spec.adopt or dice.one(True, True, False):
        web = _web_found(dice, api, offers, adopted=bool(web_spec.adopt))
    func = ServicePrincipal(id="sp-func", app_id="app-func", type="ManagedIdentity")
    buried = dice.one(False, False, True) and web is not None and not web_spec.adopt
    if buried and web:  # the directory does not tell what a deleted application trusts
        web = replace(web, application=replace(web.application, federated=()))
    identity = IdentitySpec(
        key="func",
        managed_identity="sp-func",
        permissions=tuple(dice.some(asks("other", "Do"), asks("Microsoft Graph", "Mail.Send"))),
        mark=HERE,
    )
    strays = dice.some(
        registered("old").application,
        registered("kept", tags=[PRESERVE]).application,
        registered("claimed", owner=None, tags=[owner_tag("fabrikam")]).application,
    )
    seen = Observed(
        applications={
            key: each
            for key, each in (("api", api), ("web", web))
            if each and not (key == "web" and buried)
        },
        resources={
            **offers,
            "app-api": Resource(
                id=api.service_principal.id if api and api.service_principal else None,
                app_id="app-api",
                display_name="api",
                app_roles=frozenset(),
            ),
        }
        if api
        else offers,
        strays=tuple(strays),
        deleted={"web": deleted(web)} if web and buried else {},
        identities={"func": func},
        names={
            "Microsoft Graph": GRAPH_APP_ID,
            "SharePoint": "spo",
            "other": "other",
            "app-api": "app-api",
        },
        people=PEOPLE,
        tenant_id="t",
    )
    specs = dice.one((api_spec, web_spec), (web_spec, api_spec))
    if api is None:  # nobody knows an appId of what does not exist
        specs = tuple(
            replace(
                spec,
                permissions=tuple(
                    replace(each, resource="api") if each.resource == "app-api" else each
                    for each in spec.permissions
                ),
            )
            for spec in specs
        )
    manifest = a_manifest(applications=specs, identities=dice.one((identity,), ()))
    return manifest, seen


def worlds() -> st.SearchStrategy[World]:
    return st.binary(min_size=160, max_size=160).map(world)
