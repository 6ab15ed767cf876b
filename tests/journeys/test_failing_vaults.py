"""Key Vaults that refuse, throttle or lose answers while a value is on its way: nothing is lost, nothing leaks."""

from __future__ import annotations

from pathlib import Path

import moment
import pytest
from journey import Outcome, Provision, StartSandbox
from keepers import APPLY, CANARY, ROTATE, Keeper, made, settle

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server
from provision.stores.keyvault import KeyVault

VAULT = "/vaults/kv-one/"
REFUSED = {
    "403": Fault(do="status", path=VAULT, method="PUT", status=403),
    "429": Fault(do="status", path=VAULT, method="PUT", status=429),
    "503": Fault(do="status", path=VAULT, method="PUT", status=503),
    "gone": Fault(do="drop_before", path=VAULT, method="PUT"),
}
"""What befalls a write that does not arrive; reading goes on."""

TAKEN = {
    "lost answer": (Fault(do="drop_after", path=VAULT, method="PUT"),),
    "503 though done": (Fault(do="status_after", path=VAULT, method="PUT", status=503),),
    "lost, then 403": (
        Fault(do="drop_after", path=VAULT, method="PUT", nth=1),
        Fault(do="status", path=VAULT, method="PUT", status=403, nth=2),
    ),
}
"""What befalls a write that takes effect."""

SILENT = Fault(do="refuse_all", path=VAULT, method="GET", nth=2)
"""Nothing can be read once it was looked whose value is there."""

SAYS = {
    "403": ("The operator may not set secrets of Key Vault kv-one", "Key Vault Secrets Officer"),
    "429": ("Key Vault kv-one could not write ci just now", "again in a minute"),
    "503": ("Key Vault kv-one could not write ci just now", "again in a minute"),
    "gone": ("Key Vault kv-one does not answer", "Check the vault's name"),
}
UNKNOWN = "It is not known whether the new value was stored"
ISSUED = {"secret": "the secret", "certificate": "the record"}
"""The write that brings a credential into being; a certificate is added as records are written."""

CERTIFICATE = ("certificate", "503")


