"""Why a sign-in failed, in words for its reader: nothing to sign in with, refused, or no answer.

AuthError(message, *, hint)       what happened + what to try next
├── CredentialUnavailable         .tried: each way of signing in, and why it was none
├── TokenRefused                  .aadsts .trace_id .correlation_id: the token service said no
└── SignInUnreachable             network, TLS, or a token service that is ill
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

_CODE = re.compile(r"AADSTS(\d+)")
# The service's sentence ends where its ids begin; until late 2023 they stood on lines of their own.
_SENTENCE = re.compile(
    r"AADSTS\d+:\s*(.*?)\s*(?:Trace ID:|\\r|\r|\\n|\n|\"\s*,|'\)?$|$)", re.DOTALL
)
_ID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_TRACE = re.compile(rf"Trace ID:\s*({_ID})")
_CORRELATION = re.compile(rf"Correlation ID:\s*({_ID})")
_TOKEN = re.compile(r"eyJ[\w-]{5,}(?:\.[\w-]*){1,2}")
_LONGEST_SENTENCE = 400

_VALUE = "Check the secret's value (not its id), and that it belongs to this client id and tenant."
_FEDERATED = (
    "Compare issuer, subject and audience of the application's federated credential with those "
    "of the presented token, letter by letter."
)
_SUBJECT = (
    f"{_FEDERATED} Tokens of GitHub repositories created, renamed or transferred since 2026-07-15 "
    "tell numbers too: repo:OWNER@ID/REPOSITORY@ID:..."
)
_TENANT = "Check the tenant's id or domain, and that the cloud is the right one (--cloud)."
_RESOURCE = "Check that the cloud is the right one (--cloud)."

_EXPLAINED: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        7000215: (
            "The client secret is wrong",
            f"{_VALUE} A secret that was made seconds ago needs a moment.",
        ),
        7000222: (
            "The client secret has expired",
            "Issue a new one, or sign in another way (--auth).",
        ),
        7000216: (
            "No secret, certificate or assertion was presented",
            "Set the client's secret or certificate, or sign in another way (--auth).",
        ),
        700016: (
            "The tenant does not know this application",
            "Check client id and tenant. An application that was made seconds ago needs a moment.",
        ),
        7000229: (
            "The application has no service principal in this tenant",
            "Create it (`az ad sp create --id CLIENT_ID`), or wait a moment if it was just made.",
        ),
        7000112: (
            "The application is disabled in this tenant",
            "Ask an administrator to enable its service principal.",
        ),
        90002: ("The tenant was not found", _TENANT),
        900023: ("The tenant is neither an id nor a domain", _TENANT),
        9001023: (
            "This sign-in needs a tenant of its own, not `common` or `consumers`",
            "Name the tenant by id or domain (--tenant).",
        ),
        500011: ("The tenant does not know the resource that the token is for", _RESOURCE),
        501051: (
            "The resource admits only applications with a role, and this one has none",
            "Ask an administrator to assign one of the resource's roles to the application.",
        ),
        700027: (
            "The certificate is not one of the application's, or it has expired",
            "Compare its thumbprint and dates with the application's certificates. "
            "A certificate that was added seconds ago needs a moment.",
        ),
        700024: (
            "The signed assertion is outside its time range",
            "Check this machine's clock; an assertion from CI must be used within minutes.",
        ),
        50027: (
            "The signed assertion is malformed",
            "Check the certificate, or the token that the runner issued.",
        ),
        700025: (
            "The application is a public client and takes no secret",
            "Leave the secret out, or make the application a confidential one.",
        ),
        700213: ("No federated credential matches the token's subject", _SUBJECT),
        7002138: (
            "No federated credential matches the token's subject in upper and lower case",
            "Write the subject letter by letter as the token tells it: copy it from the message above.",
        ),
        700211: ("No federated credential matches the token's issuer", _FEDERATED),
        700212: ("No federated credential matches the token's audience", _FEDERATED),
        700214: (
            "The federated credential names the audience in a form that is not accepted",
            "Use api://AzureADTokenExchange, not the GUID that stands for it.",
        ),
        70021: ("No federated credential matches the token", _FEDERATED),
        700236: (
            "A token of the tenant itself is exchanged for managed identities only",
            "Sign in with a token of a managed identity, or of an outside issuer.",
        ),
        7000272: (
            "The token's signature is by no key that its issuer publishes",
            "Check that the issuer's address serves its keys, and that the token is of that issuer.",
        ),
        70025: (
            "The application has no federated credential",
            "Add one for this issuer and subject, or sign in another way (--auth).",
        ),
        1002012: (
            "The scope must be a resource followed by /.default",
            "Check that --graph names the host of Microsoft Graph.",
        ),
        70011: ("The scope is not valid", _RESOURCE),
        65001: (
            "Nobody consented to this application for the signed-in person",
            "Ask an administrator to consent, or sign in another way (--auth).",
        ),
        70016: ("The sign-in was not finished in time", "Run it again and enter the code."),
        70019: ("The code has expired", "Run it again and enter the new code."),
        50076: ("The sign-in needs a second factor", "Sign in again: `az login`."),
        50173: ("The sign-in was revoked", "Sign in again: `az login`."),
        700082: ("The sign-in has expired", "Sign in again: `az login`."),
        53003: (
            "A conditional access policy forbids this sign-in",
            "Sign in from a place or device that the policy allows, or ask an administrator.",
        ),
        90033: ("The token service is temporarily unable to answer", "Try again in a minute."),
        90055: ("The tenant is throttled by too many token requests", "Try again in a minute."),
    }
)
_UNKNOWN = (
    "The token service refused to sign in",
    "Look the code up at https://login.microsoftonline.com/error, or try another --auth.",
)


class AuthError(Exception):
    """An expected failure: `str()` says what happened, `hint` what to do about it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class CredentialUnavailable(AuthError):
    """There is nothing to sign in with; `tried` lists each way and why it was none."""

    def __init__(self, message: str, *, hint: str, tried: Iterable[tuple[str, str]] = ()) -> None:
        self.tried = tuple(tried)
        listed = "".join(f"\n  {way}: {why}" for way, why in self.tried)
        super().__init__(message + listed, hint=hint)


