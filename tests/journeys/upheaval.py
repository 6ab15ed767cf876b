"""A tenant, a manifest, and whatever may happen to both: commands as data, and what must hold after each apply."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import adopted
import expected
import neighbours
import paper
import truth
from adopted import Adopted
from hypothesis import strategies as st
from journey import Outcome, run_here
from neighbours import DOINGS, Deed, Neighbours, settle
from readers import Reader, readers
from wishes import APPLICATIONS, EDITS, KEYS, OWNER, Adopt, Allow, Edit, Remove, Rename, Wishes

from provision.sandbox import identities
from provision.sandbox.faults import Fault
from provision.sandbox.lag import Lag
from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen

WRITES = "PATCH|POST|DELETE"
CONSENTING = ("AppRoleAssignment.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All")


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
    """One apply, with or without leave to delete, the proof, and trouble.

    `way`: of the manifest, of a saved plan, of consents alone, of the one application `key`, or by a developer who
    may not consent.
    """

    allow_destroy: bool
    verify: bool = False
    trouble: Trouble | None = None
    way: str = "manifest"
    key: str = ""


@dataclass(frozen=True)
class Rotate:
    """All secrets now, or those of one application."""

    overlap: bool = True
    key: str = ""
    trouble: Trouble | None = None


@dataclass(frozen=True)
class Destroy:
    """Everything of the manifest goes."""

    purge: bool
    trouble: Trouble | None = None


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
    st.sampled_from(("manifest", "manifest", "saved", "saved", "consent", "developer", "target")),
    st.sampled_from(KEYS),
)
ROTATIONS = st.builds(Rotate, st.booleans(), st.sampled_from(("", "", *KEYS)), st.none() | TROUBLES)
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
    APPLIES,
    APPLIES,
    APPLIES,
    APPLIES,
    ROTATIONS,
    st.builds(Destroy, st.booleans(), st.none() | TROUBLES),
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
        self.adopted = Adopted(self.server)
        self.at_rest = False

    def carry_out(self, command: Any) -> None:
        """One command."""
        self.at_rest = self.at_rest and isinstance(command, Apply | Rotate | Wait | Directory)
        match command:
            case Edit() | Remove() | Rename() | Allow() | Adopt():
                self.wishes.edit(command)
            case Deed():
                self.neighbours.do(command)
            case Apply():
                self._apply(command)
            case Rotate():
                self._rotate(command)
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
        wanted = self.wishes.adopted
        more = {} if wanted is None else {adopted.KEY: self.adopted.wish(wanted)}
        return self.wishes.write(
            self.folder, self.identity.principal_id, self.server.tenant().domain, more
        )

    def _apply(self, command: Apply) -> None:
        settle(self.server)
        before, self.at_rest = everything(self.server), False
        served = readers(self.server, self.folder)
        words = self._words(command)
        with self._in(command.trouble), self._as_one_who_may(command):
            done = self._run(command, *words)
        killed = command.trouble is not None and command.trouble.what == "killed"
        if killed and command.way == "saved" and done.exit_code != 0:
            settle(self.server)
            done = self._run(command, self.folder / "plan.json")
        elif command.way == "developer" and done.exit_code == 1 and not _kind(done):
            killed = True  # what waits for somebody who may consent is left
        if command.way == "consent":
            assert everything(self.server)[0] == before[0], done.said
        elif done.exit_code == 0 and command.way != "target":
            self._is_as_wished(done, command)
        elif done.exit_code != 0 and _kind(done) == "UnsafePlan":
            assert not command.allow_destroy, done.said
            assert self._strays(), done.said
            assert everything(self.server) == before
        elif done.exit_code != 0 and command.way != "target":
            assert killed, done.said
        self._others_are_undisturbed(done)
        self._nobody_is_locked_out(served, done)

    def _words(self, command: Apply) -> tuple[object, ...]:
        manifest = self._manifest()
        if command.way == "consent":
            return (manifest, "--only", "consent")
        if command.way == "target" and command.key in self.wishes.applications:
            return (manifest, "--target", command.key)
        if command.way == "saved":
            done = run_here("plan", manifest, "--out", "plan.json", "--json")
            assert done.exit_code == 0, done.said
            return (self.folder / "plan.json",)
        return (manifest,)

    @contextmanager
    def _in(self, trouble: Trouble | None) -> Iterator[None]:
        if trouble:
            self.server.faults.add(trouble.fault())
        yield
        self.server.faults.clear()

    @contextmanager
    def _as_one_who_may(self, command: Apply) -> Iterator[None]:
        """The sandbox's operator, without the rights to consent while a developer works."""
        names = {each["id"]: each["value"] for each in truth.graph(self.server)["appRoles"]}
        app = next(
            self.server.tenant().find_all(
                "servicePrincipals", "displayName", truth.OPERATOR, Seen.truth()
            )
        )
        taken = [
            each
            for each in neighbours.assignments(self.server, app)
            if command.way == "developer" and names[each["appRoleId"]] in CONSENTING
        ]
        tenant = self.server.tenant()
        with tenant.writing():
            for each in taken:
                tenant.remove("appRoleAssignments", each["id"], lag="none")
        yield
        with tenant.writing():
            for each in taken:
                tenant.put("appRoleAssignments", each, lag="none")

    def _nobody_is_locked_out(
        self, served: dict[str, Reader], done: Outcome, *, overlap: bool = True
    ) -> None:
        """Where the store held what signs in, it still does; and the old value works for its overlap."""
        settle(self.server)
        now = readers(self.server, self.folder)
        places = {
            prefix: (name, rules)
            for key in self.wishes.applications
            for name, (rules, prefix) in self.wishes.secrets(key).items()
        }
        awake = {
            each["appId"]
            for each in truth.applications(self.server)
            if not expected.asleep(self.server, each)
        }
        for prefix, reader in served.items():
            if prefix not in places or reader.identity.client_id not in awake:
                continue
            name, rules = places[prefix]
            assert prefix in now, f"{prefix} holds nothing that signs in\n{done.said}"
            if overlap and name == reader.credential and rules != "abrupt":
                assert reader.signs_in(self.server), f"{prefix}: the old value is gone\n{done.said}"

    def _others_are_undisturbed(self, done: Outcome) -> None:
        wrong = self.neighbours.disturbed() + self.adopted.wrong()
        assert wrong == [], f"{wrong}\n{done.said}"

    def _run(self, command: Apply, *words: object) -> Outcome:
        flags = ["--yes", "--json", *(["--replace-store"] if self._has_left_a_value() else [])]
        flags += ["--allow-destroy"] if command.allow_destroy else []
        flags += [] if command.verify else ["--skip-verify"]
        return run_here("apply", *(words or (self._manifest(),)), *flags)

    def _is_as_wished(self, done: Outcome, command: Apply) -> None:
        """Once the lag has passed the plan is empty, and the tenant is what the manifest says."""
        settle(self.server)
        if "RestoreApplication" in done.stdout or "have come back" in done.stdout:
            again = self._run(Apply(allow_destroy=command.allow_destroy))
            assert again.exit_code == 0, again.said
            settle(self.server)
        planned = run_here("plan", self._manifest(), "--json")
        assert planned.exit_code == 0, planned.said
        steps = json.loads(planned.stdout)["steps"]
        assert steps == [], f"{json.dumps(steps, indent=1)}\n{done.said}"
        wrong = expected.differences(self.server, self.wishes, self.folder)
        wrong += expected.of_identity(self.server, self.wishes, self.identity.principal_id)
        if self.wishes.adopted is not None:
            wrong += self.adopted.missing(self.wishes.adopted)
        assert wrong == [], f"{wrong}\n{done.said}"
        self.at_rest = True

    def _rotate(self, command: Rotate) -> None:
        """What is not as the manifest says may not be provable; at rest nothing stands in the way."""
        settle(self.server)
        served = readers(self.server, self.folder)
        words = [] if command.overlap else ["--no-overlap"]
        words += ["--target", command.key] if command.key in self.wishes.applications else []
        with self._in(command.trouble):
            done = run_here("rotate", self._manifest(), "--now", "--json", *words)
        killed = command.trouble is not None and command.trouble.what == "killed"
        assert done.exit_code == 0 or killed or not self.at_rest, done.said
        self.at_rest = self.at_rest and not killed
        self._others_are_undisturbed(done)
        self._nobody_is_locked_out(served, done, overlap=command.overlap)

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
        with self._in(command.trouble):
            done = run_here("destroy", self._manifest(), *words)
        if command.trouble and command.trouble.what == "killed":
            settle(self.server)
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
            if name.endswith("_CLIENT_ID") and not name.startswith(adopted.PREFIX)
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
    tenant.purge_expired()
    return truth.applications(server, deleted=None), {
        kind: [each["id"] for each in tenant.scan(kind, Seen.truth(), deleted=None)]
        for kind in kinds
    }


def _kind(done: Outcome) -> str:
    """Which failure a command ended with, if it is the command's own."""
    found: dict[str, Any] = json.loads(done.stdout or "{}")
    return str(found.get("kind", ""))
