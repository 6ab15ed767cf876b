"""What an application is: the keys below `applications` and `defaults`."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import Discriminator, Field
from pydantic import Tag as Case

from provision.manifest import addresses, values
from provision.manifest.credential_shapes import CredentialShape
from provision.manifest.offer_shapes import ApiShape, AppRoleShape
from provision.manifest.shape import (
    Guid,
    OwnerName,
    Shape,
    Tag,
    absent,
    choice,
    facts,
    key,
    short,
    text,
)

PermissionName = Annotated[str, *text(values.permission, values.PERMISSION)]
RedirectUri = Annotated[str, *text(addresses.redirect_uri, addresses.REDIRECT, maxLength=256)]
PublicRedirectUri = Annotated[
    str, *text(addresses.public_redirect_uri, addresses.PUBLIC_REDIRECT, maxLength=256)
]
IdentifierUri = Annotated[str, *text(addresses.identifier_uri, addresses.IDENTIFIER, maxLength=255)]


class ByKindShape(Shape, title="resource"):
    """The permissions of one resource, by kind."""

    application: list[PermissionName] = Field(
        default_factory=list,
        description="Application permissions: the workload acts as itself, without a user.",
    )
    delegated: list[PermissionName] = Field(
        default_factory=list,
        description="Delegated permissions: the application acts for a signed-in user.",
    )


def _list_or_kinds(value: object) -> str | None:
    return "[list]" if isinstance(value, list) else "[kinds]" if isinstance(value, dict) else None


_OfResource: TypeAlias = Annotated[
    Annotated[list[PermissionName], Case("[list]")] | Annotated[ByKindShape, Case("[kinds]")],
    Discriminator(_list_or_kinds),
]
Permissions: TypeAlias = dict[
    Annotated[str, *facts(values.resource, {"pattern": r"\S", "maxLength": 256})], _OfResource
]


class VerifyShape(Shape, title="verify"):
    """What is tried with the workload's own token, beyond reading the roles in it."""

    calls: list[Annotated[str, *text(values.request, values.CALL)]] = Field(
        default_factory=list,
        description="Requests such as `GET /users?$top=1`: GET or HEAD, a path of Microsoft Graph "
        "v1.0. Only the status is shown.",
    )


class WebShape(Shape, title="web"):
    """A web application that signs people in on a server."""

    redirect_uris: list[RedirectUri] = Field(
        default_factory=list, description="Where a sign-in returns to: https, or http on localhost."
    )
    logout_url: Annotated[str, *text(addresses.logout_url, addresses.LOGOUT, maxLength=255)] = (
        Field(default=absent(), description="Is called when people sign out (https).")
    )
    home_page_url: Annotated[
        str, *text(addresses.home_page, addresses.HOME_PAGE, maxLength=255)
    ] = Field(default=absent(), description="Where people find the application.")


class SpaShape(Shape, title="spa"):
    """A web application that runs in the browser alone."""

    redirect_uris: list[RedirectUri] = Field(
        default_factory=list, description="Where a sign-in returns to: https, or http on localhost."
    )


class PublicClientShape(Shape, title="publicClient"):
    """A program on a desktop or a phone, which can keep no secret."""

    redirect_uris: list[PublicRedirectUri] = Field(
        default_factory=list,
        description="Where a sign-in returns to, such as http://localhost or msal12345://auth.",
    )


class ClaimShape(Shape, title="claim"):
    """A claim that is added to tokens."""

    name: Annotated[str, *short(values.line, 1024)] = Field(
        description="The claim's name, such as email or ipaddr."
    )
    source: Annotated[str, *short(values.line, 1024)] = Field(
        default=absent(),
        description="user when the claim is a directory extension; else leave it away.",
    )
    essential: bool = Field(
        default=False, description="Whether the application cannot do without the claim."
    )
    additional_properties: list[Annotated[str, *short(values.line, 1024)]] = Field(
        default_factory=list, description="How the claim is written, such as emit_as_roles."
    )


class OptionalClaimsShape(Shape, title="optionalClaims"):
    """Claims that are added to tokens; what is not listed here is removed."""

    access_token: list[ClaimShape] = Field(
        default_factory=list, description="In access tokens for this application's own API."
    )
    id_token: list[ClaimShape] = Field(
        default_factory=list, description="In the tokens that tell who signed in."
    )
    saml2_token: list[ClaimShape] = Field(
        default_factory=list, alias="saml2Token", description="In SAML tokens."
    )


class ServicePrincipalShape(Shape, title="servicePrincipal"):
    """The application's presence in the tenant."""

    enabled: bool = Field(default=True, description="false: nobody gets a token, at once.")
    assignment_required: bool = Field(
        default=False, description="true: only who was assigned a role gets a token."
    )
    owners: list[OwnerName] = Field(
        default_factory=list, description="Owners to add, by object id or user principal name."
    )
    tags: list[Tag] = Field(
        default_factory=list, description="Tags to add to the service principal."
    )


