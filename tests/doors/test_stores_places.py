"""Where stores are: named for people, opened as what they are, rehearsed as files, and read by those who may."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from dotenv_build import CLIENT, an_entry
from hypothesis import given
from hypothesis import strategies as st

from provision import placing
from provision.errors import StoreError
from provision.places import (
    CommandStore,
    DotenvStore,
    JsonStore,
    KeyVaultStore,
    PemFile,
    StorePlace,
)
from provision.stores import open_store, where
from tests.written import HEAD, read

FOLDER, UNDER = Path("/manifests"), Path("/sandbox/stores/abc")
MANIFEST = read(f"{HEAD}applications: {{a: {{displayName: A}}}}\n")
DOTENV = DotenvStore(path=FOLDER / "x" / ".env", prefix="AZURE_")
JSON = JsonStore(path=FOLDER / "c.json", key="app")
VAULT = KeyVaultStore(vault="Kv-1", name="Ci")
COMMAND = CommandStore(write=("./tools/put it.sh", "{clientId}"), folder=FOLDER)
PEM = PemFile(path=FOLDER / "a.pem")


@pytest.mark.parametrize(
    ("place", "file"),
    [
        (DOTENV, "x/.env"),
        (JSON, "c.json"),
        (replace(DOTENV, path=Path("/home/me/.env")), "outside/home/me/.env"),
        (replace(DOTENV, path=FOLDER / "outside" / ".env"), "inside/outside/.env"),
        (replace(JSON, path=FOLDER / "KeyVault" / "kv-1" / "ci.json"), "inside/KeyVault/kv-1/ci.json"),
        (replace(JSON, path=FOLDER / "inside" / "x"), "inside/inside/x"),
        (VAULT, "keyvault/kv-1/ci.json"),
    ],
)  # fmt: skip
def test_a_place_is_rehearsed_as_a_file_of_its_own(place: StorePlace, file: str) -> None:
    found = placing.rehearse(place, UNDER, FOLDER)

    assert isinstance(found, DotenvStore | JsonStore)
    assert found.path == UNDER / file
    if not isinstance(place, KeyVaultStore):
        assert found == replace(place, path=found.path)


def test_a_command_is_rehearsed_as_a_file_with_a_name_that_people_know_again() -> None:
    one = placing.rehearse(COMMAND, UNDER, FOLDER)
    slower = placing.rehearse(replace(COMMAND, timeout=timedelta(minutes=1)), UNDER, FOLDER)
    other = placing.rehearse(replace(COMMAND, write=("put",)), UNDER, FOLDER)
    signs = placing.rehearse(replace(COMMAND, write=("...",)), UNDER, FOLDER)

    assert isinstance(one, JsonStore)
    assert isinstance(signs, JsonStore)
    assert one.path.parent == UNDER / "command"
    assert one.path.name.startswith("put-it.sh-")
    assert signs.path.name.startswith("command-")
    assert one == slower
    assert one != other


_NAMES = st.sampled_from(["outside", "inside", "keyvault", "command", "kv", "n.json", "manifests"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map(lambda parts: Path(*parts))
_PLACES: st.SearchStrategy[StorePlace] = st.one_of(
    st.builds(lambda path: JsonStore(path=FOLDER / path), _PATHS),
    st.builds(lambda path: JsonStore(path=Path("/") / path), _PATHS),
    st.builds(lambda vault, name: KeyVaultStore(vault=vault, name=name), _NAMES, _NAMES),
    st.builds(lambda argv: CommandStore(write=tuple(argv)), st.lists(_NAMES, min_size=1, max_size=2)),
)  # fmt: skip


@given(_PLACES, _PLACES)
def test_two_places_never_share_a_file(one: StorePlace, other: StorePlace) -> None:
    files = [placing.rehearse(each, UNDER, FOLDER) for each in (one, other)]

    assert (one == other) is (files[0] == files[1])


def test_a_users_pem_is_read_where_it_is() -> None:
    assert placing.rehearse(PEM, UNDER, FOLDER) == PEM


def test_without_a_rehearsal_everything_is_where_it_is() -> None:
    real = placing.places(None, MANIFEST)
    rehearsed = placing.places(UNDER.parent, MANIFEST)

    assert [real(place) for place in (DOTENV, VAULT)] == [DOTENV, VAULT]
    assert rehearsed(JSON) == replace(JSON, path=UNDER / "c.json")
    assert placing.places(UNDER, None)(DOTENV) == DOTENV


@pytest.mark.parametrize(
    ("place", "real", "rehearsed"),
    [
        (DOTENV, True, True),
        (JSON, True, True),
        (PEM, True, True),
        (replace(DOTENV, path=Path("/etc/x")), False, True),
        (replace(JSON, path=FOLDER.parent / "manifests2" / "x"), False, True),
        (replace(PEM, path=Path("/etc/x")), False, False),
        (VAULT, True, True),
        (COMMAND, False, True),
    ],
)
def test_who_only_looks_reads_no_file_elsewhere_and_runs_nothing(
    place: StorePlace, real: bool, rehearsed: bool
) -> None:
    """A manifest may be a stranger's."""
    assert placing.readable(None, MANIFEST, looking=True)(place) is real
    assert placing.readable(UNDER, MANIFEST, looking=True)(place) is rehearsed
    assert placing.readable(None, MANIFEST, looking=False)(place)
    assert placing.readable(None, None, looking=True)(place)


