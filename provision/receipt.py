"""What a run did, as data: steps done, what failed, what is left, and what the proof found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from provision.plan import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A step that was carried out; `detail` says what people want to know of it, never a secret.

    `request_ids` are those of its writes to Microsoft Graph, whose support asks for them.
    """

    step: Step
    detail: str = ""
    request_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A step that was not carried out, and why."""

    app: str
    step: Step | None
    error: Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What apply did; `left` are the steps not attempted."""

    done: tuple[Done, ...] = ()
    failed: tuple[Failed, ...] = ()
    left: tuple[Step, ...] = ()


class Result(StrEnum):
    """The outcome of a proof; only `proven` shows that the workload has what was declared."""

    PROVEN = "proven"
    PENDING = "pending consent"
    UNPROVABLE = "not provable here"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleProof:
    """One declared permission, and whether the token carries it."""

    resource: str
    value: str
    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallProof:
    """A request made with the workload's token, and the HTTP status it got; 0 when none came."""

    method: str
    path: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the proof of one credential found."""

    app: str
    credential: str
    result: Result
    says: str
    roles: tuple[RoleProof, ...] = ()
    calls: tuple[CallProof, ...] = ()
    extra: tuple[str, ...] = field(default=())
    hint: str = ""
    seconds: float = 0.0
