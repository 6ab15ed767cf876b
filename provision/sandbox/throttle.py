"""Token buckets for requests, resource units and writes: https://learn.microsoft.com/graph/throttling"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from provision.sandbox import cost
from provision.sandbox.call import Call
from provision.sandbox.clock import Clock
from provision.sandbox.refusal import Refusal
from provision.sandbox.tenant import Seen

Counted = Literal["requests", "units", "writes", "registrations", "personal"]
_READS = frozenset({"GET", "HEAD"})
# Posts that ask and change nothing.
_ASKS = ("getbyids", "checkmember", "getmember", "ismemberof", "getobjectsbyid", "$batch")
_TOLD_FROM = 0.8
_DEEPEST = -0.8
_MEDIUM, _LARGE = 50, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So much in so many seconds; `scope` says whose bucket it is, as the headers name it."""

    scope: str
    counts: Counted
    amount: float
    seconds: float
    information: str = "ResourceUnitLimitExceeded"


# https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits
_BUSY, _WRITES = "CPULimitExceeded", "WriteLimitExceeded"
_PER_TENANT = (
    Limit(scope="Tenant/Write", counts="writes", amount=18_000, seconds=300, information=_WRITES),
)
_PER_APPLICATION = (
    Limit(
        scope="Application/ReadWrite", counts="requests", amount=2_000, seconds=1, information=_BUSY
    ),
    Limit(scope="Application/ReadWrite", counts="units", amount=150_000, seconds=20),
    Limit(
        scope="Application/Write", counts="writes", amount=70_000, seconds=300, information=_WRITES
    ),
)
_PER_PAIR = (
    Limit(
        scope="Tenant_Application/Write",
        counts="writes",
        amount=3_000,
        seconds=150,
        information=_WRITES,
    ),
    Limit(
        scope="Tenant_Application/Write",
        counts="registrations",
        amount=70_000,
        seconds=300,
        information=_WRITES,
    ),
    Limit(
        scope="Tenant_Application/Write",
        counts="personal",
        amount=60,
        seconds=60,
        information=_WRITES,
    ),
)
_UNITS_BY_SIZE = ((_LARGE, 8_000), (_MEDIUM, 5_000), (0, 3_500))


