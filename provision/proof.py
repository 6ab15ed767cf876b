"""Proof by fresh tokens: a secret counts when the token service takes it, again and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from auth.errors import AuthError, SignInUnreachable, TokenRefused
from provision.clock import backoff
from provision.errors import ProofError
from provision.secret import Secret
from provision.target import Target
from provision.wait import PATIENCE, pause

UNKNOWN_YET = frozenset({7000215, 700016, 7000229, 7000222, 700027})
"""AADSTS codes that mean, for a credential just made: this replica of the token service has not heard of it.

7000222 (expired) too: an application whose older secrets expired answers so until the new one arrives. 700027 is that of
a certificate, also one that a clock which is behind ours takes for not yet valid.
"""

UNTRUSTED_YET = frozenset({70021, 70025, 700211, 700212, 700213, 7002138, 700016, 7000229})
"""AADSTS codes that mean, for a trust that the directory has: this replica has not heard of it, or of its change.

https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations#errors
"""

DISABLED = 7000112
"""The AADSTS code of a disabled service principal; also for a while after it was enabled."""

TOKENS = 15
"""How many tokens in a row prove a rotation: three quick ones may all come from one replica."""

WHEN_LATE = 2
"""How many times as many, once one was refused: a replica is late then, and might by chance answer none of a few."""


LONG = 30.0
"""Seconds after which a refusal is not just the way from the directory to the token service."""


async def prove(
    target: Target,
    app: str,
    app_id: str,
    secret: Secret,
    *,
    tokens: int = 1,
    over: float = 0.0,
    within: float = PATIENCE,
    waking: bool = False,
    again: Callable[[], Awaitable[object]] | None = None,
) -> float:
    """Ask for `tokens` fresh tokens spread over `over` seconds, none refused; answers with the seconds it took.

    Where several are asked for, a refusal shows that replicas differ, and from then on it takes more of them.
    Raises ProofError when no unbroken run of them came `within` seconds (and `over`), or at once when
    the refusal is none that waiting cures; `waking` says that a disabled one is to be enabled by now. `again` is done
    once when it takes long: what was added may have been lost to another writer.
    """
    began, enough = target.clock.monotonic(), tokens
    while True:
        refused = await _unbroken(target, app, app_id, secret, tokens=enough, over=over)
        waited = target.clock.monotonic() - began
        if refused is None:
            return waited
        if not curable(refused, waking=waking) or waited > within + over:
            raise ProofError(
                f"The new credential of {app} could not be proven: {refused}", hint=refused.hint
            ) from refused
        if again and waited > LONG:
            await again()
            again = None
        target.progress.waiting(app, "the token service: new credential", waited, within + over)
        await pause(target, min(1.0 + waited / 10, 10.0))
        enough = tokens * WHEN_LATE if tokens > 1 else 1


async def _unbroken(
    target: Target, app: str, app_id: str, secret: Secret, *, tokens: int, over: float
) -> AuthError | None:
    """One run of tokens; the failure that broke it, or None."""
    began = target.clock.monotonic()
    for count in range(tokens):
        due = over * count / max(1, tokens - 1)
        ahead = due - (target.clock.monotonic() - began)
        if ahead > 0:
            target.progress.waiting(app, f"proof {count} of {tokens} tokens", due, over)
            await pause(target, ahead)
        try:
            await target.token_of(app_id, secret)
        except (TokenRefused, SignInUnreachable) as refused:
            return refused
    return None


def curable(refused: AuthError, *, waking: bool = False, yet: frozenset[int] = UNKNOWN_YET) -> bool:
    """Whether asking again may help: the service was not reached, or has not heard of the credential yet."""
    yet = yet | ({DISABLED} if waking else set())
    return isinstance(refused, SignInUnreachable) or (
        isinstance(refused, TokenRefused) and refused.aadsts in yet
    )


async def takes(
    target: Target,
    app: str,
    app_id: str,
    secret: Secret,
    *,
    patience: float,
    what: str,
    resource: str | None = None,
) -> str | AuthError:
    """A token, or the last failure once `patience` seconds of those that time may cure are over.

    It is for Microsoft Graph, or for the resource of that appId.
    """
    return await persistently(
        target,
        app,
        lambda: target.token_of(app_id, secret, resource),
        patience=patience,
        what=what,
        yet=UNKNOWN_YET,
    )


async def persistently(
    target: Target,
    app: str,
    ask: Callable[[], Awaitable[str]],
    *,
    patience: float,
    what: str,
    yet: frozenset[int],
) -> str | AuthError:
    """What `ask` answers, or its last failure once `patience` seconds are over; only those in `yet` may pass."""
    began = target.clock.monotonic()
    for seconds in backoff():
        try:
            return await ask()
        except AuthError as refused:
            waited = target.clock.monotonic() - began
            if not curable(refused, yet=yet) or waited + seconds > patience:
                return refused
            target.progress.waiting(app, what, waited, patience)
            await pause(target, seconds)
    raise AssertionError("backoff never ends")
