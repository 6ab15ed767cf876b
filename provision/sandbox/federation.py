"""Federated credentials: a token of an outside issuer in place of a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from provision.sandbox import identities, issuers
from provision.sandbox.jws import (
    Assertion,
    check_times,
    from_base64,
    invalid_client,
    malformed,
    verified,
)
from provision.sandbox.refusal import TokenRefusal
from provision.sandbox.resources import EXCHANGE, EXCHANGE_APP_ID
from provision.sandbox.tenant import Seen

if TYPE_CHECKING:
    from provision.sandbox.assertions import Checking

_ALGORITHMS = ("RS256",)
_READ = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
_THUMBPRINTS = (20, 32)
_CONDITION = re.compile(r"claims\['(\w+)'\]\s+(eq|matches)\s+'([^']*)'")


def check(assertion: Assertion, checking: Checking) -> None:
    """https://learn.microsoft.com/entra/workload-id/workload-identity-federation"""
    credentials = list(_credentials(checking, checking.tenant.seen("token_secret")))
    if not credentials and any(_credentials(checking, Seen.truth())):
        raise _unmatched_yet(assertion)
    if not credentials:
        raise TokenRefusal(
            400,
            "invalid_request",
            70025,
            f"The client '{checking.app_id}'({checking.name}) has no configured federated identity"
            " credentials.",
        )
    _check_match(assertion, credentials, checking)
    _check_signature(assertion, checking)
    check_times(assertion, checking.tenant)
    _check_own(assertion, checking)


def _credentials(checking: Checking, seen: Seen) -> Iterator[Mapping[str, Any]]:
    """The application's federated credentials, as far as this replica knows them."""
    if checking.application is not None:
        kind, id = "federatedIdentityCredentials", checking.application["id"]
        yield from checking.tenant.find_all(kind, "_application", id, seen)


def _check_match(
    assertion: Assertion, credentials: list[Mapping[str, Any]], checking: Checking
) -> None:
    """One credential must have the issuer, the subject and the audience, to the letter."""
    issuer, subject, audience = (assertion.claim(name) for name in ("iss", "sub", "aud"))
    if not (issuer and subject and audience):
        raise malformed()
    own = _is_own(issuer, checking)
    by_issuer = [c for c in credentials if _has_issuer(c, issuer, checking)]
    by_subject = [c for c in credentials if _has_subject(c, assertion)]
    by_audience = [c for c in credentials if _has_audience(c, audience, own=own)]
    if any(c in by_subject and c in by_audience for c in by_issuer):
        return
    if own and any(EXCHANGE_APP_ID in c["audiences"] for c in by_issuer if c in by_subject):
        raise invalid_client(
            700214,
            "No matching federated identity record found for presented assertion audience"
            f" '{audience}'. The federated identity credential must name the audience as"
            f" '{EXCHANGE}'. {_READ}",
        )
    if not by_issuer:
        raise _unmatched(700211, "issuer", issuer)
    if not by_subject and any(_but_for_case(c, subject) for c in by_issuer):
        raise _unmatched(
            7002138,
            "subject",
            subject,
            " The subject matches with case-insensitive comparison, but not with case-sensitive"
            " comparison.",
        )
    if not by_subject:
        raise _unmatched(700213, "subject", subject)
    if not by_audience:
        raise _unmatched(700212, "audience", audience)
    raise _unmatched_yet(assertion)


def _unmatched_yet(assertion: Assertion) -> TokenRefusal:
    """No part of it is wrong by itself: the record is missing, or a replica lacks it."""
    issuer, subject, audience = (assertion.claim(name) for name in ("iss", "sub", "aud"))
    return TokenRefusal(
        400,
        "invalid_request",
        70021,
        "No matching federated identity record found for presented assertion. Assertion Issuer:"
        f" '{issuer}'. Assertion Subject: '{subject}'. Assertion Audience: '{audience}'. {_READ}",
    )