class _Bucket:
    """Fills at a steady pace; who takes from an empty one waits, and waits longer for asking."""

    def __init__(self, limit: Limit, amount: float, seconds: float, now: float) -> None:
        self.limit = limit
        self.amount = amount
        self._pace = amount / seconds
        self._level, self._at, self._until = amount, now, now

    def wait(self, wanted: float, now: float) -> float:
        """The seconds until so much can be taken; 0 when it can be now."""
        self._level = min(self.amount, self._level + (now - self._at) * self._pace)
        self._at = now
        if now >= self._until and self._level >= min(wanted, self.amount):
            return 0.0
        self._level = max(self._level - wanted, self.amount * _DEEPEST)
        missing = min(wanted, self.amount) - self._level
        self._until = now + missing / self._pace
        return self._until - now

    def take(self, wanted: float) -> None:
        """Take, or with a negative number give back."""
        self._level = min(self.amount, self._level - min(wanted, self.amount))

    @property
    def used(self) -> float:
        """The part that is gone; above 1 when it was asked for more than it had."""
        return 1 - self._level / self.amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one request took, to be given back when it was refused."""

    taken: tuple[tuple[_Bucket, float], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def refund(self) -> None:
        """A request that was not understood or not allowed counts nothing."""
        for bucket, amount in self.taken:
            bucket.take(-amount)


class Throttle:
    """The buckets of one sandbox; `factor` shrinks them all, 0 lifts them."""

    def __init__(self, clock: Clock, *, factor: float = 1.0, scale: float = 1.0) -> None:
        if factor < 0:
            raise ValueError("throttling is shrunk by a number that is not below 0")
        self.factor = factor
        self._clock, self._scale = clock, scale
        self._buckets: dict[tuple[str, str], tuple[_Bucket, ...]] = {}

    def charge(self, call: Call, units: int) -> Charge:
        """Take what the call costs from every bucket, or refuse it: 429 with Retry-After."""
        if not self.factor or not units:
            return Charge()
        now = self._clock.now().timestamp()
        spent = _spent(call, units)
        taking = [
            (bucket, spent[bucket.limit.counts])
            for bucket in self._all(call, now)
            if spent.get(bucket.limit.counts)
        ]
        waits = [(bucket.wait(amount, now), bucket) for bucket, amount in taking]
        longest, fullest = max(waits, key=lambda each: each[0])
        if longest > 0:
            raise self._refusal(call, fullest, longest)
        for bucket, amount in taking:
            bucket.take(amount)
        return Charge(taken=tuple(taking), headers=_warning(bucket for bucket, _ in taking))

    def clear(self) -> None:
        """Fill every bucket again."""
        self._buckets.clear()

    def _all(self, call: Call, now: float) -> tuple[_Bucket, ...]:
        app, tenant = call.caller.app_id, call.tenant.id
        return (
            *self._of((app, tenant), _PER_PAIR, call, now),
            *self._of((app, ""), _PER_APPLICATION, call, now),
            *self._of(("", tenant), _PER_TENANT, call, now),
        )

    def _of(
        self, whose: tuple[str, str], limits: tuple[Limit, ...], call: Call, now: float
    ) -> tuple[_Bucket, ...]:
        if whose not in self._buckets:
            if all(whose):
                limits = (_unit_limit(call), *limits)
            self._buckets[whose] = tuple(
                _Bucket(each, max(each.amount * self.factor, 1), each.seconds / self._scale, now)
                for each in limits
            )
        return self._buckets[whose]

    def _refusal(self, call: Call, bucket: _Bucket, wait: float) -> Refusal:
        # In the service's seconds: a client that knows of the scale divides them, others just wait.
        headers = {
            "Retry-After": str(max(1, math.ceil(wait * self._scale))),
            "x-ms-throttle-scope": f"{bucket.limit.scope}/{call.caller.app_id}/{call.tenant.id}",
            "x-ms-throttle-information": bucket.limit.information,
            "x-ms-throttle-limit-percentage": f"{min(max(bucket.used, 1.0), 1.8):.1f}",
        }
        return Refusal(429, "TooManyRequests", "Please retry again later.", headers=headers)


def _unit_limit(call: Call) -> Limit:
    """How much an application may do in a tenant depends on how many people the tenant has."""
    people = call.tenant.counts().get("users", 0)
    amount = next(units for least, units in _UNITS_BY_SIZE if people >= least)
    return Limit(scope="Tenant_Application/ReadWrite", counts="units", amount=amount, seconds=10)


def _spent(call: Call, units: int) -> dict[Counted, float]:
    spent: dict[Counted, float] = {"requests": 1, "units": units}
    if not is_write(call):
        return spent
    spent["writes"] = 1
    if cost.first_segment(call) == "applications":
        spent["personal" if _is_personal(call) else "registrations"] = 1
    return spent


def is_write(call: Call) -> bool:
    """Whether the service counts this as a write; some posts only ask."""
    if call.method in _READS:
        return False
    last = call.path.rstrip("/").rpartition("/")[2].lower()
    return not (call.method == "POST" and last.startswith(_ASKS))


def _is_personal(call: Call) -> bool:
    """Whether an application for personal accounts is made or changed."""
    if b"PersonalMicrosoftAccount" in call.body:
        return True
    key = call.params.get("application")
    if key is None or key.property.lower() == "uniquename":
        return False
    row = (
        call.tenant.get("applications", key.value.lower(), Seen.truth())
        if key.property == "id"
        else call.tenant.find("applications", "appId", key.value.lower(), Seen.truth())
    )
    return "Personal" in str((row or {}).get("signInAudience"))


def _warning(buckets: Iterable[_Bucket]) -> Mapping[str, str]:
    """https://learn.microsoft.com/graph/throttling: told only when most of a limit is used."""
    fullest = max((bucket.used for bucket in buckets), default=0.0)
    if fullest < _TOLD_FROM:
        return {}
    return {"x-ms-throttle-limit-percentage": f"{min(fullest, 1.8):.1f}"}
