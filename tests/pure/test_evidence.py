"""What a token shows, and what was granted, against what is wanted: per resource, and nobody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import build
import pytest

from auth.claims import Claims
from provision import evidence, granted
from provision.evidence import Audience, Evidence
from provision.granted import Holder
from provision.model import (
    GRAPH_APP_ID,
    AppRole,
    DesiredIdentity,
    OAuth2PermissionGrant,
    PermissionScope,
    Resource,
    ServicePrincipal,
)
from provision.receipt import RoleProof
from provision.scene import READS, Known, Patience, audiences, named

PAYROLL = "b0000000-0000-0000-0000-00000000000b"
READ = AppRole(resource="api", id="r1", value="Read.All")
PAY = AppRole(resource=PAYROLL, id="", value="Pay.All")
SCOPE = PermissionScope(resource="api", id="s1", value="Act")
KNOWN = Known(
    app_ids={"web": "app-web", "api": "app-api"},
    principals={"web": "sp-web", "api": "sp-api"},
    resources={
        GRAPH_APP_ID: build.GRAPH,
        PAYROLL: Resource(
            id="sp-payroll",
            app_id=PAYROLL,
            display_name="Payroll",
            app_roles=frozenset({replace(PAY, id="r9")}),
            scopes=frozenset({PermissionScope(resource=PAYROLL, id="s9", value="Slip")}),
            names=frozenset({"https://payroll.example/"}),
        ),
    },
    addresses={"api": frozenset({"https://orders.example/api"})},
)
GRAPH, API = KNOWN.audience(GRAPH_APP_ID), KNOWN.audience("api")


def claims(**said: str) -> Claims:
    """A token of the application `web`, for its API."""
    texts = {"aud": "app-api", "tid": "tenant", "app_id": "app-web", **said}
    return Claims(
        aud=texts["aud"],
        tid=texts["tid"],
        app_id=texts["app_id"],
        object_id="sp-web",
        roles=frozenset(),
        scopes=frozenset(),
        wids=frozenset(),
        expires=build.NOW,
        version="2.0",
        raw={},
    )


def why(said: Claims, audience: Audience) -> str:
    """Why a token proves nothing."""
    return evidence.impostor(
        said, audience, graph="https://graph.example", tenant_id="tenant", app_id="app-web"
    )


def shown(*pairs: tuple[Audience, set[str]]) -> dict[str, Evidence]:
    """What the token for each audience carries."""
    return {
        audience.name: Evidence(audience=audience, carried=frozenset(values))
        for audience, values in pairs
    }


def a_principal(*roles: tuple[str, str], **changes: object) -> ServicePrincipal:
    """What was granted: pairs of a resource's object id and a role's id."""
    assigned = tuple(
        build.a_grant(AppRole(resource="", id=role, value=""), resource_id=resource)
        for resource, role in roles
    )
    bare = ServicePrincipal(id="sp-web", app_id="app-web", app_role_assignments=assigned)
    return replace(bare, **changes)  # type: ignore[arg-type]


def a_consent(*values: str, user: str | None = None) -> OAuth2PermissionGrant:
    """Delegated permissions of the API that `web` was granted, for everybody or for one user."""
    return OAuth2PermissionGrant(
        id="g",
        client_id="sp-web",
        resource_id="sp-api",
        principal_id=user,
        scopes=frozenset(values),
    )


def a_holder(*roles: AppRole, scopes: tuple[PermissionScope, ...] = ()) -> Holder:
    wanted = replace(build.an_app(roles=roles), scopes=frozenset(scopes))
    return Holder.application(wanted, "app-web")


@pytest.mark.parametrize(
    "aud",
    ["app-api", "api://app-api", "https://orders.example/api", "https://orders.example/api/"],
)
def test_a_token_may_be_for_any_name_of_its_resource(aud: str) -> None:
    assert why(claims(aud=aud), API) == ""


@pytest.mark.parametrize("aud", ["https://graph.example", "https://graph.example/", GRAPH_APP_ID])
def test_a_token_of_microsoft_graph_is_for_the_clouds_own_host(aud: str) -> None:
    assert why(claims(aud=aud), GRAPH) == ""


def test_a_token_of_an_api_of_others_may_be_for_its_service_principal_names() -> None:
    assert why(claims(aud="https://payroll.example"), KNOWN.audience(PAYROLL)) == ""


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"aud": "https://graph.example"}, "the token is for https://graph.example, not for api"),
        ({"aud": ""}, "the token is for , not for api"),
        ({"tid": "other"}, "the token is of tenant other, not of tenant"),
        ({"app_id": "app-x"}, "the token is of application app-x, not of app-web"),
    ],
)
def test_a_token_of_another_or_for_another_proves_nothing(
    said: dict[str, str], complaint: str
) -> None:
    assert why(claims(**said), API) == complaint


def test_tokens_are_asked_for_microsoft_graph_and_each_resource_once() -> None:
    wanted = [READ, replace(READ, id="r2", value="Write.All"), PAY, build.USERS]

    asked = [each.shown for each in audiences(wanted, KNOWN)]

    assert asked == ["Microsoft Graph", "api", "Payroll"]
    assert [each.name for each in audiences([], KNOWN)] == [GRAPH_APP_ID]


def test_a_resource_that_is_not_there_has_no_app_id_to_ask_for() -> None:
    assert KNOWN.audience("gone") == Audience(name="gone", shown="gone", app_id="")


def test_a_role_counts_only_in_the_token_of_its_own_resource() -> None:
    found = shown((GRAPH, {"Read.All", "User.Read.All"}), (API, set()))

    assert evidence.roles_shown([READ, build.USERS], found) == (
        RoleProof(resource="Microsoft Graph", value="User.Read.All", present=True),
        RoleProof(resource="api", value="Read.All", present=False),
    )
    assert evidence.lacking([READ, build.USERS], found) == {READ}
    assert evidence.undeclared([READ, build.USERS], found) == ("Read.All",)


def test_what_nobody_declared_is_named_with_its_resource_microsoft_graphs_first() -> None:
    found = shown((API, {"Write.All", "Read.All"}), (GRAPH, {"Mail.Send"}))

    assert evidence.undeclared([READ], found) == ("Mail.Send", "Write.All of api")


def test_evidence_is_complete_when_nothing_wanted_of_its_resource_is_missing() -> None:
    carrying = Evidence(audience=API, carried=frozenset({"Read.All"}))

    assert carrying.shows([READ, build.USERS])
    assert not carrying.shows([READ, replace(READ, value="Write.All")])
    assert not replace(carrying, late="not yet").shows([READ])
    assert not replace(carrying, wrong="no").shows([READ])


def test_evidence_does_not_show_its_token() -> None:
    assert "eyJ" not in repr(Evidence(audience=API, token="eyJ0.eyJ0.x"))


def test_a_role_is_granted_only_where_the_resource_is_the_right_one() -> None:
    """Two resources may give their roles equal ids: nothing forbids it."""
    holder = a_holder(READ, build.USERS)

    assert granted.missing(holder, a_principal(("graph", "r1")), KNOWN).roles == {READ}
    assert granted.missing(holder, a_principal(("sp-api", "r1")), KNOWN).roles == {build.USERS}
    assert not granted.missing(holder, a_principal(("sp-api", "r1"), ("graph", "r1")), KNOWN).roles


def test_a_role_whose_id_only_the_new_service_principal_told_is_found_by_its_name() -> None:
    holder = a_holder(PAY)

    assert not granted.missing(holder, a_principal(("sp-payroll", "r9")), KNOWN).roles
    assert granted.missing(holder, a_principal(("sp-payroll", "")), KNOWN).roles == {PAY}
    assert KNOWN.id_of(PermissionScope(resource=PAYROLL, id="", value="Slip")) == "s9"
    assert KNOWN.id_of(PermissionScope(resource=PAYROLL, id="", value="Other")) == ""


def test_nothing_is_granted_to_a_service_principal_that_is_not_there() -> None:
    left = granted.missing(a_holder(READ, scopes=(SCOPE,)), None, KNOWN)

    assert left.roles == {READ}
    assert left.scopes == {SCOPE}


def test_a_delegated_consent_counts_when_it_is_for_everybody() -> None:
    holder = a_holder(scopes=(SCOPE,))

    everybody = a_principal(grants=(a_consent("Act", "Other"),))
    assert granted.missing(holder, everybody, KNOWN).scopes == frozenset()
    one = a_principal(grants=(a_consent("Act", user="ada"), a_consent("Other")))
    assert granted.missing(holder, one, KNOWN).scopes == {SCOPE}


def test_delegated_consents_that_may_not_be_read_keep_nobody_waiting() -> None:
    left = granted.missing(a_holder(scopes=(SCOPE,)), a_principal(grants=None), KNOWN)

    assert left.scopes is None
    assert left.waited_for(grant=True) == frozenset()


def test_a_delegated_consent_is_waited_for_only_where_it_is_to_be_granted_for_all() -> None:
    left = granted.missing(a_holder(READ, scopes=(SCOPE,)), a_principal(grants=()), KNOWN)

    assert left.waited_for(grant=True) == {READ, SCOPE}
    assert left.waited_for(grant=False) == {READ}


def test_what_is_asked_for_a_managed_identity_is_always_to_be_granted() -> None:
    wanted = DesiredIdentity(key="job", principal_id="sp-job", app_roles=frozenset({READ}))

    holder = Holder.identity(wanted)

    assert (holder.principal_id, holder.grant, holder.roles) == ("sp-job", True, {READ})


def test_permissions_are_named_microsoft_graphs_first_and_others_with_their_resource() -> None:
    assert named([SCOPE, PAY, READ, build.USERS], KNOWN) == (
        "User.Read.All, Act of api (delegated), Read.All of api, Pay.All of Payroll"
    )


def test_a_consent_that_is_only_requested_is_waited_for_as_long_as_somebody_says() -> None:
    assert Patience().for_tokens(grant=False) == 0
    assert Patience(consent=7).for_tokens(grant=False) == 7


def test_reads_are_not_waited_for_as_long_as_tokens_unless_somebody_says_so() -> None:
    assert Patience(roles=600).for_reads(grant=True) == READS
    assert Patience(roles=600, consent=7200).for_reads(grant=True) == timedelta(hours=2).seconds
    assert Patience().for_reads(grant=False) == 0