def test_a_link_does_not_lead_who_looks_out_of_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "project"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path)
    manifest = replace(MANIFEST, folder=inside)
    may_read = placing.readable(None, manifest, looking=True)

    assert not may_read(JsonStore(path=inside / "link" / "c.json"))
    assert not may_read(PemFile(path=inside / "link" / "a.pem"))
    assert may_read(JsonStore(path=inside / "c.json"))


def test_a_link_does_not_lead_who_looks_out_of_the_rehearsal(tmp_path: Path) -> None:
    """The folder of the sandbox may have come along with the manifest."""
    rehearsal = tmp_path / "project" / ".provision"
    rehearsal.mkdir(parents=True)
    (rehearsal / MANIFEST.owner).symlink_to(tmp_path)
    may_read = placing.readable(rehearsal, MANIFEST, looking=True)

    assert not may_read(DOTENV)
    assert not may_read(VAULT)
    assert not may_read(COMMAND)


def test_two_names_of_one_place_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link.env").symlink_to(tmp_path / ".env")
    one, other = (DotenvStore(path=tmp_path / name, prefix="A_") for name in (".env", "link.env"))

    placing.refuse_shared({"web/a": one, "web/b": replace(other, prefix="B_"), "web/c": VAULT})
    with pytest.raises(StoreError, match="of web/b is, by another name, the store of web/a too"):
        placing.refuse_shared({"web/a": one, "web/b": other})


def test_a_place_is_named_as_people_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    near = Path(os.path.realpath(tmp_path)) / "c.json"

    assert where(JsonStore(path=near)) == "c.json"
    assert where(JsonStore(path=near, key="app")) == "c.json (app)"
    assert where(PEM) == str(PEM.path)
    assert (PEM.address, replace(PEM, written="../a.pem").address) == ("a.pem", "../a.pem")
    assert where(VAULT) == "Key Vault Kv-1/Ci"
    assert where(COMMAND) == "command ./tools/put it.sh {clientId}"


def test_a_vault_is_opened_by_whoever_can(tmp_path: Path) -> None:
    stand_in = open_store(JsonStore(path=tmp_path / "c.json"))

    opened = open_store(
        VAULT, vault=lambda place: stand_in if place == VAULT else open_store(place)
    )

    assert opened is stand_in
    with pytest.raises(StoreError, match="cannot open Key Vault Kv-1/Ci"):
        open_store(VAULT)


def test_a_rehearsed_vault_keeps_the_value_in_its_file(tmp_path: Path) -> None:
    store = open_store(placing.rehearse(VAULT, tmp_path, FOLDER))
    store.write(an_entry())

    held = store.read()

    assert held is not None
    assert held.client_id == CLIENT
    assert (tmp_path / "keyvault" / "kv-1" / "ci.json").is_file()
