"""A manifest with three credentials that is looked at, again and again, through the years."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asserting
import consumer
import outsider
import paper
import truth
from journey import Outcome, Provision

from provision.sandbox.server import Server
from provision.schemas import status_schema
from tests.fitting import misfits

DAY = timedelta(days=1)
TWO_YEARS = 2 * 365 * DAY
STORES = paper.STORE.parent
SKIPPED = tuple(days * DAY for days in (9, 12, 24, 40, 75, 190))
"""Times without an apply: within every renewBefore, longer than one, two and three of them, and than any lifetime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One credential of the manifest, as the manifest has it."""

    name: str
    lifetime: timedelta
    renew_before: timedelta
    overlap: timedelta
    certificate: bool = False

    @property
    def declared(self) -> dict[str, Any]:
        """Its part of the manifest; the first one leaves out what is the default."""
        times = {"renewBefore": _days(self.renew_before), "overlap": _days(self.overlap)}
        if self.certificate:
            made = {"lifetime": _days(self.lifetime)}
            store = {"json": "shared.json", "key": self.name}
            return {"certificate": {"generate": made, **times, "store": store}}
        if self == NIGHTLY:
            return paper.a_secret()
        store = {"json": f"{self.name}.json"}
        return {"secret": {"lifetime": _days(self.lifetime), **times, "store": store}}

    @property
    def lists(self) -> str:
        """Where Graph lists it."""
        return "keyCredentials" if self.certificate else "passwordCredentials"


def _days(time: timedelta) -> str:
    return f"{time.days}d"


NIGHTLY = Rules(name="nightly", lifetime=90 * DAY, renew_before=30 * DAY, overlap=DAY)
SHORT = Rules(name="short", lifetime=30 * DAY, renew_before=10 * DAY, overlap=2 * DAY)
SIGNING = Rules(
    name="signing",
    lifetime=180 * DAY,
    renew_before=60 * DAY,
    overlap=7 * DAY,
    certificate=True,
)
CREDENTIALS = (NIGHTLY, SHORT, SIGNING)


def steps_of(
    seed: int, usual: timedelta, *, skipped: tuple[timedelta, ...] = ()
) -> list[timedelta]:
    """Two years in steps of about the usual length, with the skipped times somewhere among them."""
    chance = random.Random(seed)  # noqa: S311
    steps, left = [*skipped], TWO_YEARS - sum(skipped, timedelta())
    while left > timedelta():
        step = usual * chance.uniform(0.6, 1.4)
        steps.append(step)
        left -= step
    chance.shuffle(steps)
    return steps


@dataclass(slots=True, kw_only=True)
class Years:
    """The manifest in its tenant; `last` is when it was last applied."""

    server: Server
    provision: Provision
    folder: Path
    last: datetime
    manifest: Path = field(init=False)

    def __post_init__(self) -> None:
        credentials = {each.name: each.declared for each in CREDENTIALS}
        self.manifest = paper.write(self.folder, paper.an_app(credentials=credentials))

    @property
    def now(self) -> datetime:
        """The tenant's time."""
        return self.server.tenant().clock.now()

    def held(self, rules: Rules) -> dict[str, str]:
        """What a credential's store holds, by the names that JSON stores use."""
        if rules == NIGHTLY:
            held = paper.stored(self.folder)
            return {
                "tenantId": held["AZURE_TENANT_ID"],
                "clientId": held["AZURE_CLIENT_ID"],
                "clientSecret": held["AZURE_CLIENT_SECRET"],
                "keyId": held["AZURE_CLIENT_SECRET_ID"],
            }
        name = "shared.json" if rules.certificate else f"{rules.name}.json"
        content = json.loads((self.folder / STORES / name).read_text(encoding="utf-8"))
        found: dict[str, str] = content[rules.name] if rules.certificate else content
        return found

    def signs_in(self, rules: Rules) -> bool:
        """Whether what the store holds is accepted, asked without code of ours."""
        held, trusted = self.held(rules), outsider.trust(self.server)
        if rules.certificate:
            answer = asserting.sign_in(self.server.url, trusted, held, now=self.now)
        else:
            named = {
                "AZURE_TENANT_ID": held["tenantId"],
                "AZURE_CLIENT_ID": held["clientId"],
                "AZURE_CLIENT_SECRET": held["clientSecret"],
                "AZURE_CLIENT_SECRET_ID": held["keyId"],
            }
            answer = consumer.sign_in(self.server.url, trusted, named)
        return answer == held["keyId"]

    def ends(self, rules: Rules) -> dict[str, datetime]:
        """The ends of all that the directory lists of a credential, by key id."""
        mark = f"provision:hello:{rules.name}:"
        return {
            each["keyId"]: datetime.fromisoformat(each["endDateTime"])
            for each in truth.application(self.server)[rules.lists]
            if each["displayName"].startswith(mark)
        }

    def recorded(self, rules: Rules) -> list[str]:
        """The key ids that the records on the application name."""
        mark = f"provision:stored:{rules.name}:"
        tags = truth.application(self.server)["tags"]
        return [tag.removeprefix(mark).split(":")[0] for tag in tags if tag.startswith(mark)]

    def run(self, *words: str) -> Outcome:
        """A command about the manifest."""
        verb, *options = words
        return self.provision(verb, self.manifest, *options)

    def apply(self) -> None:
        """As a pipeline does it; then everything is as it should be at rest."""
        began, before = self.now, {each.name: self.held(each)["keyId"] for each in CREDENTIALS}
        done = self.run("apply", "--yes", "--skip-verify")
        assert done.exit_code == 0, done.said
        self.last = began
        for rules in CREDENTIALS:
            self._assert_at_rest(rules, before[rules.name])

    def _assert_at_rest(self, rules: Rules, before: str) -> None:
        """What is stored works, is recorded and far from its end; one old one at most is beside it, as long as it works."""
        now, ends, held = self.now, self.ends(rules), self.held(rules)["keyId"]
        assert held == before or self.signs_in(rules), rules.name
        assert self.recorded(rules) == [held]
        assert ends[held] - now > rules.renew_before
        assert len(ends) <= 2, (rules.name, ends)
        assert min(ends.values()) > now, (rules.name, ends)

    def lapsed(self) -> set[str]:
        """Which ones have expired in use: only if nothing was applied for longer than renewBefore, and status says so."""
        now, gap = self.now, self.now - self.last
        told, lapsed = self.status(), set()
        for rules in CREDENTIALS:
            key_id = self.held(rules)["keyId"]
            end = self.ends(rules)[key_id]
            (row,) = (row for row in told if row["keyId"] == key_id)
            assert row["due"] == (end - now <= rules.renew_before), row
            assert self.signs_in(rules) == (end > now), row
            if end > now:
                assert row["state"] == ("due" if row["due"] else "active"), row
                continue
            assert gap > rules.renew_before, (rules.name, gap)
            days = rules.renew_before.days
            assert row["state"] == "expired"
            assert f"nothing renewed it in the {days} days of its renewBefore" in row["says"]
            lapsed.add(rules.name)
        return lapsed

    def status(self) -> list[dict[str, Any]]:
        """The rows that status tells, once it is known that its exit code says whether one is due."""
        said = self.run("status", "--json", "--detailed-exitcode")
        content = json.loads(said.stdout)
        assert misfits(content, status_schema()) == []
        (app,) = content["applications"]
        rows: list[dict[str, Any]] = app["credentials"]
        assert content["due"] == any(row["due"] for row in rows)
        assert said.exit_code == (2 if content["due"] else 0), said.said
        return rows

    def planned(self) -> list[dict[str, Any]]:
        """The steps that a plan of this moment has: all of them are about credentials."""
        steps: list[dict[str, Any]] = json.loads(self.run("plan", "--json").stdout)["steps"]
        assert all("credential" in step for step in steps), steps
        return steps
