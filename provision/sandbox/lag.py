"""How late each replica learns of a write: drawn from a seed, so that a history can be repeated."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType

# Ranges in seconds. They bracket what people have measured; the service promises nothing.
_NONE = MappingProxyType(
    dict.fromkeys(
        ("directory", "list", "reference", "token_secret", "token_roles", "delete"), (0.0, 0.0)
    )
)
_TYPICAL = MappingProxyType(
    {
        "directory": (0.0, 8.0),
        "list": (0.0, 20.0),
        "reference": (2.0, 20.0),
        "token_secret": (4.0, 18.0),
        "token_roles": (5.0, 60.0),
        "delete": (0.0, 15.0),
    }
)
_SLOW = MappingProxyType(
    {
        "directory": (0.0, 60.0),
        "list": (0.0, 180.0),
        "reference": (10.0, 120.0),
        "token_secret": (10.0, 60.0),
        "token_roles": (30.0, 300.0),
        "delete": (0.0, 120.0),
    }
)
# How likely a write leaves its object busy, and for how many seconds at most.
_BUSY = MappingProxyType(
    {"strong": (0.0, 0.0), "typical": (0.1, 5.0), "slow": (0.1, 15.0), "adverse": (0.5, 15.0)}
)
PROFILES = MappingProxyType({"strong": _NONE, "typical": _TYPICAL, "slow": _SLOW, "adverse": _SLOW})
KINDS = tuple(_NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """A profile of delays; `scale` divides them, `seed` decides every single one."""

    profile: str = "strong"
    scale: float = 1.0
    seed: int = 0
    views: int = 3

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise ValueError(f"unknown lag profile {self.profile!r}; known: {', '.join(PROFILES)}")
        if self.scale <= 0 or self.views < 1:
            raise ValueError("the scale must be above 0 and there must be a view")

    @property
    def longest(self) -> float:
        """After so many seconds every view has seen a write, whatever its kind."""
        return max(high for _, high in PROFILES[self.profile].values()) / self.scale


def delay(lag: Lag, write: int, kind: str, view: int) -> float:
    """The seconds until one view shows one write to readers of one kind."""
    low, high = PROFILES[lag.profile][kind]
    if high == 0:
        return 0.0
    return (low + (high - low) * _chance(f"{lag.seed}/{write}/{kind}/{view}")) / lag.scale


def busy(lag: Lag, write: int) -> float:
    """The seconds for which one write makes others of the same object wait; mostly none."""
    likely, longest = _BUSY[lag.profile]
    if _chance(f"{lag.seed}/{write}/busy") >= likely:
        return 0.0
    return longest * _chance(f"{lag.seed}/{write}/how busy") / lag.scale


def view_for(lag: Lag, read: int) -> int:
    """The view that answers the n-th read."""
    return int(_chance(f"{lag.seed}/read/{read}") * lag.views)


def _chance(text: str) -> float:
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big") / 2**48
