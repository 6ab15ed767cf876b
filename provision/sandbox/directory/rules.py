"""What an application may look like: limits, formats, and what is unique."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from provision.sandbox import edm
from provision.sandbox.call import Call
from provision.sandbox.directory.body import GUID
from provision.sandbox.directory.refusals import (
    already_taken,
    bad_request,
    duplicate_values,
    invalid_value,
    not_convertible,
    read_only,
    required,
)
from provision.sandbox.directory.shape import APPLICATIONS
from provision.sandbox.refusal import Refusal
from provision.sandbox.tenant import Seen

AUDIENCES = (
    "AzureADMyOrg",
    "AzureADMultipleOrgs",
    "AzureADandPersonalMicrosoftAccount",
    "PersonalMicrosoftAccount",
)
MANIFEST_ENTRIES = 1200
_READ_ONLY = {
    "applications": "id appId createdDateTime createdByAppId deletedDateTime applicationTemplateId "
    "disabledByMicrosoftStatus publisherDomain certification verifiedPublisher",
    "servicePrincipals": "id appId appDisplayName appDescription appOwnerOrganizationId "
    "applicationTemplateId createdDateTime createdByAppId deletedDateTime signInAudience "
    "disabledByMicrosoftStatus oauth2PermissionScopes appRoles verifiedPublisher info "
    "servicePrincipalType resourceSpecificApplicationPermissions customSecurityAttributes "
    "servicePrincipalNames",
    "users": "id createdDateTime deletedDateTime creationType securityIdentifier proxyAddresses "
    "onPremisesSyncEnabled signInSessionsValidFromDateTime imAddresses",
    "groups": "id createdDateTime deletedDateTime mail proxyAddresses renewedDateTime "
    "expirationDateTime securityIdentifier onPremisesDomainName onPremisesLastSyncDateTime "
    "onPremisesNetBiosName onPremisesSamAccountName onPremisesSecurityIdentifier "
    "onPremisesSyncEnabled onPremisesProvisioningErrors creationOptions "
    "resourceBehaviorOptions resourceProvisioningOptions",
}
_LONGEST = {"displayName": 256, "description": 1024}
_MEMBERSHIP = frozenset({"None", "SecurityGroup", "All", "DirectoryRole", "ApplicationGroup"})
_PERSONAL = frozenset(AUDIENCES[2:])
_TAG = re.compile(r"\S{1,256}")


def check_read_only(given: Mapping[str, Any], present: Mapping[str, Any], kind: edm.Kind) -> None:
    """What the service sets may only be repeated as it is."""
    for name in _READ_ONLY[kind.collection].split():
        if name in given and given[name] != present.get(name):
            raise read_only(name)
    logo = (given.get("info") or {}).get("logoUrl")
    if logo is not None and logo != (present.get("info") or {}).get("logoUrl"):
        raise read_only("info.logoUrl")


def check_tags(given: Mapping[str, Any], kind: edm.Kind) -> None:
    """A tag is one word, and is there once."""
    tags = given.get("tags", ())
    if not all(_TAG.fullmatch(tag) for tag in tags):
        raise invalid_value("tags", kind.resource)
    check_distinct(tags, "tags")


def check_lengths(given: Mapping[str, Any], kind: edm.Kind) -> None:
    """The texts that people read."""
    for name, longest in _LONGEST.items():
        if len(given.get(name) or "") > longest:
            raise invalid_value(name, kind.resource)


def check_distinct(values: Iterable[Any], name: str) -> None:
    """No entry twice."""
    known = list(values)
    if len({str(value).lower() for value in known}) != len(known):
        raise duplicate_values(name)


def check_application(call: Call, given: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """https://learn.microsoft.com/graph/api/resources/application"""
    resource = APPLICATIONS.resource
    personal = new["signInAudience"] in _PERSONAL
    if not new["displayName"]:
        if "displayName" in given and given["displayName"] == "":
            raise invalid_value("displayName", resource)
        raise required("displayName", resource)
    check_lengths(given, APPLICATIONS)
    if personal and len(new["displayName"]) > 90:
        raise invalid_value("displayName", resource)
    check_tags(given, APPLICATIONS)
    if new["signInAudience"] not in AUDIENCES:
        raise invalid_value("signInAudience", resource)
    _check_claims(given)
    _check_token_version(new, personal=personal)
    if "requiredResourceAccess" in given:
        _check_required_access(given["requiredResourceAccess"], personal=personal)
    _check_redirects(new, personal=personal)
    address = given.get("samlMetadataUrl")
    if address and not address.startswith(("https://", "http://")):
        raise invalid_value("samlMetadataUrl", resource)
    if "identifierUris" in given or "signInAudience" in given:
        _check_identifier_uris(call, new, personal=personal)
    if entries(new) > MANIFEST_ENTRIES:
        raise bad_request(
            "The size of the manifest has exceeded its limit. Please reduce the number of values "
            "and retry your request."
        )


