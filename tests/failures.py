"""One failure of every kind, in the words that the program uses."""

from __future__ import annotations

from auth.errors import AuthError, CredentialUnavailable, SignInUnreachable, TokenRefused
from auth.federation import NoAssertion
from provision import errors
from provision.graph.refusals import POLICIES
from provision.stores.vaulterrors import Refused
from tests.samples import FORBIDDEN, ID

REQUEST = "3a1f2a86-8d3e-4c84-9a9b-6a8a0f1c7f10"

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
    errors.PlanError(
        "You are signed in as the workload my-workload itself (AZURE_CLIENT_ID)",
        hint="Sign in as somebody who administers it; with the Azure CLI: --auth cli",
    ),
    errors.ForeignApplication("hello.my-workload", ID, owner="other-team"),
    errors.ForeignApplication("hello.my-workload", ID, owner=None),
    errors.ForeignApplication("hello.my-workload", ID, owner=None, lost="provision:owner:hello"),
    errors.ForeignCredential("my-workload", "github-main"),
    errors.AdoptedMissing("my-workload", ID),
    errors.NotMade("orders"),
    errors.NoSuchApplications([ID]),
    errors.OwnedAlready(ID, "other-team"),
    errors.DeletedNamesake("hello.my-workload", ID),
    errors.UnsafePlan(["Old Importer", "Older Importer"]),
    errors.OutdatedPlan(
        "This would take a step that the reviewed plan does not hold:",
        ["my-workload: grant Mail.Send of Microsoft Graph"],
    ),
    errors.GraphError(
        "Microsoft Graph failed to list the applications (HTTP 500)",
        hint="That is the service's failure: run the same command again.",
        status=500,
        code="InternalServerError",
        request_id=REQUEST,
    ),
    errors.NotFound(
        "Microsoft Graph could not grant User.Read.All to my-workload: it is not there",
        hint="Somebody may have deleted it meanwhile: run the same command again.",
        status=404,
        code="Request_ResourceNotFound",
        request_id=REQUEST,
        detail=f"Resource '{ID}' does not exist or one of its queried reference-property objects are not present.",
    ),
    FORBIDDEN,
    errors.Conflict(
        "Microsoft Graph refused to create the application hello.my-workload",
        hint="Somebody else holds the name, or writes at the same time.",
        status=409,
        code="Request_MultipleObjectsWithSameKeyValue",
        request_id=REQUEST,
    ),
    *(
        errors.GraphError(
            f"Microsoft Graph refused to add a secret to the application {ID}: {reason}",
            hint=way_out,
            status=400,
            code=code,
            request_id=REQUEST,
        )
        for code, (reason, way_out) in POLICIES.items()
    ),
    errors.Throttled(
        "Microsoft Graph is too busy to list the applications",
        hint="Wait a few minutes, or lower --parallelism.",
        status=429,
        code="TooManyRequests",
        request_id=REQUEST,
    ),
    errors.Unreachable(
        "Microsoft Graph could not be reached to list the applications: the connection failed",
        hint="Check the network, the proxy and the cloud's Graph address; "
        "behind a private certificate authority name it with --ca-bundle.",
        request_id=REQUEST,
    ),
    errors.NotYetVisible(
        "The directory is not ready to create the service principal of my-workload after 300 s",
        hint="Run the same command again: the directory has usually caught up by then.",
        status=400,
        code="NoBackingApplicationObject",
        request_id=REQUEST,
    ),
    errors.AnswerLost(
        "The answer to the request to issue secret ci of my-workload was lost: it may have taken effect",
        hint="Run the same command again: it looks first.",
        request_id=REQUEST,
    ),
    errors.Interrupted(),
    errors.StoreError("cannot write .env: Read-only file system", hint="Name another file."),
    errors.Unreadable(
        "the secret ci of the vault team-vault cannot be read: Forbidden",
        hint="Ask for the role Key Vault Secrets User, or leave it: what is stored is recorded in the tenant.",
    ),
    errors.Unconfirmed(
        "the command vault did not end within 30 s",
        hint="Both values work for now. Apply again before the overlap has passed.",
    ),
    Refused(
        "Key Vault team-vault/my-workload could not be written: Forbidden (ForbiddenByRbac)",
        hint="It takes the role Key Vault Secrets Officer on the vault, or an access policy with set.",
        status=403,
        inner="ForbiddenByRbac",
    ),
    errors.ProofError(
        "The token service does not take secret ci of my-workload after 300 s",
        hint="Run the same command again; the new secret was taken back.",
    ),
    AuthError("The sign-in failed", hint="Sign in another way (--auth)."),
    NoAssertion(
        "the token of this job is about another subject", hint="Run it in the job that is trusted."
    ),
    CredentialUnavailable(
        "There is no way to sign in",
        hint="Run `az login`.",
        tried=[("env", "AZURE_CLIENT_ID is not set"), ("cli", "az is not installed")],
    ),
    TokenRefused(
        "The client secret is wrong. AADSTS7000215: Invalid client secret provided.",
        hint="Check the secret's value (not its id), and that it belongs to this client id and tenant.",
        aadsts=7000215,
        trace_id="0b2a7c1e-6a1c-4c0e-9d0f-2d7c3e5a1100",
        correlation_id="7e4b5a10-91b5-4a51-8f4f-c1de0a6b9a01",
    ),
    SignInUnreachable("login.microsoftonline.com does not answer", hint="Check the network."),
)
