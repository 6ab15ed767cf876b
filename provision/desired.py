"""The manifest in the tenant's own terms: names of permissions, resources and people become ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from provision.entitlements import Offers, offered_by
from provision.errors import ManifestError, Problem
from provision.manifest.spec import (
    ApplicationSpec,
    CertificateSpec,
    IdentitySpec,
    Manifest,
    Mark,
    OwnerSpec,
    PermissionSpec,
    PreAuthorizedSpec,
    SecretSpec,
    StoredSpec,
)
from provision.model import (
    GRAPH_APP_ID,
    AppRole,
    Desired,
    DesiredApplication,
    DesiredCertificate,
    DesiredFederated,
    DesiredIdentity,
    DesiredPrincipal,
    DesiredSecret,
    Observed,
    Owner,
    Permission,
    PermissionScope,
    PreAuthorized,
    Resource,
)
from provision.ownership import PRESERVE, owner_tag, unique_name

RESOURCES = {"Microsoft Graph": GRAPH_APP_ID}
"""Resources by the name that a manifest uses, the same in every tenant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What names are looked up in; `own` are the resources that the manifest itself describes, by key."""

    manifest: Manifest
    observed: Observed
    own: Mapping[str, Offers]
    problems: list[Problem] = field(default_factory=list)

    def complain(self, mark: Mark, message: str, hint: str = "") -> None:
        """Note a mistake that only the tenant could show."""
        self.problems.append(
            Problem(line=mark.line, column=mark.column, message=message, hint=hint)
        )


def resolve(manifest: Manifest, observed: Observed) -> Desired:
    """What the manifest wants of this tenant; raises ManifestError with everything that it lacks."""
    specs = (*manifest.applications, *manifest.others)
    own = {spec.key: offered_by(manifest.owner, spec, observed) for spec in specs}
    context = Context(manifest=manifest, observed=observed, own=own)
    applications = tuple(_application(spec, context) for spec in manifest.applications)
    identities = tuple(_identity(spec, context) for spec in manifest.identities)
    if context.problems:
        raise ManifestError(manifest.file, context.problems)
    return Desired(
        owner=manifest.owner,
        applications=applications,
        identities=identities,
        others=frozenset(spec.key for spec in manifest.others),
    )


def _application(spec: ApplicationSpec, context: Context) -> DesiredApplication:
    owner = context.manifest.owner
    asked = _permissions(spec.permissions, context)
    marks = {owner_tag(owner)} | ({PRESERVE} if spec.preserve else set())
    offers = context.own[spec.key]
    principal = spec.service_principal
    return DesiredApplication(
        key=spec.key,
        unique_name=unique_name(owner, spec.key),
        properties=_placed(spec.properties, context),
        tags=spec.tags | (set() if spec.adopt else marks),
        app_roles=frozenset(each for each in asked if isinstance(each, AppRole)),
        scopes=frozenset(each for each in asked if isinstance(each, PermissionScope)),
        grant=spec.grant,
        secrets=tuple(_secret(secret) for secret in spec.secrets),
        certificates=_certificates(spec, context),
        calls=spec.calls,
        federated=tuple(
            DesiredFederated(
                name=each.name,
                issuer=_filled(each.issuer, context),
                subject=each.subject,
                audience=each.audience,
            )
            for each in spec.federated
        ),
        offered_roles=None if spec.app_roles is None else offers.roles,
        offered_scopes=None if spec.scopes is None else offers.scopes,
        pre_authorized=_clients(spec, context),
        known_clients=spec.known_clients,
        owners=_owners(spec.owners, context),
        principal=DesiredPrincipal(
            enabled=principal.enabled,
            assignment_required=principal.assignment_required,
            owners=_owners(principal.owners, context),
            tags=principal.tags,
        ),
        preserve=spec.preserve,
        adopt=spec.adopt,
    )


def _identity(spec: IdentitySpec, context: Context) -> DesiredIdentity:
    if spec.key not in context.observed.identities:
        context.complain(
            spec.mark,
            f"there is no managed identity {spec.managed_identity} in this tenant",
            "write the object id of its service principal: az identity show --query principalId",
        )
    asked = _permissions(spec.permissions, context)
    return DesiredIdentity(
        key=spec.key,
        principal_id=spec.managed_identity,
        app_roles=frozenset(each for each in asked if isinstance(each, AppRole)),
    )


def _permissions(specs: Iterable[PermissionSpec], context: Context) -> list[Permission]:
    found = (_permission(spec, context) for spec in specs)
    return [each for each in found if each]


def _permission(spec: PermissionSpec, context: Context) -> Permission | None:
    resource = _resource(spec, context)
    if resource is None:
        return None
    delegated = spec.kind == "delegated"
    known = resource.scope(spec.value) if delegated else resource.role(spec.value)
    if known:
        return known
    offered = resource.scopes if delegated else resource.app_roles
    if resource.id is None and not offered and resource.app_id not in context.own:
        # Nobody here knows what it offers: its service principal, once made, will tell.
        made = PermissionScope if delegated else AppRole
        return made(resource=resource.app_id, id="", value=spec.value)
    close = get_close_matches(spec.value, [each.value for each in offered], n=1)
    kind = "delegated" if delegated else "application"
    context.complain(
        spec.mark,
        f'{resource.display_name} offers no {kind} permission "{spec.value}" in this tenant',
        f'did you mean "{close[0]}"?' if close else "",
    )
    return None


def _resource(spec: PermissionSpec, context: Context) -> Resource | None:
    if spec.resource in context.own:
        return context.own[spec.resource].resource
    app_id = context.observed.names.get(spec.resource)
    for key, found in context.observed.applications.items():
        if found.application.app_id == app_id and key in context.own:
            return context.own[key].resource
    if app_id == GRAPH_APP_ID and spec.resource not in (*RESOURCES, GRAPH_APP_ID):
        # Graph finds names in any case; the rules for what is powerful know these two only.
        context.complain(
            spec.mark, f"{spec.resource} is Microsoft Graph", 'write it as "Microsoft Graph"'
        )
        return None
    resource = context.observed.resources.get(app_id or "")
    if resource is None:
        several = ", ".join(context.observed.unclear.get(spec.resource, ()))
        context.complain(
            spec.mark,
            f"{spec.resource} has no service principal in this tenant"
            if not several
            else f"several service principals of this tenant are called {spec.resource}",
            f"write the appId of the one that is meant: {several}" if several else "",
        )
    return resource


def _clients(spec: ApplicationSpec, context: Context) -> tuple[PreAuthorized, ...] | None:
    if spec.pre_authorized is None:
        return None
    return tuple(sorted(_client(spec.key, each, context) for each in spec.pre_authorized))


def _client(key: str, spec: PreAuthorizedSpec, context: Context) -> PreAuthorized:
    offered = context.own[key].resource
    for value in spec.scopes:
        if not offered.scope(value):
            context.complain(spec.mark, f'{key} exposes no scope "{value}"')
    scopes = (offered.scope(value) for value in sorted(set(spec.scopes)))
    return PreAuthorized(client=spec.client, scopes=tuple(each for each in scopes if each))


def _owners(specs: Iterable[OwnerSpec], context: Context) -> tuple[Owner, ...]:
    owners: dict[str, Owner] = {}
    for spec in specs:
        found = context.observed.people.get(spec.name)
        if found:
            owners.setdefault(found, Owner(id=found, name=spec.name))
        else:
            context.complain(spec.mark, f'nobody in this tenant is called "{spec.name}"')
    return tuple(owners.values())


def _placed(properties: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Addresses may name the tenant, which is known now, and the application itself, which may not be."""
    if "identifierUris" not in properties:
        return properties
    filled = [_filled(uri, context) for uri in properties["identifierUris"]]
    return {**properties, "identifierUris": filled}