def _but_for_case(credential: Mapping[str, Any], subject: str) -> bool:
    """https://github.com/Azure/login/issues/573"""
    return str(credential.get("subject") or "").lower() == subject.lower()


def _unmatched(aadsts: int, what: str, value: str, more: str = "") -> TokenRefusal:
    please = "Check" if what == "subject" else "Please check"
    return invalid_client(
        aadsts,
        f"No matching federated identity record found for presented assertion {what} '{value}'."
        f"{more} {please} your federated identity credential Subject, Audience and Issuer against the"
        f" presented assertion. {_READ}",
    )


def _has_issuer(credential: Mapping[str, Any], issuer: str, checking: Checking) -> bool:
    """A sandbox without a fixed port has another address in each run, but stays the same issuer."""
    written = str(credential.get("issuer"))
    if written == issuer:
        return True
    place = issuers.place_at_home(issuer, checking.names)
    return place is not None and place == issuers.place_at_home(written, checking.names)


def _has_audience(credential: Mapping[str, Any], audience: str, *, own: bool) -> bool:
    """The directory's own tokens call the exchange by its appId, credentials by its URI."""
    wanted = EXCHANGE if own and audience == EXCHANGE_APP_ID else audience
    return wanted in (credential.get("audiences") or ())


def _has_subject(credential: Mapping[str, Any], assertion: Assertion) -> bool:
    """https://learn.microsoft.com/entra/workload-id/workload-identities-flexible-federated-identity-credentials"""
    expression = (credential.get("claimsMatchingExpression") or {}).get("value")
    if not expression:
        return credential.get("subject") == assertion.claim("sub")
    conditions = re.split(r"\s+and\s+", str(expression).strip())
    return all(_holds(condition, assertion) for condition in conditions)


def _holds(condition: str, assertion: Assertion) -> bool:
    """`claims['sub'] eq 'x'`, or `matches` with * and ? for what may vary."""
    found = _CONDITION.fullmatch(condition)
    if found is None:
        return False
    claim, operator, value = found.groups()
    pattern = re.escape(value)
    if operator == "matches":
        pattern = pattern.replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(pattern, assertion.claim(claim)) is not None


def _check_signature(assertion: Assertion, checking: Checking) -> None:
    if assertion.header.get("alg") not in _ALGORITHMS:
        raise malformed()
    issuer = assertion.claim("iss")
    name = assertion.header.get("kid") or assertion.header.get("x5t")
    keys = issuers.keys_of(checking.store, checking.key, issuer, own=_is_own(issuer, checking))
    for kid, public in keys:
        if (name is None or name == kid) and verified(assertion, public, _ALGORITHMS):
            return
    raise invalid_client(
        7000272,
        f"The certificate with identifier {_shown(name)} used to sign the federated credential"
        f" could not be found in the metadata of identity provider {issuer}. Please validate that"
        " your Identity Provider's metadata exposes the key used to sign the incoming token.",
    )


def _is_own(issuer: str, checking: Checking) -> bool:
    return issuers.is_own(checking.tenant, issuer, checking.names)


def _check_own(assertion: Assertion, checking: Checking) -> None:
    """The directory's own tokens stand in for a secret only where a managed identity got them."""
    issuer, tenant = assertion.claim("iss"), checking.tenant
    if _is_own(issuer, checking) and not identities.is_managed(tenant, assertion.claim("sub")):
        raise invalid_client(
            700236,
            f"Entra ID tokens issued by issuer '{issuer}' may not be used for federated identity"
            " credential flows for applications or managed identities registered in this tenant.",
        )


def _shown(kid: Any) -> str:
    """A thumbprint in hexadecimal; another name as it is."""
    text = kid if isinstance(kid, str) else ""
    try:
        digest = from_base64(text)
    except ValueError:
        return text
    return digest.hex().upper() if len(digest) in _THUMBPRINTS else text
