"""Failures on demand: which requests go wrong, and how, decided by counting and never by chance."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from provision.sandbox.refusal import Refusal

Deed = Literal[
    "status", "status_after", "lag404", "delay", "drop_before", "drop_after", "refuse_all"
]
_ANSWERS = ("status", "status_after", "lag404")

_USUAL_WORDS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        404: (
            "Directory_ObjectNotFound",
            "Unable to read the company information from the directory.",
        ),
        409: (
            "Directory_ConcurrencyViolation",
            "Error due to concurrent requests being made to the tenant."
            " Please wait briefly and retry.",
        ),
        429: ("TooManyRequests", "Please retry again later."),
        503: (
            "Service_ServiceUnavailable",
            "Service is temporarily unavailable. Please wait and retry again.",
        ),
        504: ("UnknownError", ""),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One rule: requests that match go wrong: each, the nth, or the nth of every so many."""

    do: Deed
    method: str = ""
    path: str = ""
    nth: int = 0
    every: int = 0
    run: str = ""
    status: int = 503
    code: str = ""
    message: str = ""
    retry_after: int | None = None
    seconds: float = 0.0


class Faults:
    """The rules in force, and how often each has matched and acted."""

    def __init__(self, *rules: Fault) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []
        self._matched: list[int] = []
        self.refused = 0
        self.add(*rules)

    def __len__(self) -> int:
        return len(self._rules)

    def add(self, *rules: Fault) -> None:
        """Put further rules in force; their counting starts now."""
        with self._lock:
            self._rules += rules
            self._matched += [0] * len(rules)

    def clear(self) -> None:
        """Lift every rule; `refused` keeps its count."""
        with self._lock:
            self._rules, self._matched = [], []

    def acting(
        self, method: str, path: str, *, run: str = "", part: bool = False
    ) -> tuple[Fault, ...]:
        """Count this request and say what befalls it; a batch's part has no connection to drop."""
        with self._lock:
            acting = [
                rule
                for index, rule in enumerate(self._rules)
                if (not part or rule.do in _ANSWERS)
                and _matches(rule, method, path, run)
                and self._is_due(index, rule)
            ]
            self.refused += any(rule.do == "refuse_all" for rule in acting)
        return tuple(acting)

    def _is_due(self, index: int, rule: Fault) -> bool:
        self._matched[index] += 1
        count = self._matched[index]
        if rule.do == "refuse_all":
            return count >= rule.nth
        if rule.every:
            return count % rule.every == rule.nth % rule.every
        return rule.nth in (0, count)


def refusal_of(fault: Fault, path: str) -> Refusal:
    """What a request hears that this rule answers."""
    if fault.do == "lag404":
        segments = re.split(r"[/?]", path)
        named = segments[3] if len(segments) > 3 else path
        return Refusal(
            404,
            "Request_ResourceNotFound",
            f"Resource '{named}' does not exist or one of its queried reference-property"
            " objects are not present.",
        )
    code, message = _USUAL_WORDS.get(fault.status, ("UnknownError", ""))
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return Refusal(fault.status, fault.code or code, fault.message or message, headers=headers)


def adverse(seed: int) -> tuple[Fault, ...]:
    """What the adverse profile adds to slow replicas: conflicts, lost answers, throttling."""
    graph = "^/(v1.0|beta)/"
    objects = graph + "(applications|servicePrincipals)"
    return (
        Fault(do="status", status=409, method="PATCH|POST", path=objects, every=13, nth=seed + 5),
        Fault(do="status_after", status=504, method="PATCH|POST", path=objects, every=17, nth=seed),
        Fault(do="status_after", status=404, method="POST", path="oauth2Permission", every=3),
        Fault(do="status", status=503, path=graph, every=19, nth=seed + 7, retry_after=1),
        Fault(do="status", status=429, path=graph, every=23, nth=seed + 11, retry_after=1),
    )


def _matches(rule: Fault, method: str, path: str, run: str) -> bool:
    if rule.run and rule.run != run:
        return False
    if rule.method and not re.fullmatch(rule.method, method, re.IGNORECASE):
        return False
    return re.search(rule.path, path, re.IGNORECASE) is not None
