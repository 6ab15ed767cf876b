"""Tenants and manifests of every kind, thrown like dice: for properties that hold in all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar

from hypothesis import strategies as st

from provision.model import (
    GRAPH_APP_ID,
    AppRole,
    Desired,
    DesiredApplication,
    Held,
    Observed,
    ObservedApplication,
    PasswordCredential,
    ResourceAccess,
)
from provision.ownership import owner_tag
from provision.renewal import Rotation
from tests.build import (
    DAY,
    HOUR,
    MAIL,
    SITES,
    USERS,
    a_certificate,
    a_grant,
    a_password,
    a_record,
    a_secret,
    an_app,
    asked,
    desired,
    observed,
    registered,
)

KEYS = ("web", "api")
RETIRED = AppRole(resource=GRAPH_APP_ID, id="old", value="old")
UNREAD = AppRole(resource="sharepoint", id="x", value="x")
FOREIGN = (ResourceAccess(resource_app_id="sharepoint", id="r1", type="Scope"), *asked(UNREAD))
NAMES = ("ci", "job", "gone")
THEIRS = (
    "by hand",
    "provision:contoso:ci",
    "provision:fabrikam:ci:0",
    "provision:contoso.dev:ci:0",
    "provision:ci:0",
)

State: TypeAlias = tuple[Desired, Observed]
T = TypeVar("T")


class Dice:
    """Choices read from bytes: one draw of hypothesis makes a whole tenant, and still shrinks."""

    def __init__(self, thrown: bytes) -> None:
        self._thrown = iter(thrown)

    def one(self, *options: T) -> T:
        return options[next(self._thrown, 0) % len(options)]

    def some(self, *options: T) -> list[T]:
        return [option for option in options if self.one(False, True)]


def wanted_app(dice: Dice, key: str) -> DesiredApplication:
    names = dice.one(("ci", "job"), ("job", "ci"), ("ci",), ())
    return an_app(
        key,
        roles=dice.some(USERS, MAIL, SITES),
        **stored_credentials(dice, names),
        tags=dice.some("a", "b"),
        grant=dice.one(True, False),
        properties={"displayName": dice.one(key, "x")},
    )


def stored_credentials(dice: Dice, names: Iterable[str]) -> dict[str, Any]:
    """Each name a secret, or a certificate."""
    secrets, certificates = [], []
    for name in names:
        overlap = dice.one(DAY, timedelta())
        if dice.one(False, False, True):
            certificates.append(a_certificate(name, overlap=overlap))
        else:
            secrets.append(a_secret(name, overlap=overlap))
    return {"secrets": secrets, "certificates": certificates}


def passwords_of(dice: Dice, credential: str) -> list[PasswordCredential]:
    ages = dice.some(*(dice.one(0, 1, 23, 24, 25, 48, 61 * 24, 95 * 24) for _ in range(3)))
    return [
        a_password(
            f"{credential}-{index}",
            credential=credential,
            age=age * HOUR,
            left=(90 * 24 - age) * HOUR,
        )
        for index, age in enumerate(ages)
    ]


def records_of(dice: Dice, credential: str) -> list[str]:
    return [
        a_record(f"{credential}-{index}", credential=credential, age=dice.one(0, 1, 24, 30) * HOUR)
        for index in dice.some(0, 1, 9)
    ]


def store_of(dice: Dice, credential: str) -> Held:
    """One that cannot be read, is empty, or holds a value that is listed or not, ours or not."""
    index = dice.one(None, 0, 1, 2, 9)
    if dice.one(False, True, True):
        return Held(readable=False)
    if index is None:
        return Held(readable=True)
    return Held(
        readable=True,
        key_id=f"{credential}-{index}",
        app_id=dice.one("app-web", "app-api", None),
        works=dice.one(None, True, False),
    )


def found_app(dice: Dice, key: str) -> ObservedApplication:
    passwords = [password for name in NAMES for password in passwords_of(dice, name)]
    passwords += [a_password(name, name=name) for name in dice.some(*THEIRS)]
    return registered(
        key,
        requested={*asked(*dice.some(USERS, MAIL, SITES, RETIRED)), *dice.some(*FOREIGN)},
        granted=[
            *(a_grant(role) for role in dice.some(USERS, MAIL, RETIRED)),
            a_grant(UNREAD, resource_id="sharepoint-id"),
        ],
        passwords=passwords,
        tags=[
            *(tag for name in NAMES for tag in records_of(dice, name)),
            *dice.some("a", "theirs", "provision:stored:", "provision:stored:ci:x"),
        ],
        held={name: store_of(dice, name) for name in NAMES[:2]},
        principal=dice.one(True, True, True, False),
    )


def tenant(thrown: bytes, places: Sequence[str]) -> State:
    """What a manifest wants of a tenant, and what is there, both as the bytes say."""
    dice = Dice(thrown)
    keys = dice.one(KEYS, KEYS[::-1])
    found: dict[str, list[ObservedApplication]] = {place: [] for place in places}
    for key in KEYS:
        found[dice.one(*places)].append(found_app(dice, key))
    strays = [registered(key, tags=["theirs"]) for key in dice.some("old", "older")]
    claimed = registered("claimed", owner=None, tags=[owner_tag("fabrikam")])
    seen = observed(*found["there"], strays=[*strays, claimed], buried=found.get("buried", ()))
    return desired(*(wanted_app(dice, key) for key in keys)), seen


def states(*, buried: bool = True) -> st.SearchStrategy[State]:
    places = ("there", "there", "absent", *(["buried"] if buried else []))
    return st.binary(min_size=180, max_size=180).map(lambda thrown: tenant(thrown, places))


def rotations() -> st.SearchStrategy[Rotation]:
    pairs = st.frozensets(st.sampled_from([(key, name) for key in KEYS for name in NAMES]))
    return st.builds(Rotation, forced=pairs, chosen=st.just(frozenset()), overlap=st.booleans())
