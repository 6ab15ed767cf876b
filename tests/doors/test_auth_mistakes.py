"""Settings that do not sign in at the sandbox: each mistake has a sentence, a hint, and no secret in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import families
import pytest
from families import PASSWORD, SUBJECT, Known
from token_endpoint import Authority

from auth.errors import AuthError, CredentialUnavailable, TokenRefused
from provision.sandbox.server import Server

File = Callable[[str | bytes], str]
pytestmark = pytest.mark.usefixtures("programs")


def refusal(
    served: Server, environ: dict[str, str], choice: str | None = None
) -> tuple[str, str, int | None]:
    """The message, the hint and the code of a sign-in that fails."""
    with pytest.raises(AuthError) as failure:
        families.sign_in(served, environ, choice)
    code = failure.value.aadsts if isinstance(failure.value, TokenRefused) else None
    return str(failure.value), failure.value.hint, code


@pytest.mark.parametrize("prefix", ["AZURE_", "ARM_"])
def test_a_wrong_secret(served: Server, known: Known, prefix: str) -> None:
    environ = known.named(prefix) | {f"{prefix}CLIENT_SECRET": "canary~wrong"}

    message, hint, code = refusal(served, environ)

    assert code == 7000215
    assert message.startswith("The client secret is wrong")
    assert "not its id" in hint
    assert "canary" not in message + hint


def test_an_expired_secret(served: Server, known: Known) -> None:
    environ = known.named("AZURE_") | {"AZURE_CLIENT_SECRET": known.expired}

    message, hint, code = refusal(served, environ)

    assert code == 7000222
    assert message.startswith("The client secret has expired")
    assert "--auth" in hint
    assert known.expired not in message + hint


def test_a_client_that_the_tenant_does_not_know(served: Server, known: Known) -> None:
    environ = known.named("AZURE_") | {"AZURE_CLIENT_SECRET": "s"}
    environ["AZURE_CLIENT_ID"] = "99999999-9999-9999-9999-999999999999"

    message, hint, code = refusal(served, environ)

    assert code == 700016
    assert message.startswith("The tenant does not know this application")
    assert "client id and tenant" in hint


def test_a_tenant_that_is_not_there(served: Server, known: Known) -> None:
    environ = known.named("AZURE_") | {"AZURE_CLIENT_SECRET": known.secret}
    environ["AZURE_TENANT_ID"] = "nowhere.example"

    message, hint, _ = refusal(served, environ)

    assert "tenant" in message.lower()
    assert "tenant's id or domain" in hint
    assert known.secret not in message + hint


def test_a_certificate_that_is_not_the_applications(
    served: Server, known: Known, file: File
) -> None:
    environ = known.named("AZURE_") | {"AZURE_CLIENT_CERTIFICATE_PATH": file(known.stranger)}

    message, hint, code = refusal(served, environ)

    assert code == 700027
    assert message.startswith("The certificate is not one of the application's")
    assert "thumbprint" in hint


@pytest.mark.parametrize("form", ["sealed", "pfx"])
@pytest.mark.parametrize("password", [None, "canary", ""])
def test_a_certificate_under_another_password(
    served: Server, known: Known, file: File, form: str, password: str | None
) -> None:
    environ = known.named("ARM_") | {"ARM_CLIENT_CERTIFICATE_PATH": file(getattr(known, form))}
    if password is not None:
        environ["ARM_CLIENT_CERTIFICATE_PASSWORD"] = password

    message, hint, _ = refusal(served, environ)

    assert message == "The certificate that ARM_CLIENT_CERTIFICATE_PATH names cannot be used"
    assert "the password must fit" in hint


@pytest.mark.parametrize(
    "name",
    [
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "ARM_CLIENT_CERTIFICATE_PATH",
        "AZURE_FEDERATED_TOKEN_FILE",
        "ARM_OIDC_TOKEN_FILE_PATH",
        "ARM_CLIENT_SECRET_FILE_PATH",
    ],
)
def test_a_file_that_cannot_be_read(
    served: Server, known: Known, tmp_path: Path, name: str
) -> None:
    environ = known.named(name.partition("_")[0] + "_") | {name: str(tmp_path / "nowhere")}

    message, hint, _ = refusal(served, environ)

    assert name in message
    assert hint


@pytest.mark.parametrize(
    ("subject", "audience", "code", "what"),
    [
        (SUBJECT.upper(), "api://AzureADTokenExchange", 7002138, "subject"),
        (f"{SUBJECT}s", "api://AzureADTokenExchange", 700213, "subject"),
        (SUBJECT, "api://Elsewhere", 700212, "audience"),
    ],
)
def test_a_federated_token_of_somebody_else(
    served: Server, known: Known, subject: str, audience: str, code: int, what: str
) -> None:
    token = served.issue_token(subject, audience)

    message, hint, found = refusal(served, known.named("ARM_") | {"ARM_OIDC_TOKEN": token})

    assert found == code
    assert f"matches the token's {what}" in message
    assert "letter by letter" in hint
    assert token not in message + hint


def test_a_federated_token_of_another_issuer(served: Server, known: Known) -> None:
    token = served.issue_token(SUBJECT, issuer="https://elsewhere.example")

    message, _, code = refusal(served, known.named("ARM_") | {"ARM_OIDC_TOKEN": token})

    assert code == 700211
    assert "matches the token's issuer" in message


def test_a_federated_token_that_is_none(served: Server, known: Known, file: File) -> None:
    environ = known.named("AZURE_") | {"AZURE_FEDERATED_TOKEN_FILE": file("no token")}

    message, hint, code = refusal(served, environ)

    assert code
    assert message
    assert hint


@pytest.mark.parametrize("prefix", ["AZURE_", "ARM_"])
@pytest.mark.parametrize("missing", ["TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"])
def test_a_family_of_which_a_part_is_missing_names_that_part(
    served: Server, known: Known, prefix: str, missing: str
) -> None:
    whole = known.named(prefix) | {f"{prefix}CLIENT_SECRET": known.secret}
    environ = {name: value for name, value in whole.items() if name != prefix + missing}

    with pytest.raises(CredentialUnavailable) as failure:
        families.sign_in(served, environ)

    assert dict(failure.value.tried)["env"] == f"{prefix}{missing} not set"
    assert known.secret not in str(failure.value) + failure.value.hint


def test_a_certificate_without_its_client_names_what_is_missing(
    served: Server, known: Known, file: File
) -> None:
    environ = {"ARM_CLIENT_CERTIFICATE_PATH": file(known.pem), "ARM_TENANT_ID": known.tenant_id}

    message, _, _ = refusal(served, environ)

    assert "env: ARM_CLIENT_ID not set" in message


def test_a_job_whose_runner_refuses(served: Server, known: Known, ci_runner: Authority) -> None:
    ci_runner.answers.append((401, b"canary"))
    environ = known.named("AZURE_") | {
        "ACTIONS_ID_TOKEN_REQUEST_URL": ci_runner.url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "b",
    }

    message, hint, _ = refusal(served, environ)

    assert message == "GitHub Actions does not vouch for this job: status 401"
    assert "id-token: write" in hint


@pytest.mark.parametrize(
    ("complaint", "said"),
    [
        ("Please run az login to set up an account.", "az login"),
        ("AADSTS700082: The refresh token has expired.", "The sign-in has expired"),
        ("AADSTS50076: MFA", "The sign-in needs a second factor"),
    ],
)
def test_an_azure_cli_that_is_not_signed_in_any_more(
    served: Server, programs: Path, complaint: str, said: str
) -> None:
    families.program(programs / "az", f"echo '{complaint}' >&2; exit 1\n")

    message, hint, _ = refusal(served, {}, "cli")

    assert said in message
    assert "az login" in message + hint


def test_a_machine_without_an_identity(
    served: Server, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = families.machine(served, monkeypatch, "a machine whose header is wrong")
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")

    message, hint, _ = refusal(served, environ, "managed-identity")

    assert "managed identity" in message or "managed-identity" in message
    assert "--auth" in hint
    assert PASSWORD not in message
