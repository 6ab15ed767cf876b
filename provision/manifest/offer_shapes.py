"""What an application offers to others: app roles, scopes, and the clients that it knows."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from provision.manifest import values
from provision.manifest.shape import Line, Shape, absent, choice, key, text

Client = Annotated[str, *text(values.client, values.CLIENT)]


class AppRoleShape(Shape, title="appRole"):
    """A permission that the application offers to other applications, or a role for users."""

    display_name: Line = Field(
        default=absent(), description="What people see; the value itself if not said."
    )
    description: Line = Field(
        default=absent(), description="What it allows; the display name if not said."
    )
    allowed_member_types: list[Annotated[str, *choice(values.member, values.MEMBERS)]] = Field(
        default_factory=lambda: ["Application"],
        description="Who may have it: Application (the default), User, or both.",
    )
    enabled: bool = Field(default=True, description="false: it can be given to nobody any more.")


class ScopeShape(Shape, title="scope"):
    """A delegated permission: what a client may do here for the user who signed in."""

    type: Annotated[str, *choice(values.scope_type, values.SCOPE_TYPES)] = Field(
        default="Admin", description="Who may consent: Admin (the default), or User."
    )
    admin_consent_display_name: Line = Field(
        default=absent(), description="What an administrator sees; the value itself if not said."
    )
    admin_consent_description: Line = Field(
        default=absent(), description="What it allows, in an administrator's words."
    )
    user_consent_display_name: Line = Field(default=absent(), description="What a user sees.")
    user_consent_description: Line = Field(
        default=absent(), description="What it allows, in a user's words."
    )
    enabled: bool = Field(default=True, description="false: it can be given to nobody any more.")


class PreAuthorizedShape(Shape, title="preAuthorizedApplication"):
    """A client whose users are not asked to consent."""

    client: Client = Field(
        description="The client's appId, or the key of an application of this manifest."
    )
    scopes: list[Annotated[str, *text(values.offered, values.OFFERED)]] = Field(
        description="Values of scopes of this application."
    )


class ApiShape(Shape, title="api"):
    """The application as an API that others call for a user."""

    requested_access_token_version: Annotated[
        int, AfterValidator(values.token_version), Field(json_schema_extra={"enum": [1, 2]})
    ] = Field(default=absent(), description="The form of its access tokens: 2 for anything new.")
    scopes: dict[Annotated[str, *key(values.offered, values.OFFERED)], ScopeShape] = Field(
        default=absent(),
        description="Delegated permissions, by the value that stands in tokens. Exactly these: "
        "what is not listed is removed.",
    )
    pre_authorized_applications: list[PreAuthorizedShape] = Field(
        default=absent(), description="Clients whose users are not asked to consent."
    )
    known_client_applications: list[Client] = Field(
        default=absent(),
        description="Clients whose consent page includes this API: appIds, or keys of this manifest.",
    )