def _filled(text: str, context: Context) -> str:
    return text.replace("{tenantId}", context.observed.tenant_id)


def _secret(spec: SecretSpec) -> DesiredSecret:
    return DesiredSecret(**_kept(spec))


def _certificates(spec: ApplicationSpec, context: Context) -> tuple[DesiredCertificate, ...]:
    """Two files may hold one certificate, which an application can have once only."""
    found = [_certificate(spec.key, each, context) for each in spec.certificates]
    first: dict[str, str] = {}
    for each, wanted in zip(spec.certificates, found, strict=True):
        thumbprint = wanted.certificate.thumbprint if wanted.certificate else ""
        if thumbprint in first:
            context.complain(
                each.mark,
                f'"{each.name}" has the same certificate as "{first[thumbprint]}"',
                "leave one of them away: an application has each certificate once",
            )
        elif thumbprint:
            first[thumbprint] = each.name
    return tuple(found)


def _certificate(key: str, spec: CertificateSpec, context: Context) -> DesiredCertificate:
    return DesiredCertificate(
        **_kept(spec),
        key_size=spec.key_size,
        subject=spec.subject,
        certificate=context.observed.certificates.get(key, {}).get(spec.name),
    )


def _kept(spec: StoredSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "lifetime": spec.lifetime,
        "renew_before": spec.renew_before,
        "overlap": spec.overlap,
        "store": spec.store,
        "replaces": spec.replaces,
    }
