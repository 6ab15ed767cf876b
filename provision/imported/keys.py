"""Keys and names for what never had one: made of display names, unique, and always the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from provision.model import Application

LONGEST_KEY, LONGEST_NAME = 40, 30
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def keys_of(applications: Iterable[Application]) -> dict[str, str]:
    """A key for each appId; namesakes are numbered in the order given."""
    keys: dict[str, str] = {}
    taken: set[str] = set()
    for each in applications:
        start = slug(each.display_name, LONGEST_KEY) or "app"
        if _GUID.fullmatch(start):
            start = f"app-{start}"[:LONGEST_KEY]
        chosen, number = start, 1
        while chosen in taken:
            number += 1
            chosen = f"{start[: LONGEST_KEY - len(str(number)) - 1]}-{number}"
        taken.add(chosen)
        keys[each.app_id] = chosen
    return keys


def name_for(keys: Iterable[str]) -> str:
    """A name for the manifest: the one application's, or a general one."""
    given = list(keys)
    name = given[0][:LONGEST_NAME].strip("-") if len(given) == 1 else "imported"
    return name if len(name) >= 3 else f"{name}-app"


def slug(text: str, longest: int) -> str:
    """The letters and digits of a text that every system can write, with hyphens between."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", plain.lower()).strip("-")[:longest].strip("-")