def check_unique_name(call: Call, new: Mapping[str, Any], old: str | None) -> None:
    """Given once, unique in the tenant, deleted applications included."""
    name = new["uniqueName"]
    if name == old:
        return
    if old is not None or name is None:
        raise read_only("uniqueName")
    if not name:
        raise invalid_value("uniqueName", APPLICATIONS.resource)
    holder = call.tenant.find("applications", "uniqueName", name, Seen.truth(), deleted=None)
    if holder is not None and holder["id"] != new["id"]:
        raise bad_request(
            "Another object with the same value for property uniqueName already exists."
        )


def entries(new: Mapping[str, Any]) -> int:
    """How many entries the collections of an object hold together."""
    total = 0
    for name, value in new.items():
        if name.startswith("_"):
            continue
        if isinstance(value, list):
            total += len(value) + sum(entries(each) for each in value if isinstance(each, dict))
        elif isinstance(value, dict):
            total += entries(value)
    return total


def _check_claims(given: Mapping[str, Any]) -> None:
    claims = given.get("groupMembershipClaims")
    if claims is not None and not {part.strip() for part in claims.split(",")} <= _MEMBERSHIP:
        raise invalid_value("groupMembershipClaims", APPLICATIONS.resource)


def _check_token_version(new: Mapping[str, Any], *, personal: bool) -> None:
    version = new["api"]["requestedAccessTokenVersion"]
    if version not in {None, 1, 2} or (personal and version != 2):
        raise invalid_value("api.requestedAccessTokenVersion", APPLICATIONS.resource)


def _check_required_access(wanted: list[dict[str, Any]], *, personal: bool) -> None:
    name = "requiredResourceAccess"
    resources = [resource["resourceAppId"] for resource in wanted]
    for app_id in resources:
        if app_id is None:
            raise required("resourceAppId", "RequiredResourceAccess")
        if GUID.fullmatch(app_id) is None:
            raise not_convertible("Edm.Guid")
    check_distinct(resources, name)
    accesses = [resource["resourceAccess"] for resource in wanted]
    for access in accesses:
        for entry in access:
            if entry["id"] is None:
                raise required("id", "ResourceAccess")
            if entry["type"] not in {"Role", "Scope"}:
                raise invalid_value("type", "ResourceAccess")
        check_distinct(((entry["id"], entry["type"]) for entry in access), name)
    total, largest = sum(map(len, accesses)), max(map(len, accesses), default=0)
    if len(wanted) > 50 or total > (200 if personal else 400) or (personal and largest > 30):
        raise invalid_value(name, APPLICATIONS.resource)


def _check_redirects(new: Mapping[str, Any], *, personal: bool) -> None:
    total = 0
    for name in ("web", "publicClient", "spa"):
        uris = new[name]["redirectUris"]
        check_distinct(uris, f"{name}.redirectUris")
        if not all(uris):
            raise invalid_value(f"{name}.redirectUris", APPLICATIONS.resource)
        total += len(uris)
    if total > (100 if personal else 256):
        raise invalid_value("redirectUris", APPLICATIONS.resource)
    logout = new["web"]["logoutUrl"]
    if logout is not None and (not logout.startswith("https://") or len(logout) > 255):
        raise invalid_value("web.logoutUrl", APPLICATIONS.resource)


def _check_identifier_uris(call: Call, new: Mapping[str, Any], *, personal: bool) -> None:
    uris = new["identifierUris"]
    check_distinct(uris, "identifierUris")
    if personal and len(uris) > 50:
        raise invalid_value("identifierUris", APPLICATIONS.resource)
    domains = _verified_domains(call)
    elsewhere = [] if new["signInAudience"] == AUDIENCES[0] else call.tenant.siblings()
    for uri in uris:
        if not uri or len(uri) > (120 if personal else 255):
            raise invalid_value("identifierUris", APPLICATIONS.resource)
        _check_identifier_uri(call, new, uri, domains)
        for tenant in (call.tenant, *elsewhere):
            holders = tenant.find_all(
                "applications", "identifierUris", uri, Seen.truth(), deleted=None
            )
            if any(holder["id"] != new["id"] for holder in holders):
                raise already_taken("identifierUris")


def _verified_domains(call: Call) -> list[str]:
    known = call.tenant.scan("domains", Seen.truth())
    return [domain["id"].lower() for domain in known if domain["isVerified"]]


def _check_identifier_uri(call: Call, new: Mapping[str, Any], uri: str, domains: list[str]) -> None:
    """https://learn.microsoft.com/entra/identity-platform/identifier-uri-restrictions"""
    scheme, separator, rest = uri.partition("://")
    if not separator or uri.endswith("/") or any(sign in uri for sign in "*?#@ "):
        raise invalid_value("identifierUris", APPLICATIONS.resource)
    host, _, path = rest.lower().partition("/")
    below = any(host.endswith(f".{domain}") for domain in domains)
    if scheme == "api":
        named = new["appId"] in {host, path} or (host == call.tenant.id and bool(path))
        allowed = named or below
    else:
        allowed = scheme == "https" and (host in domains or below)
    if not allowed:
        raise Refusal(
            400,
            "HostNameNotOnVerifiedDomain",
            "Values of identifierUris property must use a verified domain of the organization or "
            f"its subdomain: '{uri}'",
        )
