"""Valid shapes → what the rest of the program reads: Graph's names, durations, absolute paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from provision.manifest import values
from provision.manifest.application_shapes import (
    ApplicationShape,
    ClaimShape,
    OptionalClaimsShape,
    ServicePrincipalShape,
)
from provision.manifest.credential_rules import dotenv_path
from provision.manifest.credential_shapes import CertificateShape, SecretShape, StoreShape
from provision.manifest.federation import trusts
from provision.manifest.manifest_shape import IdentityShape
from provision.manifest.marks import Node
from provision.manifest.nodes import child, credentials, entries, items, mark_of, texts
from provision.manifest.offer_shapes import AppRoleShape, ScopeShape
from provision.manifest.permission_rules import asked_of
from provision.manifest.shape import Shape, mentions
from provision.manifest.spec import (
    ApplicationSpec,
    AppRoleSpec,
    CertificateSpec,
    FederatedSpec,
    IdentitySpec,
    Mark,
    OwnerSpec,
    PermissionSpec,
    PreAuthorizedSpec,
    PrincipalSpec,
    ScopeSpec,
    SecretSpec,
)
from provision.places import DotenvStore, PemFile, StorePlace

_PLAIN = (
    "display_name",
    "description",
    "notes",
    "sign_in_audience",
    "identifier_uris",
    "is_fallback_public_client",
    "group_membership_claims",
)
_NESTED = ("web", "spa", "public_client")
_CONSENT_TEXTS = (
    "admin_consent_display_name",
    "admin_consent_description",
    "user_consent_display_name",
    "user_consent_description",
)


def application(
    shape: ApplicationShape, node: Node, *, key: str, mark: Mark, folder: Path
) -> ApplicationSpec:
    """One application; `node` is the same in the tree, where the marks are."""
    return ApplicationSpec(
        key=key,
        properties=dict(_properties(shape)),
        tags=frozenset(shape.tags),
        permissions=_permissions(node),
        grant=shape.consent == "grant",
        secrets=tuple(_secrets(shape, node, folder)),
        calls=tuple(values.call(each) for each in shape.verify.calls),
        mark=mark,
        certificates=tuple(_certificates(shape, node, key=key, folder=folder)),
        federated=tuple(_federated(node)),
        app_roles=tuple(_app_roles(shape, node)) if mentions(shape, "app_roles") else None,
        owners=_owners(node),
        service_principal=_principal(shape.service_principal, child(node, "servicePrincipal")),
        preserve=shape.preserve or mentions(shape, "adopt"),
        adopt=shape.adopt.app_id if mentions(shape, "adopt") else None,
        **_api(shape, node),
    )


def identity(shape: IdentityShape, node: Node, *, key: str, mark: Mark) -> IdentitySpec:
    """A managed identity that exists already."""
    return IdentitySpec(
        key=key,
        managed_identity=shape.managed_identity,
        permissions=_permissions(node),
        mark=mark,
    )


def _properties(shape: ApplicationShape) -> Iterator[tuple[str, Any]]:
    """Graph's own names, and only what the manifest mentions: the rest stays as it is."""
    yield from _said(shape, _PLAIN)
    for name in _NESTED:
        if mentions(shape, name):
            section: Shape = getattr(shape, name)
            below = _said(section, tuple(type(section).model_fields))
            yield from ((f"{_alias(shape, name)}.{inner}", each) for inner, each in below)
    if mentions(shape, "api"):
        for inner, each in _said(shape.api, ("requested_access_token_version",)):
            yield f"api.{inner}", each
    if mentions(shape, "optional_claims"):
        yield "optionalClaims", _claims(shape.optional_claims)


