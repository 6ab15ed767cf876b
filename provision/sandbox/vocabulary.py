"""The properties of Graph's types as text: `name:Type`, `!` not null, `[Type]` a collection."""

from __future__ import annotations

from collections.abc import Mapping

COMPLEX: Mapping[str, str] = {
    "addIn": "id:Guid properties:[keyValue] type:String!",
    "apiApplication": "acceptMappedClaims:Boolean knownClientApplications:[Guid] "
    "requestedAccessTokenVersion:Int32 oauth2PermissionScopes:[permissionScope] "
    "preAuthorizedApplications:[preAuthorizedApplication]",
    "appManagementApplicationConfiguration": "keyCredentials:[keyCredentialConfiguration] "
    "passwordCredentials:[passwordCredentialConfiguration]",
    "appManagementServicePrincipalConfiguration": "keyCredentials:[keyCredentialConfiguration] "
    "passwordCredentials:[passwordCredentialConfiguration]",
    "appRole": "allowedMemberTypes:[String] description:String displayName:String id:Guid! "
    "isEnabled:Boolean! origin:String value:String",
    "assignedPlan": "assignedDateTime:DateTimeOffset capabilityStatus:String service:String "
    "servicePlanId:Guid",
    "authenticationBehaviors": "blockAzureADGraphAccess:Boolean "
    "removeUnverifiedEmailClaim:Boolean requireClientServicePrincipal:Boolean",
    "certification": "certificationDetailsUrl:String "
    "certificationExpirationDateTime:DateTimeOffset isCertifiedByMicrosoft:Boolean "
    "isPublisherAttested:Boolean lastCertificationDateTime:DateTimeOffset",
    "customAppManagementConfiguration": "keyCredentials:[keyCredentialConfiguration] "
    "passwordCredentials:[passwordCredentialConfiguration]",
    "customSecurityAttributeValue": "",
    "domainState": "lastActionDateTime:DateTimeOffset operation:String status:String",
    "federatedIdentityExpression": "languageVersion:Int32! value:String!",
    "implicitGrantSettings": "enableAccessTokenIssuance:Boolean enableIdTokenIssuance:Boolean",
    "informationalUrl": "logoUrl:String marketingUrl:String privacyStatementUrl:String "
    "supportUrl:String termsOfServiceUrl:String",
    "keyCredential": "customKeyIdentifier:Binary displayName:String endDateTime:DateTimeOffset "
    "key:Binary keyId:Guid startDateTime:DateTimeOffset type:String usage:String",
    "keyCredentialConfiguration": "maxLifetime:Duration "
    "restrictForAppsCreatedAfterDateTime:DateTimeOffset "
    "restrictionType:appKeyCredentialRestrictionType! state:appManagementRestrictionState",
    "keyValue": "key:String value:String",
    "objectIdentity": "issuer:String issuerAssignedId:String signInType:String",
    "onPremisesProvisioningError": "category:String occurredDateTime:DateTimeOffset "
    "propertyCausingError:String value:String",
    "optionalClaim": "additionalProperties:[String] essential:Boolean! name:String! source:String",
    "optionalClaims": "accessToken:[optionalClaim] idToken:[optionalClaim] "
    "saml2Token:[optionalClaim]",
    "parentalControlSettings": "countriesBlockedForMinors:[String] legalAgeGroupRule:String",
    "passwordCredential": "customKeyIdentifier:Binary displayName:String "
    "endDateTime:DateTimeOffset hint:String keyId:Guid secretText:String startDateTime:DateTimeOffset",
    "passwordCredentialConfiguration": "maxLifetime:Duration "
    "restrictForAppsCreatedAfterDateTime:DateTimeOffset "
    "restrictionType:appCredentialRestrictionType! state:appManagementRestrictionState",
    "permissionScope": "adminConsentDescription:String adminConsentDisplayName:String id:Guid! "
    "isEnabled:Boolean! origin:String type:String userConsentDescription:String "
    "userConsentDisplayName:String value:String",
    "passwordProfile": "forceChangePasswordNextSignIn:Boolean "
    "forceChangePasswordNextSignInWithMfa:Boolean password:String",
    "preAuthorizedApplication": "appId:String delegatedPermissionIds:[String]",
    "privacyProfile": "contactEmail:String statementUrl:String",
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
ENUMS: Mapping[str, tuple[str, ...]] = {
    "appCredentialRestrictionType": (
        *("passwordAddition", "passwordLifetime", "symmetricKeyAddition"),
        *("symmetricKeyLifetime", "customPasswordAddition"),
    ),
    "appKeyCredentialRestrictionType": ("asymmetricKeyLifetime",),
    "appManagementRestrictionState": ("enabled", "disabled"),
    "mdmAuthority": ("unknown", "intune", "sccm", "office365"),
    "nativeAuthenticationApisEnabled": ("none", "all"),
    "partnerTenantType": (
        *("microsoftSupport", "syndicatePartner", "breadthPartner"),
        *("breadthPartnerDelegatedAdmin", "resellerPartnerDelegatedAdmin"),
        "valueAddedResellerPartnerDelegatedAdmin",
    ),
    "permissionClassificationType": ("low", "medium", "high"),
    "weakAlgorithms": ("rsaSha1",),
}
APPLICATION = (
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
SERVICE_PRINCIPAL = (
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
    "verifiedPublisher:verifiedPublisher "
    "customSecurityAttributes:customSecurityAttributeValue"
)
USER = (
    "businessPhones:[String] displayName:String givenName:String jobTitle:String mail:String "
    "mobilePhone:String officeLocation:String preferredLanguage:String surname:String "
    "userPrincipalName:String id:String! deletedDateTime:DateTimeOffset accountEnabled:Boolean "
    "city:String companyName:String country:String createdDateTime:DateTimeOffset "
    "creationType:String department:String employeeId:String employeeType:String "
    "externalUserState:String faxNumber:String identities:[objectIdentity] imAddresses:[String] "
    "mailNickname:String onPremisesImmutableId:String onPremisesSyncEnabled:Boolean "
    "otherMails:[String] passwordPolicies:String passwordProfile:passwordProfile "
    "postalCode:String proxyAddresses:[String] securityIdentifier:String "
    "showInAddressList:Boolean signInSessionsValidFromDateTime:DateTimeOffset state:String "
    "streetAddress:String usageLocation:String userType:String"
)
GROUP = (
    "id:String! deletedDateTime:DateTimeOffset classification:String "
    "createdDateTime:DateTimeOffset creationOptions:[String] description:String "
    "displayName:String expirationDateTime:DateTimeOffset groupTypes:[String] "
    "isAssignableToRole:Boolean mail:String mailEnabled:Boolean mailNickname:String "
    "membershipRule:String membershipRuleProcessingState:String onPremisesDomainName:String "
    "onPremisesLastSyncDateTime:DateTimeOffset onPremisesNetBiosName:String "
    "onPremisesSamAccountName:String onPremisesSecurityIdentifier:String "
    "onPremisesSyncEnabled:Boolean preferredDataLocation:String preferredLanguage:String "
    "proxyAddresses:[String] renewedDateTime:DateTimeOffset resourceBehaviorOptions:[String] "
    "resourceProvisioningOptions:[String] securityEnabled:Boolean securityIdentifier:String "
    "theme:String uniqueName:String visibility:String "
    "onPremisesProvisioningErrors:[onPremisesProvisioningError]"
)
ORGANIZATION = (
    "id:String! deletedDateTime:DateTimeOffset businessPhones:[String] city:String "
    "country:String countryLetterCode:String createdDateTime:DateTimeOffset "
    "defaultUsageLocation:String displayName:String marketingNotificationEmails:[String] "
    "mobileDeviceManagementAuthority:mdmAuthority! onPremisesLastSyncDateTime:DateTimeOffset "
    "onPremisesSyncEnabled:Boolean partnerTenantType:partnerTenantType postalCode:String "
    "preferredLanguage:String privacyProfile:privacyProfile "
    "securityComplianceNotificationMails:[String] "
    "securityComplianceNotificationPhones:[String] state:String street:String "
    "technicalNotificationMails:[String] tenantType:String assignedPlans:[assignedPlan] "
    "provisionedPlans:[provisionedPlan] verifiedDomains:[verifiedDomain]"
)
DOMAIN = (
    "authenticationType:String! availabilityStatus:String id:String! isAdminManaged:Boolean! "
    "isDefault:Boolean! isInitial:Boolean! isRoot:Boolean! isVerified:Boolean! "
    "manufacturer:String model:String passwordNotificationWindowInDays:Int32 "
    "passwordValidityPeriodInDays:Int32 state:domainState supportedServices:[String]"
)
FEDERATED_IDENTITY_CREDENTIAL = (
    "id:String! name:String! issuer:String! subject:String description:String audiences:[String]"
)
TENANT_APP_MANAGEMENT_POLICY = (
    "id:String! displayName:String! description:String! isEnabled:Boolean! "
    "applicationRestrictions:appManagementApplicationConfiguration "
    "servicePrincipalRestrictions:appManagementServicePrincipalConfiguration"
)
APP_MANAGEMENT_POLICY = (
    "id:String! displayName:String! description:String! isEnabled:Boolean "
    "restrictions:customAppManagementConfiguration"
)
