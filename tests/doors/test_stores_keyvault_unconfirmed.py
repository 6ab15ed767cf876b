"""A vault that did not say whether it has made a version: the credential may be in use from now on."""

from __future__ import annotations

import pytest
from keyvault_build import PATH, a_store, an_entry, looking

from provision.errors import StoreError, Unconfirmed
from provision.sandbox.faults import Fault
from provision.sandbox.server import Server

PUT = {"method": "PUT", "path": PATH}
LOST = {
    "no answer": [Fault(do="drop_after", **PUT)],
    "504": [Fault(do="status_after", status=504, **PUT)],
    "no answer, then refused": [
        Fault(do="drop_after", nth=1, **PUT),
        Fault(do="status", status=403, nth=2, **PUT),
    ],
}


def failure(server: Server, *faults: Fault) -> StoreError:
    """What is raised when a value is written to this vault."""
    server.faults.add(*faults)
    with pytest.raises(StoreError) as raised:
        a_store(server, patience=3).write(an_entry("new", key_id="key-2"))
    server.faults.clear()
    return raised.value


@pytest.mark.parametrize("faults", LOST.values(), ids=LOST)
def test_a_vault_that_does_not_answer_a_write_may_have_done_it(
    server: Server, faults: list[Fault]
) -> None:
    raised = failure(server, *faults)

    with looking(server) as seen:
        held = seen.get_secret("app-secret").properties
    assert isinstance(raised, Unconfirmed)
    assert (held.tags or {})["keyId"] == "key-2"


@pytest.mark.parametrize("status", [409, 429])
def test_a_vault_that_refuses_a_write_has_not_done_it(server: Server, status: int) -> None:
    assert not isinstance(failure(server, Fault(do="status", status=status, **PUT)), Unconfirmed)


def test_a_vault_that_cannot_be_read_before_a_write_has_not_done_it(server: Server) -> None:
    raised = failure(server, Fault(do="status", method="GET", status=503, path=PATH))

    assert not isinstance(raised, Unconfirmed)