class AdoptShape(Shape, title="adopt"):
    """An application that exists already and is managed from now on."""

    app_id: Guid = Field(description="Its appId (client id).")


class CommonShape(Shape, title="application"):
    """What every application may say, and what defaults may say for all of them."""

    display_name: Annotated[str, *short(values.display_name, 256)] = Field(
        default=absent(), description="The name that people see. It need not be unique."
    )
    description: Annotated[str, *facts(values.description, {"maxLength": 1024})] = Field(
        default=absent(), description="A longer text for people."
    )
    notes: Annotated[str, *facts(values.description, {"maxLength": 1024})] = Field(
        default=absent(), description="Notes for those who manage it."
    )
    sign_in_audience: Annotated[str, *choice(values.audience, values.AUDIENCES)] = Field(
        default="AzureADMyOrg",
        description="Who may sign in: AzureADMyOrg (this tenant only) unless you have a reason.",
    )
    tags: list[Tag] = Field(
        default_factory=list,
        description="Tags to add, each 1 to 256 characters without white space. Tags that begin "
        "with provision: are reserved.",
    )
    web: WebShape = Field(default=absent(), description="Sign-in by a web server.")
    spa: SpaShape = Field(default=absent(), description="Sign-in by a single-page application.")
    public_client: PublicClientShape = Field(
        default=absent(), description="Sign-in by a program on a desktop or a phone."
    )
    is_fallback_public_client: bool = Field(
        default=absent(),
        description="true: programs without a redirect URI may sign people in (device code).",
    )
    group_membership_claims: Annotated[str, *text(values.group_claims, values.GROUP_CLAIMS)] = (
        Field(
            default=absent(),
            description="Which groups stand in tokens: None, SecurityGroup, All, DirectoryRole, "
            "ApplicationGroup, or several with commas.",
        )
    )
    optional_claims: OptionalClaimsShape = Field(
        default=absent(), description="Claims that are added to tokens."
    )
    api: ApiShape = Field(
        default=absent(), description="What the application, as an API, lets others do for a user."
    )
    app_roles: dict[Annotated[str, *key(values.offered, values.OFFERED)], AppRoleShape] = Field(
        default=absent(),
        description="Application permissions (and roles for users) that the application offers, by "
        "the value that stands in tokens. Exactly these: what is not listed is removed.",
    )
    owners: list[OwnerName] = Field(
        default_factory=list,
        description="Owners to add, by object id or user principal name. Others are left alone.",
    )
    service_principal: ServicePrincipalShape = Field(
        default_factory=ServicePrincipalShape,
        description="The application's presence in the tenant (enterprise application).",
    )
    permissions: Permissions = Field(
        default_factory=dict,
        description="What the workload may do, by resource: Microsoft Graph, the display name or "
        "appId of another API, or the key of an application of this manifest. A list means "
        "application permissions.",
    )
    consent: Annotated[str, *choice(values.consent, values.CONSENTS)] = Field(
        default="grant",
        description="grant: `apply` consents. request: the permissions are only asked for, "
        "and an administrator consents later.",
    )
    allow_tier0: list[PermissionName] = Field(
        default_factory=list,
        alias="allowTier0",
        description="Permissions that can lead to control of the whole tenant, and are meant: each "
        "must be named here too.",
    )
    credentials: dict[
        Annotated[str, *key(values.credential_name, values.CREDENTIAL_NAME)], CredentialShape
    ] = Field(
        default_factory=dict, description="How the workload signs in, by a name of your choice."
    )
    verify: VerifyShape = Field(
        default_factory=VerifyShape, description="What is tried with the workload's own token."
    )
    preserve: bool = Field(
        default=False, description="true: the application is never deleted by this tool."
    )


_NAMED: dict[str, Any] = {"anyOf": [{"required": ["displayName"]}, {"required": ["adopt"]}]}


class ApplicationShape(CommonShape, title="application", json_schema_extra=_NAMED):
    """An application registration, its service principal, permissions and credentials."""

    identifier_uris: list[IdentifierUri] = Field(
        default=absent(),
        description="What the API is called in requests for tokens. {appId} and {tenantId} are "
        "filled in when they are known: api://{appId}.",
    )
    adopt: AdoptShape = Field(
        default=absent(),
        description="Take over an application that exists already; it is never deleted.",
    )


class DefaultsShape(CommonShape, title="defaults"):
    """What holds for every application that does not say otherwise: mappings are merged key by key,
    a list or a text of the application takes the place of the one here."""
