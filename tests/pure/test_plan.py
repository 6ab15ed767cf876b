"""A plan counts what it makes, changes and destroys."""

from __future__ import annotations

import pytest

from provision.model import GRAPH_APP_ID, AppRole, PermissionScope, PreAuthorized
from provision.plan import (
    MAKES,
    AddSecret,
    AuthorizeClients,
    CreateApplication,
    CreateServicePrincipal,
    DeleteApplication,
    GrantAppRole,
    GrantScopes,
    Plan,
    RecordStored,
    RemoveSecret,
    RequestPermissions,
    RestoreApplication,
    RestoreServicePrincipal,
    RevokeAppRole,
    Step,
    UpdateApplication,
    WithdrawPermissions,
    references,
)
from tests.build import MAIL, OWNER

MADE, CHANGED, GONE = (1, 0, 0), (0, 1, 0), (0, 0, 1)
STEPS: list[tuple[Step, tuple[int, int, int]]] = [
    (CreateApplication(app="a", unique_name="o.a", properties={}, tags=(), requested=()), MADE),
    (RestoreApplication(app="a", application_id="1"), MADE),
    (CreateServicePrincipal(app="a"), MADE),
    (RestoreServicePrincipal(app="a", service_principal_id="1"), MADE),
    (GrantAppRole(app="a", role=MAIL), MADE),
    (AddSecret(app="a", credential="ci", reason="", rotation=True), MADE),
    (UpdateApplication(app="a", changes=()), CHANGED),
    (RequestPermissions(app="a", permissions=()), CHANGED),
    (WithdrawPermissions(app="a", permissions=()), CHANGED),
    (RecordStored(app="a", credential="ci", key_id="k"), CHANGED),
    (RevokeAppRole(app="a", role=MAIL, assignment_id="1"), GONE),
    (RemoveSecret(app="a", credential="ci", key_id="k", reason=""), GONE),
    (DeleteApplication(app="a", application_id="1", display_name="A"), GONE),
]


@pytest.mark.parametrize(("step", "counted"), STEPS, ids=[type(s).__name__ for s, _ in STEPS])
def test_each_step_counts_once(step: Step, counted: tuple[int, int, int]) -> None:
    assert Plan(owner=OWNER, steps=(step,)).count() == counted


def test_the_steps_of_a_plan_add_up() -> None:
    plan = Plan(owner=OWNER, steps=tuple(step for step, _ in STEPS for _ in range(2)))

    assert plan.count() == (12, 8, 6)


def test_an_empty_plan_counts_nothing() -> None:
    assert Plan(owner=OWNER, steps=()).count() == (0, 0, 0)


ROLE = AppRole(resource="api", id="r", value="Read")
SCOPE = PermissionScope(resource="spo", id="s", value="see")


@pytest.mark.parametrize(
    ("step", "needs"),
    [
        (
            CreateApplication(
                app="a", unique_name="o.a", properties={}, tags=(), requested=(MAIL, SCOPE)
            ),
            {GRAPH_APP_ID, "spo"},
        ),
        (RequestPermissions(app="a", permissions=(ROLE, SCOPE)), {"api", "spo"}),
        (WithdrawPermissions(app="a", permissions=(ROLE,)), {"api"}),
        (GrantAppRole(app="a", role=ROLE), {"api"}),
        (GrantScopes(app="a", scopes=(SCOPE,)), {"spo"}),
        (
            AuthorizeClients(
                app="a", pre_authorized=(PreAuthorized(client="web", scopes=()),), known=("job",)
            ),
            {"web", "job"},
        ),
        (AuthorizeClients(app="a", pre_authorized=None, known=None), set()),
        (CreateServicePrincipal(app="a"), set()),
    ],
)
def test_a_step_names_what_has_to_be_there_first(step: Step, needs: set[str]) -> None:
    assert references(step) == needs


def test_what_makes_others_wait_waits_for_nothing_of_the_manifest() -> None:
    """Else two applications that name each other would wait for each other."""
    assert not {RequestPermissions, GrantAppRole, GrantScopes, AuthorizeClients} & set(MAKES)