def _said(shape: Shape, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name in names:
        if mentions(shape, name):
            yield _alias(shape, name), getattr(shape, name)


def _alias(shape: Shape, name: str) -> str:
    return str(type(shape).model_fields[name].alias)


def _claims(shape: OptionalClaimsShape) -> Mapping[str, Any]:
    """Complete, as Graph answers it: the whole is replaced at once."""

    def claim(each: ClaimShape) -> Mapping[str, Any]:
        return {
            "name": each.name,
            "source": each.source,
            "essential": each.essential,
            "additionalProperties": each.additional_properties,
        }

    return {
        "accessToken": [claim(each) for each in shape.access_token],
        "idToken": [claim(each) for each in shape.id_token],
        "saml2Token": [claim(each) for each in shape.saml2_token],
    }


def _permissions(holder: Node) -> tuple[PermissionSpec, ...]:
    return tuple(
        PermissionSpec(
            resource=values.resource(asked.resource),
            value=asked.value,
            mark=asked.node.mark,
            kind=asked.kind,
        )
        for asked in asked_of(holder)
    )


def _owners(holder: Node | None) -> tuple[OwnerSpec, ...]:
    return tuple(
        OwnerSpec(name=str(node.value), mark=node.mark) for node in texts(child(holder, "owners"))
    )


def _principal(shape: ServicePrincipalShape, node: Node | None) -> PrincipalSpec:
    return PrincipalSpec(
        enabled=shape.enabled if mentions(shape, "enabled") else None,
        assignment_required=(
            shape.assignment_required if mentions(shape, "assignment_required") else None
        ),
        owners=_owners(node),
        tags=frozenset(shape.tags),
    )


def _secrets(shape: ApplicationShape, node: Node, folder: Path) -> Iterator[SecretSpec]:
    for name, _, mark in credentials(node):
        credential = shape.credentials[name]
        if mentions(credential, "secret"):
            yield _secret(credential.secret, name=name, mark=mark, folder=folder)


def _secret(shape: SecretShape, *, name: str, mark: Mark, folder: Path) -> SecretSpec:
    return SecretSpec(
        name=name,
        lifetime=values.duration(shape.lifetime),
        renew_before=values.duration(shape.renew_before),
        overlap=values.duration(shape.overlap),
        store=_place(shape.store, folder),
        mark=mark,
        replaces=tuple(shape.replaces),
    )


def _place(shape: StoreShape, folder: Path) -> StorePlace:
    return DotenvStore(
        path=dotenv_path(folder, shape.dotenv), prefix=shape.prefix, written=shape.dotenv
    )


def _certificates(
    shape: ApplicationShape, node: Node, *, key: str, folder: Path
) -> Iterator[CertificateSpec]:
    for name, _, mark in credentials(node):
        credential = shape.credentials[name]
        if mentions(credential, "certificate"):
            yield CertificateSpec(
                name=name,
                renew_before=values.duration(credential.certificate.renew_before),
                overlap=values.duration(credential.certificate.overlap),
                mark=mark,
                replaces=tuple(credential.certificate.replaces),
                **_origin(credential.certificate, key=key, folder=folder),
            )


def _origin(shape: CertificateShape, *, key: str, folder: Path) -> dict[str, Any]:
    """Where a certificate comes from: its file, or all that it takes to make and to keep it."""
    if mentions(shape, "pem"):
        file = PemFile(path=dotenv_path(folder, shape.pem), written=shape.pem)
        return {"store": file, "lifetime": timedelta()}
    made = shape.generate
    return {
        "store": _place(shape.store, folder),
        "lifetime": values.duration(made.lifetime),
        "key_size": made.key_size,
        "subject": made.subject if mentions(made, "subject") else f"CN={key}",
    }


def _federated(node: Node) -> Iterator[FederatedSpec]:
    for name, credential, mark in credentials(node):
        for found in trusts(name, child(credential, "federated")):
            yield FederatedSpec(mark=mark, **found._asdict())


def _app_roles(shape: ApplicationShape, node: Node) -> Iterator[AppRoleSpec]:
    holder = child(node, "appRoles")
    for value, role in shape.app_roles.items():
        yield _app_role(role, value, mark_of(holder, value))


def _app_role(shape: AppRoleShape, value: str, mark: Mark) -> AppRoleSpec:
    name = shape.display_name if mentions(shape, "display_name") else value
    return AppRoleSpec(
        value=value,
        display_name=name,
        description=shape.description if mentions(shape, "description") else name,
        allowed_member_types=tuple(sorted(shape.allowed_member_types)),
        enabled=shape.enabled,
        mark=mark,
    )


def _api(shape: ApplicationShape, node: Node) -> dict[str, Any]:
    """What the application offers to clients for a user; nothing where nothing is said."""
    found: dict[str, Any] = {}
    if not mentions(shape, "api"):
        return found
    api = child(node, "api")
    if mentions(shape.api, "scopes"):
        holder = child(api, "scopes")
        found["scopes"] = tuple(
            _scope(scope, value, mark_of(holder, value))
            for value, scope in shape.api.scopes.items()
        )
    if mentions(shape.api, "pre_authorized_applications"):
        listed = items(child(api, "preAuthorizedApplications"))
        found["pre_authorized"] = tuple(
            PreAuthorizedSpec(client=each.client, scopes=tuple(each.scopes), mark=place.mark)
            for each, place in zip(shape.api.pre_authorized_applications, listed, strict=True)
        )
    if mentions(shape.api, "known_client_applications"):
        found["known_clients"] = tuple(shape.api.known_client_applications)
    return found


def _scope(shape: ScopeShape, value: str, mark: Mark) -> ScopeSpec:
    said = dict(_said(shape, _CONSENT_TEXTS))
    name = said.get("adminConsentDisplayName", value)
    return ScopeSpec(
        value=value,
        type=shape.type,
        texts={"adminConsentDisplayName": name, "adminConsentDescription": name, **said},
        enabled=shape.enabled,
        mark=mark,
    )


def marked(root: Node, holder: str) -> Iterator[tuple[str, Node, Mark]]:
    """Key, value and place of each entry of a mapping at the top."""
    found = child(root, holder)
    for key, node in entries(found).items():
        yield key, node, mark_of(found, key)
