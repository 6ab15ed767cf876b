"""New objects with the service's own values, changes merged in, answers written out."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from provision.sandbox import edm, odata
from provision.sandbox.call import Answer, Call
from provision.sandbox.directory.beta import as_shown
from provision.sandbox.tenant import format_time

APPLICATIONS = edm.KINDS["applications"]
SERVICE_PRINCIPALS = edm.KINDS["servicePrincipals"]
APP_ROLE_ASSIGNMENTS = edm.KINDS["appRoleAssignments"]
GRANTS = edm.KINDS["oauth2PermissionGrants"]
USERS = edm.KINDS["users"]
GROUPS = edm.KINDS["groups"]
ORGANIZATION = edm.KINDS["organization"]
DOMAINS = edm.KINDS["domains"]
FEDERATED = edm.KINDS["federatedIdentityCredentials"]
CLASSIFICATIONS = edm.KINDS["delegatedPermissionClassifications"]
DEFAULT_POLICY = edm.KINDS["defaultAppManagementPolicy"]
POLICIES = edm.KINDS["appManagementPolicies"]

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "applications": {
        "signInAudience": "AzureADMyOrg",
        "api": {
            "acceptMappedClaims": None,
            "knownClientApplications": [],
            "requestedAccessTokenVersion": None,
            "oauth2PermissionScopes": [],
            "preAuthorizedApplications": [],
        },
        "info": {
            "logoUrl": None,
            "marketingUrl": None,
            "privacyStatementUrl": None,
            "supportUrl": None,
            "termsOfServiceUrl": None,
        },
        "parentalControlSettings": {
            "countriesBlockedForMinors": [],
            "legalAgeGroupRule": "Allow",
        },
        "publicClient": {"redirectUris": []},
        "verifiedPublisher": {
            "displayName": None,
            "verifiedPublisherId": None,
            "addedDateTime": None,
        },
        "web": {
            "homePageUrl": None,
            "logoutUrl": None,
            "redirectUris": [],
            "implicitGrantSettings": {
                "enableAccessTokenIssuance": False,
                "enableIdTokenIssuance": False,
            },
            "redirectUriSettings": [],
        },
        "spa": {"redirectUris": []},
        "oauth2RequirePostResponse": False,
    },
    "servicePrincipals": {
        "accountEnabled": True,
        "appRoleAssignmentRequired": False,
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMyOrg",
        "info": {
            "logoUrl": None,
            "marketingUrl": None,
            "privacyStatementUrl": None,
            "supportUrl": None,
            "termsOfServiceUrl": None,
        },
        "verifiedPublisher": {
            "displayName": None,
            "verifiedPublisherId": None,
            "addedDateTime": None,
        },
    },
    "users": {"accountEnabled": True, "userType": "Member"},
    "groups": {"mailEnabled": False, "securityEnabled": True},
    "organization": {"mobileDeviceManagementAuthority": "unknown"},
}


def blank(kind: edm.Kind) -> dict[str, Any]:
    """An object of this kind in which every property has its default."""
    empty: dict[str, Any] = {
        name: [] if declared.collection else None
        for name, declared in kind.properties_of("beta").items()
    }
    return {**empty, **deepcopy(dict(_DEFAULTS.get(kind.collection, {})))}


def new_application(call: Call) -> dict[str, Any]:
    """https://learn.microsoft.com/graph/api/application-post-applications"""
    tenant = call.tenant
    return {
        **blank(APPLICATIONS),
        "id": tenant.new_guid(),
        "appId": tenant.new_guid(),
        "createdDateTime": format_time(tenant.clock.now(), fraction=False),
        "createdByAppId": None if call.caller.is_user else call.caller.app_id,
        "publisherDomain": tenant.domain,
        "_owners": [call.caller.object_id],
        "_createdBy": call.caller.object_id,
    }


def new_service_principal(call: Call, application: Mapping[str, Any]) -> dict[str, Any]:
    """https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals"""
    tenant = call.tenant
    return {
        **blank(SERVICE_PRINCIPALS),
        "id": tenant.new_guid(),
        "appOwnerOrganizationId": tenant.id,
        "createdByAppId": None if call.caller.is_user else call.caller.app_id,
        "createdDateTime": format_time(tenant.clock.now(), fraction=False),
        **copied(application),
        "displayName": application["displayName"],
        "tags": list(application["tags"]),
        "_owners": [call.caller.object_id],
        "_createdBy": call.caller.object_id,
    }


