"""The types of Graph's resources: which properties there are, and which values they take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

_COMPLEX: Mapping[str, str] = {
    "addIn": "id:Guid properties:[keyValue] type:String!",
    "apiApplication": "acceptMappedClaims:Boolean knownClientApplications:[Guid] "
    "requestedAccessTokenVersion:Int32 oauth2PermissionScopes:[permissionScope] "
    "preAuthorizedApplications:[preAuthorizedApplication]",
    "appRole": "allowedMemberTypes:[String] description:String displayName:String id:Guid! "
    "isEnabled:Boolean! origin:String value:String",
    "assignedPlan": "assignedDateTime:DateTimeOffset capabilityStatus:String service:String "
    "servicePlanId:Guid",
    "authenticationBehaviors": "blockAzureADGraphAccess:Boolean "
    "removeUnverifiedEmailClaim:Boolean requireClientServicePrincipal:Boolean",
    "certification": "certificationDetailsUrl:String "
    "certificationExpirationDateTime:DateTimeOffset isCertifiedByMicrosoft:Boolean "
    "isPublisherAttested:Boolean lastCertificationDateTime:DateTimeOffset",
    "implicitGrantSettings": "enableAccessTokenIssuance:Boolean enableIdTokenIssuance:Boolean",
    "informationalUrl": "logoUrl:String marketingUrl:String privacyStatementUrl:String "
    "supportUrl:String termsOfServiceUrl:String",
    "keyCredential": "customKeyIdentifier:Binary displayName:String endDateTime:DateTimeOffset "
    "key:Binary keyId:Guid startDateTime:DateTimeOffset type:String usage:String",
    "keyValue": "key:String value:String",
    "optionalClaim": "additionalProperties:[String] essential:Boolean! name:String! source:String",
    "optionalClaims": "accessToken:[optionalClaim] idToken:[optionalClaim] "
    "saml2Token:[optionalClaim]",
    "parentalControlSettings": "countriesBlockedForMinors:[String] legalAgeGroupRule:String",
    "passwordCredential": "customKeyIdentifier:Binary displayName:String "
    "endDateTime:DateTimeOffset hint:String keyId:Guid secretText:String startDateTime:DateTimeOffset",
    "permissionScope": "adminConsentDescription:String adminConsentDisplayName:String id:Guid! "
    "isEnabled:Boolean! origin:String type:String userConsentDescription:String "
    "userConsentDisplayName:String value:String",
    "preAuthorizedApplication": "appId:String delegatedPermissionIds:[String]",
    "provisionedPlan": "capabilityStatus:String provisioningStatus:String service:String",
    "publicClientApplication": "redirectUris:[String]",
    "redirectUriSettings": "index:Int32 uri:String",
    "requestSignatureVerification": "allowedWeakAlgorithms:weakAlgorithms "
    "isSignedRequestRequired:Boolean!",
    "requiredResourceAccess": "resourceAccess:[resourceAccess] resourceAppId:String!",
    "resourceAccess": "id:Guid! type:String",
    "resourceSpecificPermission": "description:String displayName:String id:Guid! "
    "isEnabled:Boolean! value:String",
    "samlSingleSignOnSettings": "relayState:String",
    "servicePrincipalLockConfiguration": "allProperties:Boolean credentialsWithUsageSign:Boolean "
    "credentialsWithUsageVerify:Boolean isEnabled:Boolean! tokenEncryptionKeyId:Boolean",
    "spaApplication": "redirectUris:[String]",
    "verifiedDomain": "capabilities:String isDefault:Boolean isInitial:Boolean name:String "
    "type:String",
    "verifiedPublisher": "addedDateTime:DateTimeOffset displayName:String "
    "verifiedPublisherId:String",
    "webApplication": "homePageUrl:String implicitGrantSettings:implicitGrantSettings "
    "logoutUrl:String redirectUris:[String] redirectUriSettings:[redirectUriSettings]",
}
_ENUMS: Mapping[str, tuple[str, ...]] = {
    "nativeAuthenticationApisEnabled": ("none", "all"),
    "weakAlgorithms": ("rsaSha1",),
}
_APPLICATION = (
    "id:String! deletedDateTime:DateTimeOffset appId:String applicationTemplateId:String "
    "disabledByMicrosoftStatus:String createdByAppId:String createdDateTime:DateTimeOffset "
    "displayName:String description:String groupMembershipClaims:String identifierUris:[String] "
    "isDeviceOnlyAuthSupported:Boolean isDisabled:Boolean isFallbackPublicClient:Boolean "
    "nativeAuthenticationApisEnabled:nativeAuthenticationApisEnabled notes:String "
    "publisherDomain:String serviceManagementReference:String signInAudience:String tags:[String] "
    "tokenEncryptionKeyId:Guid uniqueName:String samlMetadataUrl:String defaultRedirectUri:String "
    "certification:certification optionalClaims:optionalClaims "
    "requestSignatureVerification:requestSignatureVerification addIns:[addIn] api:apiApplication "
    "appRoles:[appRole] info:informationalUrl keyCredentials:[keyCredential] "
    "parentalControlSettings:parentalControlSettings passwordCredentials:[passwordCredential] "
    "publicClient:publicClientApplication requiredResourceAccess:[requiredResourceAccess] "
    "verifiedPublisher:verifiedPublisher web:webApplication "
    "servicePrincipalLockConfiguration:servicePrincipalLockConfiguration spa:spaApplication "
    "authenticationBehaviors:authenticationBehaviors managerApplications:[Guid]"
)
_SERVICE_PRINCIPAL = (
    "id:String! deletedDateTime:DateTimeOffset accountEnabled:Boolean alternativeNames:[String] "
    "appDisplayName:String appDescription:String appId:String applicationTemplateId:String "
    "appOwnerOrganizationId:Guid appRoleAssignmentRequired:Boolean! createdByAppId:String "
    "createdDateTime:DateTimeOffset description:String disabledByMicrosoftStatus:String "
    "displayName:String homepage:String isDisabled:Boolean loginUrl:String logoutUrl:String "
    "notes:String notificationEmailAddresses:[String] preferredSingleSignOnMode:String "
    "preferredTokenSigningKeyThumbprint:String replyUrls:[String] servicePrincipalNames:[String] "
    "servicePrincipalType:String signInAudience:String tags:[String] tokenEncryptionKeyId:Guid "
    "samlSingleSignOnSettings:samlSingleSignOnSettings addIns:[addIn] appRoles:[appRole] "
    "info:informationalUrl keyCredentials:[keyCredential] "
    "oauth2PermissionScopes:[permissionScope] passwordCredentials:[passwordCredential] "
    "resourceSpecificApplicationPermissions:[resourceSpecificPermission] "
    "verifiedPublisher:verifiedPublisher"
)


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
    title: str = ""

    @property
    def resource(self) -> str:
        """The name that Graph's refusals use."""
        return self.title or self.name[0].upper() + self.name[1:]

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
    name: _properties(text) for name, text in _COMPLEX.items()
}

