"""What a manifest says of an application so that nothing about it changes: its properties, as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provision.imported.source import Existing, Source
from provision.imported.yamltext import Path
from provision.model import Application, ServicePrincipal
from provision.ownership import is_mark

APP_ID = "{appId}"
_NESTED = {
    "web": ("redirectUris", "logoutUrl", "homePageUrl"),
    "spa": ("redirectUris",),
    "publicClient": ("redirectUris",),
}
_PLAIN = ("description", "notes", "signInAudience")
_CONSENT_TEXTS = (
    "adminConsentDisplayName",
    "adminConsentDescription",
    "userConsentDisplayName",
    "userConsentDescription",
)
_CLAIM_KINDS = ("accessToken", "idToken", "saml2Token")


def content_of(existing: Existing, source: Source) -> dict[str, Any]:
    """Everything but permissions, by the manifest's keys; what is empty in the tenant is not mentioned."""
    application = existing.application
    found = application.properties
    said: dict[str, Any] = {"adopt": {"appId": application.app_id}}
    said["displayName"] = application.display_name
    said |= {name: found[name] for name in _PLAIN if found.get(name)}
    said["tags"] = sorted(tag for tag in application.tags if not is_mark(tag))
    for section, names in _NESTED.items():
        there = found.get(section) or {}
        said[section] = {name: there[name] for name in names if there.get(name)}
    said["isFallbackPublicClient"] = found.get("isFallbackPublicClient")
    said["identifierUris"] = [
        uri.replace(application.app_id, APP_ID) for uri in found.get("identifierUris") or ()
    ]
    said["groupMembershipClaims"] = found.get("groupMembershipClaims") or None
    said["optionalClaims"] = _claims(found.get("optionalClaims") or {})
    said["api"] = _api(found.get("api") or {}, source)
    said["appRoles"] = _by_value(found.get("appRoles") or (), _role)
    said["owners"] = sorted(each for each in existing.owners if each in source.people)
    said["servicePrincipal"] = _principal(existing.service_principal, application)
    return {name: value for name, value in said.items() if value not in (None, [], {})}


def people_beside(existing: Existing, source: Source) -> dict[Path, str]:
    """Who the owners are."""
    return {("owners", each): source.people.get(each, "") for each in existing.owners}


def unnameable(application: Application) -> Iterator[tuple[Path, str]]:
    """Collections in which something has no name to write it by."""
    api = application.properties.get("api") or {}
    scopes = {
        str(each["id"]): each.get("value") for each in api.get("oauth2PermissionScopes") or ()
    }
    for name, path, entries in (
        ("app role", ("appRoles",), application.properties.get("appRoles") or ()),
        ("scope", ("api", "scopes"), api.get("oauth2PermissionScopes") or ()),
    ):
        values = [each.get("value") for each in entries]
        if not all(values):
            yield (
                path,
                f"an {name} without a value" if name == "app role" else "a scope without a value",
            )
        elif len(set(values)) < len(values):
            yield path, f"two of them share a value, by which a manifest knows each {name}"
    for each in api.get("preAuthorizedApplications") or ():
        if not all(scopes.get(str(id)) for id in each.get("delegatedPermissionIds") or ()):
            yield ("api", "preAuthorizedApplications"), "a scope that is not there any more"


def _claims(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        kind: [_claim(each) for each in found[kind]] for kind in _CLAIM_KINDS if found.get(kind)
    }


def _claim(found: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {"name": found["name"]}
    said |= {name: found[name] for name in ("source", "essential") if found.get(name)}
    if found.get("additionalProperties"):
        said["additionalProperties"] = list(found["additionalProperties"])
    return said


def _api(found: Mapping[str, Any], source: Source) -> dict[str, Any]:
    scopes = found.get("oauth2PermissionScopes") or ()
    names = {str(each["id"]): each.get("value") for each in scopes}
    said: dict[str, Any] = {}
    if found.get("requestedAccessTokenVersion") is not None:
        said["requestedAccessTokenVersion"] = found["requestedAccessTokenVersion"]
    said["scopes"] = _by_value(scopes, _scope)
    said["preAuthorizedApplications"] = [
        {
            "client": source.keys.get(each["appId"], each["appId"]),
            "scopes": sorted(str(names.get(str(id))) for id in each["delegatedPermissionIds"]),
        }
        for each in found.get("preAuthorizedApplications") or ()
    ]
    said["knownClientApplications"] = sorted(
        source.keys.get(each, each) for each in found.get("knownClientApplications") or ()
    )
    return {name: value for name, value in said.items() if value not in ([], {})}


def _by_value(entries: Iterable[Mapping[str, Any]], of: Any) -> dict[str, Any]:
    found = {str(each.get("value")): of(each) for each in entries}
    return {value: found[value] for value in sorted(found)}


def _role(found: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: found[name] for name in ("displayName", "description") if found.get(name)}
    members = sorted(found.get("allowedMemberTypes") or ())
    if members != ["Application"]:
        said["allowedMemberTypes"] = members
    return said | _enabled(found)


def _scope(found: Mapping[str, Any]) -> dict[str, Any]:
    said = {"type": found["type"]} if found.get("type") else {}
    said |= {name: found[name] for name in _CONSENT_TEXTS if found.get(name)}
    return said | _enabled(found)


def _enabled(found: Mapping[str, Any]) -> dict[str, Any]:
    return {} if found.get("isEnabled") else {"enabled": False}


def _principal(found: ServicePrincipal | None, application: Application) -> dict[str, Any]:
    if found is None:
        return {}
    said: dict[str, Any] = {
        "enabled": found.enabled,
        "assignmentRequired": found.assignment_required,
    }
    tags = sorted(tag for tag in found.tags - application.tags if not is_mark(tag))
    return {**said, "tags": tags} if tags else said