def copied(application: Mapping[str, Any]) -> dict[str, Any]:
    """What a service principal shows of its application, whatever was set on itself."""
    web = application["web"]
    return {
        "appId": application["appId"],
        "appDisplayName": application["displayName"],
        "appDescription": application["description"],
        "applicationTemplateId": application["applicationTemplateId"],
        "appRoles": [{**role, "origin": "Application"} for role in application["appRoles"]],
        "oauth2PermissionScopes": deepcopy(application["api"]["oauth2PermissionScopes"]),
        "homepage": web["homePageUrl"],
        "logoutUrl": web["logoutUrl"],
        "info": deepcopy(application["info"]),
        "replyUrls": [
            *web["redirectUris"],
            *application["publicClient"]["redirectUris"],
            *application["spa"]["redirectUris"],
        ],
        "servicePrincipalNames": [*application["identifierUris"], application["appId"]],
        "signInAudience": application["signInAudience"],
    }


def merged(present: Mapping[str, Any], given: Mapping[str, Any], kind: edm.Kind) -> dict[str, Any]:
    """The object after a change: collections are replaced whole, complex values one level deep."""
    changed = {
        name: _merged_value(present.get(name), value, kind, name) for name, value in given.items()
    }
    return {**present, **changed}


def _merged_value(present: Any, value: Any, kind: edm.Kind, name: str) -> Any:
    declared = kind.properties_of("beta")[name]
    members = edm.complex_type(declared.name)
    if declared.collection or members is None:
        return value
    default = deepcopy(_DEFAULTS.get(kind.collection, {}).get(name))
    if value is None:
        return default
    empty = {member: edm.absent(declared.name, member) for member in members}
    start = present or default or empty
    return {**start, **{member: _filled(inner, default, member) for member, inner in value.items()}}


def _filled(value: Any, default: Any, member: str) -> Any:
    """A complex value inside a complex value: what it leaves out takes its default."""
    inner = (default or {}).get(member)
    return {**inner, **(value or {})} if isinstance(inner, dict) else value


def shown(
    call: Call, row: Mapping[str, Any], kind: edm.Kind, options: odata.Options | None = None
) -> dict[str, Any]:
    """The properties that this request sees; a certificate's bytes never come by themselves."""
    select = None if options is None else options.select
    answer = odata.projected(row, kind, version=call.version, select=select)
    if answer.get("keyCredentials"):
        answer["keyCredentials"] = [{**key, "key": None} for key in answer["keyCredentials"]]
    return as_shown(answer, call.version) if kind is APPLICATIONS else answer


def entity(
    call: Call,
    row: Mapping[str, Any],
    kind: edm.Kind,
    options: odata.Options | None = None,
    context: str | None = None,
) -> dict[str, Any]:
    """One object under its context."""
    select = None if options is None else options.select
    chosen = f"({','.join(select)})" if select else ""
    where = context or f"{kind.collection}{chosen}"
    answer = {"@odata.context": f"{call.graph}/$metadata#{where}/$entity"}
    answer |= shown(call, row, kind, options)
    if select and "keyCredentials" in select:
        answer["keyCredentials"] = row.get("keyCredentials", [])
    return answer


def created(
    call: Call, row: Mapping[str, Any], kind: edm.Kind, context: str | None = None
) -> Answer:
    """201: the object as it now is, and where the directory keeps it."""
    body = entity(call, row, kind, context=context)
    return Answer(status=201, body=body, headers={"Location": place_of(call, row, kind)})


def place_of(call: Call, row: Mapping[str, Any], kind: edm.Kind) -> str:
    """Where the directory keeps an object, as references and `@odata.id` name it."""
    title = kind.name[0].upper() + kind.name[1:]
    return (
        f"{call.base}/v2/{call.tenant.id}/directoryObjects/{row['id']}"
        f"/Microsoft.DirectoryServices.{title}"
    )


def moment_now(call: Call) -> str:
    """The tenant's present, with seven digits."""
    return format_time(call.tenant.clock.now())
