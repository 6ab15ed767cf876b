"""The manifest in the tenant's own terms: names become the roles that this tenant offers."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.desired import resolve
from provision.errors import ManifestError
from provision.manifest.spec import ApplicationSpec, Manifest, Mark, PermissionSpec, SecretSpec
from provision.model import Call, DesiredApplication, Observed
from tests.build import DAY, HOUR, MAIL, USERS, a_secret, observed

PLACE = Mark(line=7, column=9)
EMPTY = Observed(applications={}, resources={})


def a_spec(*permissions: str, key: str = "web", grant: bool = True) -> ApplicationSpec:
    wanted = a_secret(overlap=HOUR)
    secret = SecretSpec(
        name=wanted.name,
        lifetime=90 * DAY,
        renew_before=30 * DAY,
        overlap=HOUR,
        store=wanted.store,
        mark=PLACE,
    )
    return ApplicationSpec(
        key=key,
        properties={"displayName": "My Web"},
        tags=frozenset({"team:a"}),
        permissions=tuple(
            PermissionSpec(
                resource="Microsoft Graph", value=value, mark=Mark(line=10 + line, column=5)
            )
            for line, value in enumerate(permissions)
        ),
        grant=grant,
        secrets=(secret,),
        calls=(Call(method="GET", path="/users"),),
        mark=PLACE,
    )


def a_manifest(*specs: ApplicationSpec) -> Manifest:
    return Manifest(
        file="team.yaml",
        folder=Path(),
        name="contoso",
        owner="contoso.dev",
        tenant=None,
        cloud=None,
        applications=specs,
    )


def test_an_application_is_wanted_with_the_tenants_own_roles_and_our_marks() -> None:
    wanted = resolve(a_manifest(a_spec("User.Read.All", "Mail.Send", grant=False)), observed())

    assert wanted.owner == "contoso.dev"
    assert wanted.applications == (
        DesiredApplication(
            key="web",
            unique_name="contoso.dev.web",
            properties={"displayName": "My Web"},
            tags=frozenset({"team:a", "provision:owner:contoso.dev"}),
            app_roles=frozenset({USERS, MAIL}),
            grant=False,
            secrets=(a_secret(overlap=HOUR),),
            calls=(Call(method="GET", path="/users"),),
        ),
    )


def test_applications_keep_the_order_of_the_manifest() -> None:
    wanted = resolve(a_manifest(a_spec(key="b"), a_spec(key="a")), observed())

    assert [application.key for application in wanted.applications] == ["b", "a"]


def test_every_permission_that_the_tenant_does_not_offer_is_named_with_its_line() -> None:
    specs = a_spec("User.Reed.All", "Mail.Send"), a_spec("Nothing", key="api")

    with pytest.raises(ManifestError) as refused:
        resolve(a_manifest(*specs), observed())

    offers = "Microsoft Graph offers no application permission"
    assert refused.value.lines() == [
        f'team.yaml:10:5: {offers} "Nothing" in this tenant',
        f'team.yaml:10:5: {offers} "User.Reed.All" in this tenant - did you mean "User.Read.All"?',
    ]


def test_a_resource_that_the_tenant_lacks_is_said_so() -> None:
    with pytest.raises(ManifestError) as refused:
        resolve(a_manifest(a_spec("User.Read.All")), EMPTY)

    assert refused.value.lines() == [
        "team.yaml:10:5: Microsoft Graph has no service principal in this tenant"
    ]
