"""The types of Graph's resources: which properties there are, and which values they take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from provision.sandbox import vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """One property's type: its name, and whether it is a collection or may be null."""

    name: str
    collection: bool = False
    nullable: bool = True

    @property
    def edm(self) -> str:
        """The name that Graph's refusals use."""
        plain = f"Edm.{self.name}" if self.name[0].isupper() else f"microsoft.graph.{self.name}"
        return f"Collection({plain})" if self.collection else plain

    @property
    def element(self) -> Type:
        """The type of a collection's entries."""
        return Type(name=self.name, nullable=False)


Properties = Mapping[str, Type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One entity set: its names, its properties in the order of an answer, what queries may do."""

    collection: str
    name: str
    properties: Properties
    beta: Properties = field(default_factory=dict)
    selected_only: frozenset[str] = frozenset()
    filterable: frozenset[str] | None = None
    not_filterable: frozenset[str] = frozenset()
    sortable: frozenset[str] = frozenset()
    searchable: frozenset[str] = frozenset()
    default: frozenset[str] | None = None
    relations: Mapping[str, str] = field(default_factory=dict)
    """Relations that a filter may count, and where an object keeps the other ends."""

    @property
    def resource(self) -> str:
        """The name that Graph's refusals use."""
        return self.name[0].upper() + self.name[1:]

    def properties_of(self, version: str) -> Properties:
        """What this version of Graph declares."""
        return {**self.properties, **self.beta} if version == "beta" else self.properties

    def may_filter(self, name: str) -> bool:
        """Whether the directory has an index for this property."""
        if self.filterable is not None:
            return name in self.filterable
        return name not in self.not_filterable


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _type(text: str) -> Type:
    if text.startswith("["):
        return Type(name=text[1:-1], collection=True, nullable=False)
    return Type(name=text.removesuffix("!"), nullable=not text.endswith("!"))


def _properties(text: str) -> Properties:
    pairs = (entry.split(":") for entry in text.split())
    return {name: _type(kind) for name, kind in pairs}


_COMPLEX_TYPES: Mapping[str, Properties] = {
    name: _properties(text) for name, text in vocabulary.COMPLEX.items()
}

# Members that are never null, and false unless said otherwise.
_FALSE = frozenset(
    {
        ("optionalClaim", "essential"),
        ("requestSignatureVerification", "isSignedRequestRequired"),
        ("resourceSpecificPermission", "isEnabled"),
        ("servicePrincipalLockConfiguration", "isEnabled"),
    }
)
_MUST = {
    "addIn": frozenset({"type"}),
    "federatedIdentityExpression": frozenset({"value", "languageVersion"}),
    "keyCredentialConfiguration": frozenset({"restrictionType"}),
    "optionalClaim": frozenset({"name"}),
    "passwordCredentialConfiguration": frozenset({"restrictionType"}),
}

KINDS: Mapping[str, Kind] = {
    kind.collection: kind
    for kind in (
        Kind(
            collection="applications",
            name="application",
            relations={"owners": "_owners"},
            properties=_properties(vocabulary.APPLICATION),
            beta=_properties("oauth2RequirePostResponse:Boolean!"),
            selected_only=frozenset({"authenticationBehaviors", "managerApplications"}),
            not_filterable=_names(
                "notes isDeviceOnlyAuthSupported isDisabled isFallbackPublicClient "
                "defaultRedirectUri nativeAuthenticationApisEnabled samlMetadataUrl "
                "tokenEncryptionKeyId oauth2RequirePostResponse authenticationBehaviors "
                "managerApplications"
            ),
            sortable=frozenset({"displayName", "createdDateTime", "deletedDateTime"}),
            searchable=frozenset({"displayName", "description", "appId", "identifierUris"}),
        ),
        Kind(
            collection="servicePrincipals",
            name="servicePrincipal",
            relations={"owners": "_owners"},
            properties=_properties(vocabulary.SERVICE_PRINCIPAL),
            beta=_properties("samlMetadataUrl:String"),
            selected_only=frozenset({"customSecurityAttributes"}),
            not_filterable=_names(
                "notes appDescription description isDisabled loginUrl logoutUrl "
                "notificationEmailAddresses preferredTokenSigningKeyThumbprint "
                "tokenEncryptionKeyId"
            ),
            sortable=frozenset({"displayName", "createdDateTime", "deletedDateTime"}),
            searchable=frozenset({"displayName", "description", "appId", "servicePrincipalNames"}),
        ),
        Kind(
            collection="appRoleAssignments",
            name="appRoleAssignment",
            properties=_properties(
                "id:String! deletedDateTime:DateTimeOffset appRoleId:Guid! "
                "createdDateTime:DateTimeOffset principalDisplayName:String principalId:Guid "
                "principalType:String resourceDisplayName:String resourceId:Guid"
            ),
            filterable=frozenset({"resourceId", "principalId", "principalDisplayName"}),
        ),
        Kind(
            collection="oauth2PermissionGrants",
            name="oAuth2PermissionGrant",
            properties=_properties(
                "clientId:String! consentType:String id:String! principalId:String "
                "resourceId:String! scope:String"
            ),
            filterable=frozenset({"clientId", "consentType", "principalId", "resourceId"}),
        ),
        Kind(
            collection="users",
            name="user",
            properties=_properties(vocabulary.USER),
            default=_names(
                "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation "
                "preferredLanguage surname userPrincipalName id"
            ),
            not_filterable=frozenset({"passwordProfile"}),
            sortable=frozenset({"displayName", "userPrincipalName", "createdDateTime"}),
            searchable=frozenset({"displayName", "mail", "userPrincipalName", "givenName"}),
        ),
        Kind(
            collection="groups",
            name="group",
            relations={"owners": "_owners", "members": "_members"},
            properties=_properties(vocabulary.GROUP),
            sortable=frozenset({"displayName", "createdDateTime", "deletedDateTime"}),
            searchable=frozenset({"displayName", "description", "mail", "mailNickname"}),
        ),
        Kind(
            collection="organization",
            name="organization",
            properties=_properties(vocabulary.ORGANIZATION),
            selected_only=frozenset({"mobileDeviceManagementAuthority"}),
        ),
        Kind(collection="domains", name="domain", properties=_properties(vocabulary.DOMAIN)),
        Kind(
            collection="federatedIdentityCredentials",
            name="federatedIdentityCredential",
            properties=_properties(vocabulary.FEDERATED_IDENTITY_CREDENTIAL),
            beta=_properties("claimsMatchingExpression:federatedIdentityExpression"),
            filterable=frozenset({"name", "issuer", "subject"}),
        ),
        Kind(
            collection="delegatedPermissionClassifications",
            name="delegatedPermissionClassification",
            properties=_properties(
                "id:String! permissionId:String permissionName:String "
                "classification:permissionClassificationType"
            ),
            filterable=frozenset({"permissionId", "permissionName", "classification"}),
        ),
        Kind(
            collection="defaultAppManagementPolicy",
            name="tenantAppManagementPolicy",
            properties=_properties(vocabulary.TENANT_APP_MANAGEMENT_POLICY),
        ),
        Kind(
            collection="appManagementPolicies",
            name="appManagementPolicy",
            properties=_properties(vocabulary.APP_MANAGEMENT_POLICY),
            filterable=frozenset({"id", "displayName"}),
        ),
    )
}


def complex_type(name: str) -> Properties | None:
    """The properties of a complex type; None for a primitive one."""
    return _COMPLEX_TYPES.get(name)


def absent(name: str, member: str) -> Any:
    """What a member of a complex type is when nobody says: an empty list, false, or null."""
    if _COMPLEX_TYPES[name][member].collection:
        return []
    return False if (name, member) in _FALSE else None


def must_be_given(name: str) -> frozenset[str]:
    """The members that a complex type cannot be without."""
    return _MUST.get(name, frozenset())


def members(name: str) -> tuple[str, ...] | None:
    """The members of an enumeration; None for any other type."""
    return vocabulary.ENUMS.get(name)


def property_named(properties: Properties, name: str) -> str | None:
    """The declared spelling of a name, which queries may write in any case."""
    if name in properties:
        return name
    lower = name.lower()
    return next((known for known in properties if known.lower() == lower), None)


_MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,12}))?)?(Z|[+-]\d{2}:\d{2}))?",
    re.ASCII,
)


def moment(text: str) -> datetime | None:
    """A DateTimeOffset as Graph writes it, to the microsecond; None when it is not one."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    date, minutes, seconds, fraction, zone = found.groups()
    zone = "+00:00" if zone in {None, "Z"} else zone
    clock = f"{minutes or '00:00'}:{seconds or '00'}.{(fraction or '0')[:6].ljust(6, '0')}"
    try:
        return datetime.fromisoformat(f"{date}T{clock}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
