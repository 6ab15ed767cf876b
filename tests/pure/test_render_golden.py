"""Every text that people read, at a usual and at a narrow width, as it was reviewed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from golden_files import comparing

from auth.errors import CredentialUnavailable, SignInUnreachable, TokenRefused
from provision import errors
from provision.model import (
    GRAPH_APP_ID,
    AppRole,
    Call,
    Desired,
    DesiredApplication,
    DesiredSecret,
    DotenvStore,
)
from provision.plan import (
    AddSecret,
    Change,
    CreateApplication,
    CreateServicePrincipal,
    DeleteApplication,
    GrantAppRole,
    Note,
    Plan,
    RecordStored,
    RemoveSecret,
    RequestPermissions,
    RestoreApplication,
    RestoreServicePrincipal,
    RevokeAppRole,
    UpdateApplication,
    WithdrawPermissions,
)
from provision.receipt import CallProof, Done, Failed, Finding, Receipt, Result, RoleProof
from provision.render import text
from provision.render.look import Look

Golden = Callable[[str, str], None]

USERS = AppRole(resource=GRAPH_APP_ID, id="df02", value="User.Read.All")
MAIL = AppRole(resource=GRAPH_APP_ID, id="b633", value="Mail.Send")
SITES = AppRole(resource=GRAPH_APP_ID, id="332a", value="Sites.Read.All")
KEY = "5f2c7c1e-9a4e-4b1c-8f53-2d9d6a1e0c11"
ID = "0b7e6f0a-51c2-4f5e-9b59-90c4a3a3d2f4"

EFFECTS = {
    USERS: "Read all users' full profiles",
    MAIL: "Send mail as any user",
    SITES: "Read items in all site collections",
}

DESIRED = Desired(
    owner="hello",
    applications=(
        DesiredApplication(
            key="my-workload",
            unique_name="hello.my-workload",
            properties={"displayName": "My Workload", "description": "Reads the directory"},
            tags=frozenset({"provision:owner:hello", "team-a"}),
            app_roles=frozenset({USERS, SITES}),
            grant=True,
            secrets=(
                DesiredSecret(
                    name="ci",
                    lifetime=timedelta(days=90),
                    renew_before=timedelta(days=30),
                    overlap=timedelta(hours=24),
                    store=DotenvStore(path=Path("project", ".env"), prefix="AZURE_"),
                ),
            ),
            calls=(Call(method="GET", path="/users?$top=1"),),
        ),
    ),
)

CREATE = CreateApplication(
    app="my-workload",
    unique_name="hello.my-workload",
    properties={"displayName": "My Workload", "description": "Reads the directory"},
    tags=("provision:owner:hello", "team-a"),
    requested=(USERS, SITES),
)
PRINCIPAL = CreateServicePrincipal(app="my-workload")
GRANT = GrantAppRole(app="my-workload", role=USERS)
ISSUE = AddSecret(app="my-workload", credential="ci", reason="first secret", rotation=False)

PLAN = Plan(
    owner="hello",
    steps=(
        CREATE,
        PRINCIPAL,
        GRANT,
        ISSUE,
        UpdateApplication(
            app="reporting",
            changes=(
                Change(property="displayName", before="Reports", after="Reporting"),
                Change(property="description", before=None, after="Monthly figures"),
                Change(property="tags", before=["a", "b"], after=["b", "provision:owner:hello"]),
            ),
        ),
        RequestPermissions(app="reporting", permissions=(MAIL, SITES)),
        GrantAppRole(app="reporting", role=MAIL),
        AddSecret(app="reporting", credential="nightly", reason="expires in 9 d", rotation=True),
        RecordStored(app="reporting", credential="ci", key_id=KEY),
        RevokeAppRole(app="reporting", role=USERS, assignment_id="a"),
        WithdrawPermissions(app="reporting", permissions=(USERS,)),
        RemoveSecret(
            app="reporting", credential="ci", key_id=KEY, reason="replaced 2 d ago, nothing uses it"
        ),
        RestoreApplication(app="back", application_id=ID),
        RestoreServicePrincipal(app="back", service_principal_id=ID),
        DeleteApplication(app="old", application_id=ID, display_name="Old Importer"),
    ),
    notes=(
        Note(
            app="reporting", says="Mail.Read is granted, but was not requested here: left as it is"
        ),
        Note(app="quiet", says="ci: held elsewhere since 2026-01-02"),
    ),
)

FORBIDDEN = errors.Forbidden(
    "Microsoft Graph refused to grant User.Read.All to my-workload",
    hint="Sign in as someone who holds AppRoleAssignment.ReadWrite.All, or ask an administrator to grant it.",
    status=403,
    code="Authorization_RequestDenied",
    request_id="3a1f2a86-8d3e-4c84-9a9b-6a8a0f1c7f10",
    detail="Insufficient privileges to complete the operation.",
)

RECEIPT = Receipt(
    done=(
        Done(step=CREATE, detail=f"appId {ID}"),
        Done(step=PRINCIPAL),
        Done(step=RecordStored(app="reporting", credential="ci", key_id=KEY)),
    ),
    failed=(Failed(app="my-workload", step=GRANT, error=FORBIDDEN),),
    left=(ISSUE,),
)

FINDINGS = (
    Finding(
        app="my-workload",
        credential="ci",
        result=Result.PROVEN,
        says="the token carries what was declared",
        roles=(RoleProof(resource="Microsoft Graph", value="User.Read.All", present=True),),
        calls=(CallProof(method="GET", path="/users?$top=1", status=200),),
        extra=("Mail.Read",),
        seconds=2.14,
    ),
    Finding(
        app="reporting",
        credential="nightly",
        result=Result.PENDING,
        says="the token lacks a permission that nobody consented to yet",
        roles=(
            RoleProof(resource="Microsoft Graph", value="Mail.Send", present=False),
            RoleProof(resource="Microsoft Graph", value="Sites.Read.All", present=True),
        ),
        calls=(
            CallProof(method="GET", path="/sites/root", status=403),
            CallProof(method="HEAD", path="/users", status=0),
        ),
        hint="An administrator consents with `provision apply --only consent`.",
    ),
    Finding(
        app="reporting",
        credential="laptop",
        result=Result.UNPROVABLE,
        says="its value is not on this machine; every declared permission is granted",
    ),
    Finding(
        app="old",
        credential="ci",
        result=Result.FAILED,
        says="The client secret is wrong",
        hint="Renew it: provision rotate --now --target old/ci",
    ),
)

FAILURES: tuple[Exception, ...] = (
    errors.ProvisionError("Something expected went wrong", hint="Do the next thing."),
    errors.UsageError(
        "No tenant is named", hint="Name one with --tenant, or try --tenant sandbox."
    ),
    errors.ManifestError(
        "manifests/hello.yaml",
        [
            errors.Problem(
                line=7,
                column=5,
                message='unknown key "permision"',
                hint='did you mean "permissions"?',
            ),
            errors.Problem(line=3, column=1, message="`name` is missing"),
        ],
    ),
    errors.PlanError("The tenant is not ready", hint="Wait."),
    errors.ForeignApplication("hello.my-workload", ID, owner="other-team"),
    errors.DeletedNamesake("hello.my-workload", ID),
    errors.UnsafePlan(["Old Importer", "Older Importer"]),
    errors.GraphError(
        "Microsoft Graph failed to list applications",
        status=500,
        code="InternalServerError",
        request_id="r-1",
    ),
    errors.NotFound(
        "Microsoft Graph does not find the application", status=404, code="Request_ResourceNotFound"
    ),
    FORBIDDEN,
    errors.Conflict("Somebody else writes the application", hint="Run it again.", status=409),
    errors.Throttled("Microsoft Graph asks for patience", status=429, code="TooManyRequests"),
    errors.Unreachable("Microsoft Graph does not answer", hint="Check the network."),
    errors.NotYetVisible(
        "The service principal is not visible yet", status=400, detail="NoBackingApplicationObject"
    ),
    errors.AnswerLost("Microsoft Graph did not say whether a secret was made"),
    errors.Interrupted(),
    errors.StoreError("cannot write .env: Read-only file system", hint="Name another file."),
    errors.ProofError("No token", hint="Run verify later."),
    CredentialUnavailable(
        "There is no way to sign in",
        hint="Run `az login`.",
        tried=[("env", "AZURE_CLIENT_ID is not set"), ("cli", "az is not installed")],
    ),
    TokenRefused(
        "The client secret is wrong",
        hint="Check it.",
        aadsts=7000215,
        trace_id="t-1",
        correlation_id="c-1",
    ),
    SignInUnreachable("login.microsoftonline.com does not answer", hint="Check the network."),
)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return comparing(request.config)


@pytest.mark.parametrize("width", [80, 40])
def test_a_plan_with_every_kind_of_step_reads_as_reviewed(golden: Golden, width: int) -> None:
    said = text.plan_text(PLAN, DESIRED, explain=EFFECTS.get, look=Look(width=width))

    golden(f"plan-{width}", said)


def test_an_empty_plan_reads_as_reviewed(golden: Golden) -> None:
    said = text.plan_text(Plan(owner="hello", steps=()), DESIRED, explain=EFFECTS.get, look=Look())

    golden("plan-empty", said)


@pytest.mark.parametrize("width", [80, 40])
def test_a_receipt_with_a_failure_reads_as_reviewed(golden: Golden, width: int) -> None:
    said = text.receipt_text(RECEIPT, Look(width=width))

    golden(f"receipt-{width}", said)


@pytest.mark.parametrize("width", [80, 40])
def test_all_four_results_of_a_proof_read_as_reviewed(golden: Golden, width: int) -> None:
    said = text.findings_text(FINDINGS, Look(width=width))

    golden(f"findings-{width}", said)


@pytest.mark.parametrize("width", [80, 40])
def test_every_failure_reads_as_reviewed(golden: Golden, width: int) -> None:
    said = "\n".join(text.failure_text(error, Look(width=width)) for error in FAILURES)

    golden(f"failures-{width}", said)


def test_no_failure_class_is_without_a_reviewed_text() -> None:
    known = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    failures = {kind for kind in known if issubclass(kind, Exception)}

    assert failures - {type(error) for error in FAILURES} == set()
