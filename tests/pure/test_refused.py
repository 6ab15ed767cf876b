"""The words of a refusal: what it takes and what is held, for applications and for people."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from provision import refused
from provision.errors import Forbidden, NotFound
from provision.model import GRAPH_APP_ID, AppRole, PermissionScope
from provision.plan import (
    AddSecret,
    CreateApplication,
    DeleteApplication,
    GrantAppRole,
    GrantScopes,
    RevokeAppRole,
    Step,
    UpdateApplication,
)
from provision.receipt import Done, Failed, Receipt

APP_ID, TENANT = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
OWNED, ALL = "Application.ReadWrite.OwnedBy", "Application.ReadWrite.All"
GRANTS = "AppRoleAssignment.ReadWrite.All"
NEEDS = "Sign in as someone who holds X, or ask an administrator to grant it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    name: str = "CI"
    person: bool = False
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    directory_roles: tuple[str, ...] = ()


def an_application(*roles: str, directory: tuple[str, ...] = ()) -> Somebody:
    return Somebody(roles=frozenset(roles), directory_roles=directory)


def a_person(*directory: str, scopes: str = refused.AS_USER) -> Somebody:
    return Somebody(
        name="ada", person=True, scopes=frozenset(scopes.split()), directory_roles=directory
    )


def denied(message: str = "Microsoft Graph refused to do it", status: int = 403) -> Forbidden:
    return Forbidden(
        message,
        hint=NEEDS,
        status=status,
        code=refused.DENIED,
        request_id="request",
        detail="Insufficient privileges",
    )


def a_grant(value: str = "User.Read.All", resource: str = GRAPH_APP_ID) -> GrantAppRole:
    return GrantAppRole(app="web", role=AppRole(resource=resource, id="r", value=value))


SECRET = AddSecret(app="web", credential="ci", reason="first secret", rotation=False)
CREATE = CreateApplication(app="web", unique_name="u", properties={}, tags=(), requested=())
UPDATE = UpdateApplication(app="web", changes=())
SCOPES = GrantScopes(
    app="web", scopes=(PermissionScope(resource=GRAPH_APP_ID, id="s", value="User.Read"),)
)


def said(
    *steps: Step,
    holder: Somebody,
    approval: refused.Approval | None = None,
    left: bool = False,
    done: bool = True,
) -> list[tuple[str, str]]:
    """Message and hint of each step that is refused."""
    receipt = Receipt(
        failed=tuple(Failed(app="web", step=step, error=denied()) for step in steps),
        left=(SECRET,) if left else (),
        done=(Done(step=CREATE, detail=APP_ID),) if done else (),
    )
    told = refused.explained(receipt, holder, {"web": approval} if approval else {})
    return [(str(each.error), str(getattr(each.error, "hint", ""))) for each in told.failed]


@pytest.mark.parametrize(
    ("holder", "words"),
    [
        (an_application(), "CI holds no permission of Microsoft Graph"),
        (an_application(OWNED), f"CI holds {OWNED}"),
        (an_application("User.Read.All", OWNED), f"CI holds {OWNED} and User.Read.All"),
        (
            an_application(directory=("Directory Readers",)),
            "CI holds no permission of Microsoft Graph, and the directory role Directory Readers",
        ),
        (
            an_application(*(f"P{number}" for number in range(10)), ALL),
            f"CI holds {ALL}, P0, P1, P2, P3, P4, P5, P6 and 3 more",
        ),
        (a_person(), "ada holds no directory role"),
        (a_person("A", "B"), "ada holds the directory role A and B"),
        (
            a_person("A", scopes="openid User.Read"),
            "ada holds the directory role A, and the sign-in allows User.Read",
        ),
        (a_person(scopes=""), "ada holds no directory role, and the sign-in allows nothing"),
    ],
)
def test_what_is_held_is_a_sentence(holder: Somebody, words: str) -> None:
    assert refused.held(holder) == words


def test_a_refusal_that_ends_the_command_says_what_is_held_and_keeps_graphs_own_words() -> None:
    error = refused.in_words(denied(f"It refused {GRAPH_APP_ID}"), an_application(OWNED))

    assert str(error) == "It refused Microsoft Graph"
    assert error.hint == f"{NEEDS} CI holds {OWNED}."
    assert (error.status, error.code, error.request_id, error.detail) == (
        403,
        refused.DENIED,
        "request",
        "Insufficient privileges",
    )


def test_who_holds_nothing_is_told_what_provisioning_takes() -> None:
    error = refused.in_words(denied(), an_application())

    assert str(error).endswith(": CI holds no permission of Microsoft Graph")
    assert OWNED in error.hint
    assert GRANTS in error.hint


def test_a_sign_in_that_is_not_accepted_is_no_question_of_rights() -> None:
    error = denied(status=401)

    assert refused.in_words(error, an_application()) is error


@pytest.mark.parametrize(
    ("step", "who"),
    [
        (a_grant(), "Privileged Role Administrator or Global Administrator"),
        (
            a_grant(resource=refused.OLD_GRAPH_APP_ID),
            "Privileged Role Administrator or Global Administrator",
        ),
        (
            a_grant(resource="api"),
            "Application Administrator, Cloud Application Administrator, "
            "Privileged Role Administrator or Global Administrator",
        ),
        (
            SCOPES,
            "Application Administrator, Cloud Application Administrator, "
            "Privileged Role Administrator or Global Administrator",
        ),
    ],
)
def test_a_refused_consent_names_the_roles_that_may(step: Step, who: str) -> None:
    [(_, hint)] = said(step, holder=a_person())

    assert hint.startswith(f"Ask somebody with the role {who} to consent.")
    assert "Or grant" not in hint


@pytest.mark.parametrize(
    ("step", "holder", "lacking"),
    [
        (a_grant(), an_application(OWNED), f"{GRANTS} and Application.Read.All"),
        (a_grant(), an_application(ALL), GRANTS),
        (a_grant(), an_application(GRANTS, OWNED), "Application.Read.All"),
        (SCOPES, an_application(OWNED), "DelegatedPermissionGrant.ReadWrite.All"),
    ],
)
def test_an_application_is_told_which_permissions_it_lacks_to_consent(
    step: Step, holder: Somebody, lacking: str
) -> None:
    [(_, hint)] = said(step, holder=holder)

    assert f"Or grant CI {lacking}." in hint


def test_a_refused_consent_gives_every_way_to_an_approval() -> None:
    approval = refused.Approval(
        command=refused.consent_command("web.yaml"),
        page=refused.permission_page("https://entra.microsoft.us", APP_ID),
        url=refused.consent_url("https://login.example", TENANT, APP_ID, "https://x/{appId}?a=b"),
    )

    [(message, hint)] = said(a_grant(), holder=a_person(), approval=approval)

    page = "https://entra.microsoft.us/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade"
    url = f"https://login.example/{TENANT}/adminconsent?client_id={APP_ID}"
    assert message == "Microsoft Graph refused to grant User.Read.All of Microsoft Graph to web"
    assert (
        "run `provision apply --only consent web.yaml`, or to approve at "
        f"{page}/~/CallAnAPI/appId/{APP_ID} or "
        f"{url}&redirect_uri=https%3A%2F%2Fx%2F{APP_ID}%3Fa%3Db. "
    ) in hint


def test_the_rest_is_said_to_be_done_only_where_it_is() -> None:
    assert "The rest of web is done." in said(a_grant(), holder=a_person())[0][1]
    assert "The rest" not in said(a_grant(), holder=a_person(), left=True)[0][1]
    assert "The rest" not in said(a_grant(), SECRET, holder=a_person())[0][1]
    assert "The rest" not in said(a_grant(), holder=a_person(), done=False)[0][1]


def test_several_refused_consents_are_explained_once_for_each_kind_of_approver() -> None:
    told = said(a_grant(), a_grant("Mail.Send"), a_grant("X", "api"), SCOPES, holder=a_person())

    assert [hint == "As said above." for _, hint in told] == [False, True, False, True]


def test_a_refused_revocation_is_from_the_application() -> None:
    step = RevokeAppRole(app="web", role=a_grant().role, assignment_id="a")

    assert said(step, holder=a_person())[0][0].endswith(
        "revoke User.Read.All of Microsoft Graph from web"
    )


@pytest.mark.parametrize(
    ("holder", "words"),
    [
        (an_application(OWNED), f"with {OWNED}, only what one owns can be changed"),
        (a_person("Directory Readers"), "with no role of an administrator (ada holds the"),
    ],
)
def test_who_reaches_only_its_own_is_told_that_it_is_no_owner(holder: Somebody, words: str) -> None:
    [(message, hint)] = said(UPDATE, holder=holder)

    assert message.endswith("for web")
    assert hint.startswith(f"Have {holder.name} made an owner of web: {words}")


@pytest.mark.parametrize(
    "holder",
    [
        an_application(OWNED, ALL),
        an_application(OWNED, directory=("Cloud Application Administrator",)),
        a_person("Application Administrator"),
        an_application("User.Read.All"),
    ],
)
def test_others_are_told_what_it_takes(holder: Somebody) -> None:
    assert said(UPDATE, holder=holder)[0][1] == f"{NEEDS} {refused.held(holder)}."


def test_who_may_not_register_is_told_the_role_that_may() -> None:
    assert "Application Developer" in said(CREATE, holder=a_person())[0][1]
    assert said(CREATE, holder=an_application(OWNED))[0][1] == f"{NEEDS} CI holds {OWNED}."


@pytest.mark.parametrize(
    ("action", "words", "hinted"),
    [
        ("purge o", "purge the application of web: it is among the deleted items", NEEDS),
        ("delete o", "delete the application Web for web", "Have CI made an owner of web"),
    ],
)
def test_what_is_deleted_but_not_purged_is_said_apart(action: str, words: str, hinted: str) -> None:
    step = DeleteApplication(app="web", application_id="o", display_name="Web", purge=True)
    error = denied(f"Microsoft Graph refused to {action}")
    receipt = Receipt(failed=(Failed(app="web", step=step, error=error),))

    [failed] = refused.explained(receipt, an_application(OWNED), {}).failed

    assert str(failed.error) == f"Microsoft Graph refused to {words}"
    assert getattr(failed.error, "hint", "").startswith(hinted)


def test_what_is_no_refusal_stays_as_it_is() -> None:
    gone = NotFound("It is not there", hint="Look again")
    receipt = Receipt(
        done=(Done(step=CREATE, detail=APP_ID),),
        failed=(
            Failed(app="web", step=UPDATE, error=gone),
            Failed(app="web", step=None, error=denied()),
        ),
    )

    assert refused.explained(receipt, an_application(), {}) == receipt