@pytest.fixture
def caged(start_sandbox: StartSandbox, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A sandbox whose secrets bear a marker, and stores that ask a busy vault just once more."""
    monkeypatch.setitem(KeyVault.__init__.__kwdefaults__, "patience", 0.6)
    return start_sandbox(canary=CANARY)


def applied(provision: Provision, server: Server, folder: Path, noun: str = "secret") -> Keeper:
    """A credential that a vault keeps."""
    keeper = Keeper(server=server, folder=folder, store="keyVault", noun=noun)
    keeper.write()
    done = provision(*APPLY)
    assert done.exit_code == 0, done.said
    return keeper


def troubled(
    provision: Provision, keeper: Keeper, command: tuple[str, ...], *faults: Fault
) -> Outcome:
    """The command, with faults that begin when the credential is there and not yet stored; then all is well again."""
    server = keeper.server
    begun = moment.on_effect(server, ISSUED[keeper.noun], lambda: server.faults.add(*faults))
    outcome = provision(*command)
    assert begun.is_set()
    server.faults.clear()
    return outcome


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_vault_that_cannot_be_written_is_noticed_before_anything_is_issued(
    caged: Server, provision: Provision, workplace: Path, method: str, status: int
) -> None:
    """A first value is rehearsed by a version without one, a later one by a change that changes nothing."""
    keeper = Keeper(server=caged, folder=workplace, store="keyVault")
    keeper.write()
    command = APPLY
    if method == "PATCH":
        assert provision(*APPLY).exit_code == 0
        command = ROTATE
    asked = len(caged.requests)
    caged.faults.add(Fault(do="status", path=VAULT, method=method, status=status))

    failed = provision(*command)

    assert failed.exit_code == 1
    assert SAYS[str(status)][1] in failed.said
    assert not [each for each in list(caged.requests)[asked:] if "addPassword" in each.path]
    assert keeper.told(failed) == []
    caged.faults.clear()
    assert provision(*command).exit_code == 0
    assert keeper.signs_in()


@pytest.mark.parametrize(("noun", "fails"), [*(("secret", each) for each in REFUSED), CERTIFICATE])
def test_a_first_one_that_a_vault_does_not_take_is_taken_back(
    caged: Server, provision: Provision, workplace: Path, noun: str, fails: str
) -> None:
    keeper = Keeper(server=caged, folder=workplace, store="keyVault", noun=noun)
    keeper.write()

    failed = troubled(provision, keeper, APPLY, REFUSED[fails])

    assert failed.exit_code == 1
    assert [each in failed.said for each in SAYS[fails]] == [True, True]
    assert made(caged) == []
    assert keeper.kept() is None
    assert keeper.told(failed) == []
    assert provision(*APPLY).exit_code == 0
    assert keeper.signs_in()


@pytest.mark.parametrize(("noun", "fails"), [*(("secret", each) for each in REFUSED), CERTIFICATE])
def test_a_rotation_that_a_vault_does_not_take_is_taken_back_and_the_old_one_works(
    caged: Server, provision: Provision, workplace: Path, noun: str, fails: str
) -> None:
    keeper = applied(provision, caged, workplace, noun)
    before = (made(caged), keeper.kept())

    failed = troubled(provision, keeper, ROTATE, REFUSED[fails])

    assert failed.exit_code == 1
    assert [each in failed.said for each in SAYS[fails]] == [True, True]
    assert (made(caged), keeper.kept()) == before
    assert keeper.signs_in()
    assert keeper.told(failed) == []
    assert provision(*APPLY).exit_code == 0
    assert (made(caged), keeper.kept()) == before


@pytest.mark.parametrize("command", [APPLY, ROTATE], ids=["first", "rotation"])
@pytest.mark.parametrize("fails", TAKEN)
def test_a_value_that_a_vault_took_without_saying_so_is_found_there(
    caged: Server, provision: Provision, workplace: Path, command: tuple[str, ...], fails: str
) -> None:
    keeper = Keeper(server=caged, folder=workplace, store="keyVault")
    keeper.write()
    if command == ROTATE:
        assert provision(*APPLY).exit_code == 0

    done = troubled(provision, keeper, command, *TAKEN[fails])

    assert done.exit_code == 0, done.said
    kept = keeper.kept()
    assert kept is not None
    assert kept.key_id in made(caged)
    assert keeper.told(done) == []
    settle(provision, keeper)


@pytest.mark.parametrize(
    ("noun", "fails"),
    [
        ("secret", "lost answer"),
        ("secret", "503 though done"),
        ("secret", "503"),
        ("certificate", "lost answer"),
        ("certificate", "gone"),
    ],
)
def test_a_rotation_whose_outcome_nobody_knows_is_settled_when_the_vault_can_be_read_again(
    caged: Server, provision: Provision, workplace: Path, noun: str, fails: str
) -> None:
    keeper = applied(provision, caged, workplace, noun)
    (old,) = made(caged)
    faults = TAKEN[fails] if fails in TAKEN else (REFUSED[fails],)

    failed = troubled(provision, keeper, ROTATE, *faults, SILENT)

    assert failed.exit_code == 1
    assert UNKNOWN in failed.said
    kept = keeper.kept()
    assert kept is not None
    assert (kept.key_id == old) is (fails not in TAKEN)
    assert len(made(caged)) == 2
    assert keeper.signs_in()
    assert keeper.told(failed) == []
    settle(provision, keeper)
    last = keeper.kept()
    assert last is not None
    assert last.key_id == kept.key_id


@pytest.mark.parametrize("fails", ["lost answer", "503"])
def test_a_first_one_whose_outcome_nobody_knows_gives_way_to_one_that_works(
    caged: Server, provision: Provision, workplace: Path, fails: str
) -> None:
    keeper = Keeper(server=caged, folder=workplace, store="keyVault")
    keeper.write()
    faults = TAKEN[fails] if fails in TAKEN else (REFUSED[fails],)

    failed = troubled(provision, keeper, APPLY, *faults, SILENT)

    assert failed.exit_code == 1
    assert made(caged) == []
    assert keeper.told(failed) == []
    settle(provision, keeper)
