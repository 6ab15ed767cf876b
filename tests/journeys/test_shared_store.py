"""One store that several machines write: what another run put there meanwhile is neither lost nor recorded wrongly."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import moment
import outsider
import paper
import pytest
import runners
import truth
from journey import Provision

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server
from provision.secret import Secret
from provision.stores import Entry
from provision.stores.dotenv import Dotenv

TOKEN, LOOK = r"/oauth2/v2.0/token$", r"/\$batch$"


@pytest.fixture
def others(sandbox: Server, provision: Provision, workplace: Path) -> Entry:
    """A secret that another run made for the application and has not stored yet; the manifest is `hello.yaml`."""
    bare = paper.write(workplace, paper.an_app(credentials=None))
    done = provision("apply", bare, "--yes", "--skip-verify")
    assert done.exit_code == 0, done.said
    paper.write(workplace)
    application = truth.application(sandbox)
    body = {"passwordCredential": {"displayName": "provision:hello:ci:0badcafe0"}}
    made = outsider.send(sandbox, "POST", f"applications/{application['id']}/addPassword", body)
    return Entry(
        tenant_id=sandbox.operator()["tenantId"],
        client_id=application["appId"],
        secret=Secret(made["secretText"]),
        key_id=made["keyId"],
        expires=datetime.now(UTC) + timedelta(days=90),
    )


def store(folder: Path) -> Dotenv:
    """The store of `hello.yaml`, as another machine sees it."""
    return Dotenv(folder / paper.STORE, prefix="AZURE_")


def on_nth(server: Server, path: str, nth: int, then: Callable[[], object]) -> None:
    """Call `then` when the nth request for such a path arrives, counted from now."""
    judge, count = server.faults.acting, 0

    def noticing(method: str, address: str, **about: object) -> object:
        nonlocal count
        if re.search(path, address):
            count += 1
            if count == nth:
                then()
        return judge(method, address, **about)  # type: ignore[arg-type]

    server.faults.acting = noticing  # type: ignore[method-assign, assignment]


def test_a_value_that_appears_in_the_store_while_apply_looks_is_used(
    others: Entry, sandbox: Server, provision: Provision, workplace: Path
) -> None:
    on_nth(sandbox, LOOK, 3, lambda: store(workplace).write(others))
    sandbox.requests.clear()

    done = provision("apply", "hello.yaml", "--yes")

    assert done.exit_code == 0, done.said
    assert not [entry for entry in sandbox.requests if entry.path.endswith("addPassword")]
    assert runners.recorded(sandbox, "hello.my-workload") == others.key_id


def test_a_secret_that_another_run_wrote_over_is_not_recorded_as_stored(
    others: Entry, sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """The record decides which secrets may go: it must name the one that the store gives to its readers."""
    overwrite = lambda: store(workplace).write(others)  # noqa: E731
    moment.on_effect(sandbox, "the secret", lambda: on_nth(sandbox, TOKEN, 1, overwrite))

    done = provision("apply", "hello.yaml", "--yes")
    beside = truth.key_ids(sandbox)
    sandbox.advance(runners.AFTER_OVERLAP)
    later = provision("apply", "hello.yaml", "--yes")

    assert (done.exit_code, later.exit_code) == (0, 0), done.said + later.said
    assert len(beside) == 2
    assert runners.recorded(sandbox, "hello.my-workload") == others.key_id
    assert truth.key_ids(sandbox) == [others.key_id]
    assert paper.stored(workplace)["AZURE_CLIENT_SECRET_ID"] == others.key_id


def test_a_secret_that_is_taken_back_takes_no_value_of_another_run_with_it(
    others: Entry, sandbox: Server, provision: Provision, workplace: Path
) -> None:
    def trouble() -> None:
        on_nth(sandbox, TOKEN, 1, lambda: store(workplace).write(others))
        sandbox.faults.add(Fault(do="status", status=400, path=TOKEN, nth=1))

    moment.on_effect(sandbox, "the secret", trouble)

    failed = provision("apply", "hello.yaml", "--yes")

    assert failed.exit_code == 1, failed.said
    assert truth.key_ids(sandbox) == [others.key_id]
    assert paper.stored(workplace)["AZURE_CLIENT_SECRET_ID"] == others.key_id
