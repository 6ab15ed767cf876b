"""Types of Graph that the sandbox imitates although the model that it serves leaves them out."""

from __future__ import annotations

# The subset has neither people nor groups nor policies; these are their properties in /v1.0.
PEOPLE = """
user businessPhones:[String] displayName:String givenName:String jobTitle:String mail:String
 mobilePhone:String officeLocation:String preferredLanguage:String surname:String
 userPrincipalName:String accountEnabled:Boolean city:String companyName:String country:String
 createdDateTime:DateTimeOffset creationType:String department:String employeeId:String
 employeeType:String externalUserState:String faxNumber:String identities:[objectIdentity]
 imAddresses:[String] mailNickname:String onPremisesImmutableId:String
 onPremisesSyncEnabled:Boolean otherMails:[String] passwordPolicies:String
 passwordProfile:passwordProfile postalCode:String proxyAddresses:[String]
 securityIdentifier:String showInAddressList:Boolean
 signInSessionsValidFromDateTime:DateTimeOffset state:String streetAddress:String
 usageLocation:String userType:String
group classification:String createdDateTime:DateTimeOffset creationOptions:[String]
 description:String displayName:String expirationDateTime:DateTimeOffset groupTypes:[String]
 isAssignableToRole:Boolean mail:String mailEnabled:Boolean mailNickname:String
 membershipRule:String membershipRuleProcessingState:String onPremisesDomainName:String
 onPremisesLastSyncDateTime:DateTimeOffset onPremisesNetBiosName:String
 onPremisesSamAccountName:String onPremisesSecurityIdentifier:String
 onPremisesSyncEnabled:Boolean preferredDataLocation:String preferredLanguage:String
 proxyAddresses:[String] renewedDateTime:DateTimeOffset resourceBehaviorOptions:[String]
 resourceProvisioningOptions:[String] securityEnabled:Boolean securityIdentifier:String
 theme:String uniqueName:String visibility:String
 onPremisesProvisioningErrors:[onPremisesProvisioningError]
directoryRole description:String displayName:String roleTemplateId:String
objectIdentity issuer:String issuerAssignedId:String signInType:String
onPremisesProvisioningError category:String occurredDateTime:DateTimeOffset
 propertyCausingError:String value:String
federatedIdentityExpression languageVersion:Int32 value:String
tenantAppManagementPolicy description:String displayName:String isEnabled:Boolean
 applicationRestrictions:appManagementApplicationConfiguration
 servicePrincipalRestrictions:appManagementServicePrincipalConfiguration
appManagementPolicy description:String displayName:String isEnabled:Boolean
 restrictions:customAppManagementConfiguration
appManagementApplicationConfiguration keyCredentials:[keyCredentialConfiguration]
 passwordCredentials:[passwordCredentialConfiguration]
appManagementServicePrincipalConfiguration keyCredentials:[keyCredentialConfiguration]
 passwordCredentials:[passwordCredentialConfiguration]
customAppManagementConfiguration keyCredentials:[keyCredentialConfiguration]
 passwordCredentials:[passwordCredentialConfiguration]
keyCredentialConfiguration maxLifetime:Duration restrictForAppsCreatedAfterDateTime:DateTimeOffset
 restrictionType:appKeyCredentialRestrictionType state:appManagementRestrictionState
passwordCredentialConfiguration maxLifetime:Duration
 restrictForAppsCreatedAfterDateTime:DateTimeOffset
 restrictionType:appCredentialRestrictionType state:appManagementRestrictionState
"""
POLICY_ENUMS = {
    "appCredentialRestrictionType": "passwordAddition passwordLifetime symmetricKeyAddition "
    "symmetricKeyLifetime customPasswordAddition unknownFutureValue",
    "appKeyCredentialRestrictionType": "asymmetricKeyLifetime unknownFutureValue",
    "appManagementRestrictionState": "enabled disabled unknownFutureValue",
}
POLICIES = {
    "defaultAppManagementPolicy": "tenantAppManagementPolicy",
    "appManagementPolicies": "appManagementPolicy",
}
