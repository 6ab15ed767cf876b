"""Every step has words, a noun and a sign."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provision.model import GRAPH_APP_ID, AppRole, Owner, PermissionScope
from provision.plan import (
    AddFederated,
    AddOwner,
    AddSecret,
    AuthorizeClients,
    Change,
    CreateApplication,
    CreateResourcePrincipal,
    CreateServicePrincipal,
    DeleteApplication,
    DisableEntitlements,
    GrantAppRole,
    GrantScopes,
    RecordStored,
    RemoveFederated,
    RemoveSecret,
    RequestPermissions,
    RestoreApplication,
    RestoreServicePrincipal,
    RevokeAppRole,
    RevokeScopes,
    Step,
    UpdateApplication,
    UpdateFederated,
    UpdateServicePrincipal,
    WithdrawPermissions,
)
from provision.wording import exactly, noun, permission, permissions, short, sign, words

USERS = AppRole(resource=GRAPH_APP_ID, id="1", value="User.Read.All")
OPENID = PermissionScope(resource=GRAPH_APP_ID, id="3", value="openid")
OTHER = AppRole(resource="abc", id="2", value="Do.It")
KEY = "5f2c7c1e-9a4e-4b1c-8f53-2d9d6a1e0c11"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (
            CreateApplication(app="a", unique_name="o.a", properties={}, tags=(), requested=()),
            "+ application: create the application",
        ),
        (
            RestoreApplication(app="a", application_id="1"),
            "+ application: restore the deleted application",
        ),
        (
            UpdateApplication(
                app="a", changes=tuple(Change(property=p, before=0, after=1) for p in ("x", "y"))
            ),
            "~ application: change x, y",
        ),
        (
            RequestPermissions(app="a", permissions=(USERS,)),
            "~ request: request User.Read.All of Microsoft Graph",
        ),
        (
            WithdrawPermissions(app="a", permissions=(USERS,)),
            "~ request: withdraw the request for User.Read.All of Microsoft Graph",
        ),
        (
            CreateServicePrincipal(app="a"),
            "+ service principal: create the service principal",
        ),
        (
            RestoreServicePrincipal(app="a", service_principal_id="1"),
            "+ service principal: restore the service principal",
        ),
        (
            GrantAppRole(app="a", role=USERS),
            "+ permission: grant User.Read.All of Microsoft Graph",
        ),
        (
            RevokeAppRole(app="a", role=USERS, assignment_id="1"),
            "- permission: revoke User.Read.All of Microsoft Graph",
        ),
        (
            AddSecret(app="a", credential="ci", reason="", rotation=False),
            "+ secret: issue secret ci",
        ),
        (
            RecordStored(app="a", credential="ci", key_id=KEY),
            "~ stored: record that ci is stored",
        ),
        (
            RemoveSecret(app="a", credential="ci", key_id=KEY, reason=""),
            "- secret: remove secret ci 5f2c7c1e…",
        ),
        (
            DeleteApplication(app="a", application_id="1", display_name="Old"),
            "- application: delete the application Old",
        ),
        (
            CreateResourcePrincipal(app="a", resource="abc", name="Other API"),
            "+ resource: create the service principal of Other API",
        ),
        (
            DisableEntitlements(app="a", values=("R", "S")),
            "~ application: disable R, S, to be changed or removed",
        ),
        (
            AuthorizeClients(app="a", pre_authorized=(), known=None),
            "~ clients: say which clients are authorized",
        ),
        (
            UpdateServicePrincipal(
                app="a", changes=(Change(property="accountEnabled", before=True, after=False),)
            ),
            "~ service principal: change accountEnabled of the service principal",
        ),
        (
            AddOwner(app="a", of="application", owner=Owner(id="1", name="ada")),
            "+ owner: make ada an owner of the application",
        ),
        (
            AddOwner(app="a", of="servicePrincipal", owner=Owner(id="1", name="ada")),
            "+ owner: make ada an owner of the service principal",
        ),
        (
            GrantScopes(app="a", scopes=(OPENID,)),
            "+ permission: grant openid of Microsoft Graph, delegated",
        ),
        (
            RevokeScopes(app="a", scopes=(OPENID,), grant_id="1"),
            "- permission: revoke openid of Microsoft Graph, delegated",
        ),
        (
            AddFederated(app="a", credential="gh", issuer="i", subject="s", audience="x"),
            "+ federated: add federated credential gh",
        ),
        (
            UpdateFederated(
                app="a",
                credential="gh",
                changes=(Change(property="subject", before="s", after="t"),),
            ),
            "~ federated: change subject of federated credential gh",
        ),
        (
            RemoveFederated(app="a", credential="gh", subject="s"),
            "- federated: remove federated credential gh",
        ),
    ],
)
def test_a_step_is_said_in_plain_words(step: Step, said: str) -> None:
    assert f"{sign(step)} {noun(step)}: {words(step)}" == said


def test_a_delegated_permission_says_that_it_is_one() -> None:
    assert permission(OPENID) == "openid of Microsoft Graph (delegated)"


def test_permissions_are_said_by_resource() -> None:
    assert permissions((USERS, OTHER, USERS)) == (
        "User.Read.All, User.Read.All of Microsoft Graph; Do.It of abc"
    )


def test_a_short_key_id_is_said_in_full() -> None:
    assert short("abc") == "abc"


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (timedelta(days=90), "90 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=61), "61 seconds"),
        (timedelta(0), "0 seconds"),
    ],
)
def test_a_time_is_said_exactly(time: timedelta, said: str) -> None:
    assert exactly(time) == said
