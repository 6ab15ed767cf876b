"""A value that never prints itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


class Secret:
    """A value that must reach its store and nothing else: it cannot be printed, compared or copied."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; only stores and the request for a token may ask."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret cannot be serialised")


class PrivateKey(Secret):
    """A secret that is a private key with its certificate, as PEM: what signs in is an assertion made with it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A new password credential, in the one moment in which its value is known."""

    key_id: str
    secret: Secret
    start: datetime
    end: datetime
