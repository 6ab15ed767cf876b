"""The manifest in the tenant's own terms: names become the roles that this tenant offers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from provision.desired import resolve
from provision.errors import ManifestError
from provision.manifest.spec import (
    ApplicationSpec,
    CertificateSpec,
    FederatedSpec,
    IdentitySpec,
    Manifest,
    Mark,
    OwnerSpec,
    PermissionSpec,
    PreAuthorizedSpec,
    PrincipalSpec,
    SecretSpec,
)
from provision.model import (
    GRAPH_APP_ID,
    Call,
    Certificate,
    Desired,
    DesiredApplication,
    DesiredIdentity,
    Observed,
    Owner,
    ServicePrincipal,
)
from provision.places import PemFile
from tests.build import DAY, HOUR, MAIL, NOW, USERS, a_secret, observed, registered
from tests.build import a_manifest as manifest_of
from tests.worlds import HERE, a_scope_spec, asks
from tests.worlds import a_spec as plain

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


def test_microsoft_graph_by_another_spelling_is_refused() -> None:
    """Names are found in any case; what is powerful is known, and guarded, under one."""
    seen = replace(observed(), names={"mICROSOFT gRAPH": GRAPH_APP_ID})

    spec = plain("web", permissions=(asks("mICROSOFT gRAPH", "Mail.Send"),))
    (line,) = refused(spec, seen=seen)

    assert line == 'mICROSOFT gRAPH is Microsoft Graph - write it as "Microsoft Graph"'


# --- APIs, other resources, owners, addresses, identities


def whole(*specs: ApplicationSpec, seen: Observed | None = None, **said: Any) -> Desired:
    manifest = manifest_of(applications=specs, **said)
    return resolve(manifest, seen or replace(observed(), people={"ann@x": "1", "1": "1"}))


def refused(*specs: ApplicationSpec, seen: Observed | None = None, **said: Any) -> list[str]:
    with pytest.raises(ManifestError) as mistakes:
        whole(*specs, seen=seen, **said)
    return [line.removeprefix("project/hello.yaml:1:1: ") for line in mistakes.value.lines()]


def test_an_adopted_application_gets_no_owner_tag_and_keeps_its_own() -> None:
    (adopted,) = whole(plain("web", adopt="x", preserve=True, tags=frozenset({"a"}))).applications

    assert (adopted.tags, adopted.adopt, adopted.preserve) == (frozenset({"a"}), "x", True)


def test_preserve_leaves_a_mark_beside_the_owners() -> None:
    (kept,) = whole(plain("web", preserve=True)).applications

    assert kept.tags == {"provision:owner:contoso", "provision:preserve"}


def test_an_owner_who_is_named_twice_is_one_owner() -> None:
    named = tuple(OwnerSpec(name=each, mark=PLACE) for each in ("ann@x", "1"))

    (app,) = whole(plain("web", owners=named)).applications

    assert app.owners == (Owner(id="1", name="ann@x"),)


def test_people_who_are_not_in_the_tenant_are_named() -> None:
    owner = OwnerSpec(name="eve@x", mark=HERE)
    spec = plain("web", owners=(owner,), service_principal=PrincipalSpec(owners=(owner,)))

    assert refused(spec) == ['nobody in this tenant is called "eve@x"'] * 2


def test_the_tenant_is_filled_in_and_the_application_later() -> None:
    trust = FederatedSpec(
        name="f", issuer="https://i/{tenantId}", subject="s", audience="a", mark=HERE
    )
    uris = {"identifierUris": ["api://{tenantId}/{appId}"]}
    seen = replace(observed(), tenant_id="t1")

    (app,) = whole(plain("web", properties=uris, federated=(trust,)), seen=seen).applications

    assert app.properties == {"identifierUris": ["api://t1/{appId}"]}
    assert app.federated[0].issuer == "https://i/t1"


def test_a_name_that_several_resources_bear_is_refused_with_their_app_ids() -> None:
    seen = replace(observed(), unclear={"SharePoint": ("s1", "s2")})

    assert refused(plain("web", permissions=(asks("SharePoint", "Read"),)), seen=seen) == [
        "several service principals of this tenant are called SharePoint"
        " - write the appId of the one that is meant: s1, s2"
    ]


@pytest.mark.parametrize("name", ["api", "app-api"])
@pytest.mark.parametrize(("delegated", "kind"), [(False, "application"), (True, "delegated")])
def test_what_an_api_of_the_manifest_does_not_offer_cannot_be_asked_for(
    name: str, delegated: bool, kind: str
) -> None:
    """Also where it offers nothing, and its appId is written: it is no unknown resource then."""
    client = plain("web", permissions=(asks(name, "Read", delegated=delegated),))
    seen = replace(observed(registered("api")), names={"app-api": "app-api"})

    assert refused(plain("api"), client, seen=seen) == [
        f'api offers no {kind} permission "Read" in this tenant'
    ]


def test_clients_are_given_the_scopes_that_the_api_exposes_in_one_order() -> None:
    scopes = (a_scope_spec("b"), a_scope_spec("a"), a_scope_spec("off", enabled=False))
    clients = tuple(
        PreAuthorizedSpec(client=each, scopes=("b", "a", "b"), mark=HERE) for each in ("z", "web")
    )

    (api,) = whole(plain("api", scopes=scopes, pre_authorized=clients)).applications

    assert api.pre_authorized is not None
    assert [
        (each.client, [scope.value for scope in each.scopes]) for each in api.pre_authorized
    ] == [("web", ["a", "b"]), ("z", ["a", "b"])]


def test_a_client_cannot_be_given_a_scope_that_is_not_exposed() -> None:
    client = PreAuthorizedSpec(client="web", scopes=("see",), mark=HERE)

    assert refused(plain("api", pre_authorized=(client,))) == ['api exposes no scope "see"']


def test_a_managed_identity_that_is_not_there_is_named() -> None:
    spec = IdentitySpec(key="func", managed_identity="sp-1", permissions=(), mark=HERE)

    (line,) = refused(identities=(spec,))

    assert line.startswith("there is no managed identity sp-1 in this tenant - ")


def test_a_managed_identity_is_wanted_with_its_roles() -> None:
    asked = (asks("Microsoft Graph", "Mail.Send"),)
    spec = IdentitySpec(key="func", managed_identity="sp-1", permissions=asked, mark=HERE)
    seen = replace(observed(), identities={"func": ServicePrincipal(id="sp-1", app_id="f")})

    assert whole(seen=seen, identities=(spec,)).identities == (
        DesiredIdentity(key="func", principal_id="sp-1", app_roles=frozenset({MAIL})),
    )


def test_two_pem_files_with_one_certificate_are_a_mistake() -> None:
    def kept_up(name: str, line: int) -> CertificateSpec:
        store = PemFile(path=Path(f"{name}.pem"))
        return CertificateSpec(
            name=name,
            lifetime=timedelta(),
            renew_before=30 * DAY,
            overlap=DAY,
            store=store,
            mark=Mark(line=line, column=3),
        )

    spec = replace(plain("web"), certificates=(kept_up("first", 4), kept_up("second", 9)))
    one = Certificate(der=b"", thumbprint="AB12", start=NOW, end=NOW + DAY)
    held = {spec.key: {"first": one, "second": one}}
    seen = replace(observed(), certificates=held)

    with pytest.raises(ManifestError) as caught:
        resolve(manifest_of(applications=(spec,)), seen)

    (problem,) = caught.value.problems
    assert problem.line == 9
    assert problem.message == '"second" has the same certificate as "first"'