KINDS: Mapping[str, Kind] = {
    kind.collection: kind
    for kind in (
        Kind(
            collection="applications",
            name="application",
            properties=_properties(_APPLICATION),
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
            properties=_properties(_SERVICE_PRINCIPAL),
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
            properties=_properties(
                "businessPhones:[String] displayName:String givenName:String jobTitle:String "
                "mail:String mobilePhone:String officeLocation:String preferredLanguage:String "
                "surname:String userPrincipalName:String id:String! accountEnabled:Boolean "
                "createdDateTime:DateTimeOffset deletedDateTime:DateTimeOffset department:String "
                "companyName:String employeeId:String mailNickname:String userType:String "
                "usageLocation:String city:String country:String state:String otherMails:[String] "
                "proxyAddresses:[String]"
            ),
            default=_names(
                "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation "
                "preferredLanguage surname userPrincipalName id"
            ),
            sortable=frozenset({"displayName", "userPrincipalName", "createdDateTime"}),
            searchable=frozenset({"displayName", "mail", "userPrincipalName", "givenName"}),
        ),
        Kind(
            collection="organization",
            name="organization",
            title="Organization",
            properties=_properties(
                "id:String! deletedDateTime:DateTimeOffset businessPhones:[String] city:String "
                "country:String countryLetterCode:String createdDateTime:DateTimeOffset "
                "defaultUsageLocation:String displayName:String "
                "marketingNotificationEmails:[String] onPremisesLastSyncDateTime:DateTimeOffset "
                "onPremisesSyncEnabled:Boolean partnerTenantType:String postalCode:String "
                "preferredLanguage:String securityComplianceNotificationMails:[String] "
                "securityComplianceNotificationPhones:[String] state:String street:String "
                "technicalNotificationMails:[String] tenantType:String "
                "assignedPlans:[assignedPlan] provisionedPlans:[provisionedPlan] verifiedDomains:[verifiedDomain]"
            ),
        ),
    )
}


def complex_type(name: str) -> Properties | None:
    """The properties of a complex type; None for a primitive one."""
    return _COMPLEX_TYPES.get(name)


def members(name: str) -> tuple[str, ...] | None:
    """The members of an enumeration; None for any other type."""
    return _ENUMS.get(name)


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