class TokenRefused(AuthError):
    """The token service knows us or our tenant, and says no."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        aadsts: int | None = None,
        trace_id: str = "",
        correlation_id: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.aadsts = aadsts
        self.trace_id = trace_id
        self.correlation_id = correlation_id


class SignInUnreachable(AuthError):
    """No usable answer from the token service: network, TLS, or its own trouble."""


def explain(aadsts: int | None) -> tuple[str, str]:
    """What a code of the token service means, and what to do about it.

    https://learn.microsoft.com/entra/identity-platform/reference-error-codes
    """
    return _EXPLAINED.get(aadsts, _UNKNOWN) if aadsts is not None else _UNKNOWN


def refused(error: Exception, *, by: str = "the token service") -> AuthError:
    """Our failure for one of azure-identity's or of the network, without any secret in it.

    Only the token service's own sentence is kept: the rest of such a message may quote a request.
    """
    causes = tuple(_causes(error))
    for cause in causes:
        if code := _CODE.search(str(cause)):
            return _explained(int(code[1]), str(cause))
    if why := next(filter(None, map(_unavailable, causes)), ""):
        return CredentialUnavailable(
            f"{by} has no sign-in to offer: {why}",
            hint="Sign in there, or sign in another way (--auth).",
        )
    if trouble := _trouble(causes):
        return SignInUnreachable(
            f"No answer from {by}: {trouble}",
            hint="Check the network, the proxy, and the hosts of the cloud "
            "(--cloud, --login, --ca-bundle).",
        )
    return TokenRefused(
        f"No token from {by}: {type(causes[-1]).__name__}, and it does not say why",
        hint="Run again with --debug, or sign in another way (--auth).",
    )


def _explained(aadsts: int, said: str) -> TokenRefused:
    meaning, hint = explain(aadsts)
    trace = found[1] if (found := _TRACE.search(said)) else ""
    correlation = found[1] if (found := _CORRELATION.search(said)) else ""
    sentence = found[1] if (found := _SENTENCE.search(said)) else ""
    sentence = _TOKEN.sub("[a token]", " ".join(sentence.split()))[:_LONGEST_SENTENCE]
    ids = [f"trace id {trace}"] * bool(trace) + [f"correlation id {correlation}"] * bool(
        correlation
    )
    message = f"{meaning}. AADSTS{aadsts}" + (f": {sentence}" if sentence else "")
    return TokenRefused(
        message + (f" ({', '.join(ids)})" if ids else ""),
        hint=hint,
        aadsts=aadsts,
        trace_id=trace,
        correlation_id=correlation,
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _unavailable(error: BaseException) -> str:
    from azure.identity import CredentialUnavailableError

    # The library's own sentences; none of them quotes more than the name of a program or variable.
    return str(error).splitlines()[0] if isinstance(error, CredentialUnavailableError) else ""


def _trouble(causes: Iterable[BaseException]) -> str:
    import ssl

    from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

    said = [(cause, str(cause)) for cause in causes]
    for cause, _ in said:
        status = cause.status_code if isinstance(cause, HttpResponseError) else None
        if status is not None and (status >= 500 or status == 429):
            return f"it answered with status {status}"
    if any("CERTIFICATE_VERIFY_FAILED" in text for _, text in said):
        return "its certificate is not signed by an authority that this machine trusts"
    if any(isinstance(cause, ssl.SSLError) for cause, _ in said):
        return "the TLS connection failed"
    if any(isinstance(cause, TimeoutError) for cause, _ in said):
        return "it took too long"
    network = (ServiceRequestError, ServiceResponseError, OSError)
    return "the connection failed" if any(isinstance(cause, network) for cause, _ in said) else ""
