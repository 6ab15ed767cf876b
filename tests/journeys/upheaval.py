"""A tenant, a manifest, and whatever may happen to both: commands as data, and what must hold after each apply."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import expected
import paper
import truth
from hypothesis import strategies as st
from journey import Outcome, run_here
from neighbours import DOINGS, Deed, Neighbours, settle
from wishes import APPLICATIONS, EDITS, OWNER, Allow, Edit, Remove, Rename, Wishes

from provision.sandbox import identities
from provision.sandbox.faults import Fault
from provision.sandbox.lag import Lag
from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen

WRITES = "PATCH|POST|DELETE"


@dataclass(frozen=True)
class Trouble:
    """What goes wrong during an apply, at the nth request (or write) of it."""

    what: str
    nth: int

    def fault(self) -> Fault:
        """As the sandbox knows it."""
        where: dict[str, Any] = {"method": WRITES, "path": "^/v1.0/", "nth": self.nth}
        if self.what == "killed":
            return Fault(do="refuse_all", path="/", nth=self.nth)
        if self.what == "busy":
            return Fault(do="status", status=503, retry_after=1, **where)
        return Fault(do="drop_after" if self.what == "answer lost" else "drop_before", **where)


@dataclass(frozen=True)
class Apply:
    """One apply, with or without leave to delete, the proof, and trouble."""

    allow_destroy: bool
    verify: bool = False
    trouble: Trouble | None = None


@dataclass(frozen=True)
class Rotate:
    """All secrets now."""


@dataclass(frozen=True)
class Destroy:
    """Everything of the manifest goes."""

    purge: bool


@dataclass(frozen=True)
class Wait:
    """Time passes."""

    hours: int


@dataclass(frozen=True)
class Directory:
    """From now on the directory lags in another way."""

    profile: str
    seed: int


TROUBLES = st.builds(
    Trouble,
    st.sampled_from(("answer lost", "request lost", "busy", "killed")),
    st.integers(1, 30),
)
APPLIES = st.builds(
    Apply,
    st.sampled_from((True, True, False)),
    st.sampled_from((False, False, False, True)),
    st.none() | TROUBLES,
)
EVENTS = st.one_of(
    EDITS,
    EDITS,
    DOINGS,
    DOINGS,
    st.builds(Wait, st.sampled_from((1, 25, 24 * 8, 24 * 31, 24 * 95))),
    st.builds(
        Directory, st.sampled_from(("strong", "typical", "typical", "slow")), st.integers(0, 9)
    ),
)
RUNS = st.one_of(
    APPLIES, APPLIES, APPLIES, APPLIES, st.just(Rotate()), st.builds(Destroy, st.booleans())
)
ROUNDS = st.tuples(st.lists(EVENTS, min_size=2, max_size=5), RUNS)
BEGINNING = st.tuples(st.lists(APPLICATIONS, min_size=2, max_size=4), APPLIES)


def _flat(rounds: Any) -> list[Any]:
    return [each for events, run in rounds for each in (*events, run)]


COMMANDS = st.tuples(BEGINNING, st.lists(ROUNDS, min_size=2, max_size=4)).map(
    lambda drawn: _flat([drawn[0], *drawn[1]])
)
"""A manifest to begin with and its first apply, then rounds of events that end in a run."""


@dataclass
class Upheaval:
    """Carries commands out, one after the other."""

    server: Server
    folder: Path
    wishes: Wishes = field(default_factory=Wishes)

    def __post_init__(self) -> None:
        self.neighbours = Neighbours(self.server)
        self.identity = identities.add(self.server.tenant(), "nightly-function")
        self.at_rest = False

    def carry_out(self, command: Any) -> None:
        """One command."""
        self.at_rest = self.at_rest and isinstance(command, Apply | Rotate | Wait | Directory)
        match command:
            case Edit() | Remove() | Rename() | Allow():
                self.wishes.edit(command)
            case Deed():
                self.neighbours.do(command)
            case Apply():
                self._apply(command)
            case Rotate():
                self._rotate()
            case Destroy():
                self._destroy(command)
            case Wait():
                self.server.advance(timedelta(hours=command.hours))
            case Directory():
                settle(self.server)
                self.server.store.lag = Lag(
                    profile=command.profile, scale=self.server.scale, seed=command.seed
                )

    def come_to_rest(self) -> None:
        """Whatever happened: one apply, and once the overlap has passed another, leave the tenant whole."""
        self._apply(Apply(allow_destroy=True))
        self.server.advance(timedelta(hours=25))
        self._apply(Apply(allow_destroy=True))
        assert expected.surplus(self.server, self.wishes) == []

    def _manifest(self) -> Path:
        return self.wishes.write(
            self.folder, self.identity.principal_id, self.server.tenant().domain
        )

    def _apply(self, command: Apply) -> None:
        before, self.at_rest = everything(self.server), False
        if command.trouble:
            self.server.faults.add(command.trouble.fault())
        done = self._run(command)
        self.server.faults.clear()
        killed = command.trouble is not None and command.trouble.what == "killed"
        if done.exit_code == 0:
            self._is_as_wished(done, command)
        elif _kind(done) == "UnsafePlan":
            assert not command.allow_destroy, done.said
            assert self._strays(), done.said
            assert everything(self.server) == before
        else:
            assert killed, done.said
        self._others_are_undisturbed(done)

    def _others_are_undisturbed(self, done: Outcome) -> None:
        wrong = self.neighbours.disturbed()
        assert wrong == [], f"{wrong}\n{done.said}"

    def _run(self, command: Apply) -> Outcome:
        flags = ["--yes", "--json", *(["--replace-store"] if self._has_left_a_value() else [])]
        flags += ["--allow-destroy"] if command.allow_destroy else []
        flags += [] if command.verify else ["--skip-verify"]
        return run_here("apply", self._manifest(), *flags)

    def _is_as_wished(self, done: Outcome, command: Apply) -> None:
        """Once the lag has passed the plan is empty, and the tenant is what the manifest says."""
        settle(self.server)
        if "RestoreApplication" in done.stdout:
            again = self._run(Apply(allow_destroy=command.allow_destroy))
            assert again.exit_code == 0, again.said
            settle(self.server)
        planned = run_here("plan", self._manifest(), "--json")
        assert planned.exit_code == 0, planned.said
        steps = json.loads(planned.stdout)["steps"]
        assert steps == [], f"{json.dumps(steps, indent=1)}\n{done.said}"
        wrong = expected.differences(self.server, self.wishes, self.folder)
        wrong += expected.of_identity(self.server, self.wishes, self.identity.principal_id)
        assert wrong == [], f"{wrong}\n{done.said}"
        self.at_rest = True

    def _rotate(self) -> None:
        """What is not as the manifest says may not be provable; at rest nothing stands in the way."""
        settle(self.server)
        done = run_here("rotate", self._manifest(), "--now", "--json")
        expected_whole = self.at_rest
        assert done.exit_code == 0 or not expected_whole, done.said
        self._others_are_undisturbed(done)

    def _destroy(self, command: Destroy) -> None:
        words = ["--yes", *(["--purge"] if command.purge else [])]
        kept = {
            f"{OWNER}.{key}" for key, app in self.wishes.applications.items() if app.get("preserve")
        }
        there = {
            each["uniqueName"]
            for each in expected.owned(self.server)
            if each["uniqueName"] in kept or "provision:preserve" in each["tags"]
        }
        done = run_here("destroy", self._manifest(), *words)
        assert done.exit_code == 0, done.said
        settle(self.server)
        left = {each["uniqueName"] for each in expected.owned(self.server)}
        assert left == there
        self._others_are_undisturbed(done)

    def _has_left_a_value(self) -> bool:
        """Whether a store still holds the value of an application that is gone for good."""
        place = self.folder / paper.STORE
        if not place.exists():
            return False
        ids = {each["appId"]: each["uniqueName"] for each in self._all_owned()}
        return any(
            ids.get(value) != f"{OWNER}.{name.split('_')[0].lower()}"
            for name, value in paper.stored(self.folder).items()
            if name.endswith("_CLIENT_ID")
        )

    def _all_owned(self) -> list[dict[str, Any]]:
        """Applications of ours that are there or may be restored."""
        self.server.tenant().purge_expired()
        return expected.owned(self.server, deleted=None)

    def _strays(self) -> list[str]:
        """Applications of ours, live or deleted, that stand in the manifest no longer."""
        keys = {f"{OWNER}.{key}" for key in self.wishes.applications}
        found = self._all_owned()
        return [each["uniqueName"] for each in found if each["uniqueName"] not in keys]


def everything(server: Server) -> Any:
    """All that a directory holds of applications and consents."""
    kinds = (
        "servicePrincipals",
        "appRoleAssignments",
        "oauth2PermissionGrants",
        "federatedIdentityCredentials",
    )
    tenant = server.tenant()
    return truth.applications(server, deleted=None), {
        kind: [each["id"] for each in tenant.scan(kind, Seen.truth(), deleted=None)]
        for kind in kinds
    }


def _kind(done: Outcome) -> str:
    """Which failure a command ended with, if it is the command's own."""
    found: dict[str, Any] = json.loads(done.stdout or "{}")
    return str(found.get("kind", ""))
