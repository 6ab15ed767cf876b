"""A failure for people: what happened, what to do about it, and what support will ask for."""

from __future__ import annotations

from collections.abc import Iterator

from auth.errors import AuthError, TokenRefused
from provision.errors import GraphError, ManifestError, ProvisionError
from provision.render.layout import Line, Words, compose, line, say
from provision.render.look import Look


def failure_text(error: Exception, look: Look) -> str:
    """The whole failure, as it ends a command."""
    if isinstance(error, ManifestError):
        return compose(_mistakes(error), look)
    return compose(failure_lines(error, say("Error: ", "bold red")), look)


def failure_lines(error: Exception, *first: Words, margin: str = "") -> Iterator[Line]:
    """The failure as lines, the message led by `first` and the rest by a margin as wide."""
    head, *rest = str(error).split("\n") if str(error) else [type(error).__name__]
    yield line(say(head), lead=first or [say(margin)])
    aside = say(margin)
    for each in rest:
        yield line(say(each), lead=[aside])
    hint = error.hint if isinstance(error, ProvisionError | AuthError) else ""
    if hint:
        yield line(say(hint), lead=[aside, say("Try: ", "bold")])
    for label, fact in facts_for_support(error):
        # An id is there to be copied: it stays in one piece.
        lead = [aside, say(f"{label}: ", "dim")]
        yield line(say(fact, "dim"), lead=lead, wrap=" " in fact)


def facts_for_support(error: Exception) -> Iterator[tuple[str, str]]:
    """What the service itself said, and the ids by which Microsoft finds the request."""
    if isinstance(error, GraphError):
        said = " ".join(part for part in (str(error.status or ""), error.code) if part)
        if said or error.detail:
            yield "Graph", ": ".join(part for part in (said, error.detail) if part)
        if error.request_id:
            yield "Request id", error.request_id
    if isinstance(error, TokenRefused):
        if error.aadsts:
            yield "Code", f"AADSTS{error.aadsts}"
        if error.trace_id:
            yield "Trace id", error.trace_id
        if error.correlation_id:
            yield "Correlation id", error.correlation_id


def _mistakes(error: ManifestError) -> Iterator[Line]:
    for each in error.lines():
        yield line(say(each), wrap=False)
    yield line(say(str(error)), lead=[say("Error: ", "bold red")])
