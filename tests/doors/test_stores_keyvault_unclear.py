"""Vaults that may have taken a value although they did not say so: whoever wrote it must hear of the doubt."""

from __future__ import annotations

import pytest
from keyvault_build import OURS, PATH, a_store, an_entry

from provision.errors import StoreError, Unconfirmed
from provision.sandbox.faults import Fault
from provision.sandbox.server import Server


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(do="drop_before", method="PUT", path=PATH)],
        [Fault(do="drop_after", method="PUT", path=PATH)],
        [Fault(do="status", method="PUT", path=PATH, status=500)],
        [Fault(do="status_after", method="PUT", path=PATH, status=503)],
        [
            Fault(do="drop_after", method="PUT", path=PATH, nth=1),
            Fault(do="status", method="PUT", path=PATH, status=403),
        ],
    ],
    ids=["never came", "lost", "500", "503", "lost, then 403"],
)
def test_a_value_that_the_vault_may_have_is_said_to_be_so(
    server: Server, faults: list[Fault]
) -> None:
    server.faults.add(*faults)

    with pytest.raises(Unconfirmed) as unclear:
        a_store(server).write(an_entry("new", key_id="key-2"))

    assert unclear.value.hint


@pytest.mark.parametrize(
    "fault",
    [
        Fault(do="status", method="PUT", path=PATH, status=403),
        Fault(do="status", method="PUT", path=PATH, status=400),
        Fault(do="status", method="PUT", path=PATH, status=409),
        Fault(do="status", method="GET", path=PATH, status=503),
    ],
    ids=["403", "400", "409", "503 before"],
)
def test_a_value_that_the_vault_has_refused_is_not_in_doubt(server: Server, fault: Fault) -> None:
    """Its credential may be taken back at once."""
    server.faults.add(fault)

    with pytest.raises(StoreError) as refused:
        a_store(server).write(an_entry("new", key_id="key-2"))

    assert not isinstance(refused.value, Unconfirmed)


def test_a_probe_is_never_in_doubt(server: Server) -> None:
    """It has no value that could be lost."""
    server.faults.add(Fault(do="drop_after", path=PATH, method="PUT"))

    with pytest.raises(StoreError) as refused:
        a_store(server).probe(OURS)

    assert not isinstance(refused.value, Unconfirmed)
