"""The dotenv store: values live there and nowhere else, and nothing of other people's is lost."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dotenv_build import (
    CLIENT,
    OTHER,
    OURS,
    TENANT,
    VALUE,
    a_place,
    a_store,
    an_entry,
    failing,
    names_in,
)

from provision.errors import StoreError
from provision.places import DotenvStore
from provision.stores import Belongs, where


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return a_place(tmp_path, monkeypatch)


def test_what_was_written_is_read_back(file: Path) -> None:
    a_store(file).write(an_entry())

    held = a_store(file).read()

    assert held is not None
    assert held.secret is not None
    assert held.secret.reveal() == VALUE
    assert (held.tenant_id, held.client_id, held.key_id) == (TENANT, CLIENT, "key-1")
    assert held.expires == datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_new_file_holds_five_plain_lines(file: Path) -> None:
    a_store(file).write(an_entry())

    assert file.read_bytes().decode() == (
        f"AZURE_TENANT_ID={TENANT}\nAZURE_CLIENT_ID={CLIENT}\nAZURE_CLIENT_SECRET={VALUE}\n"
        "AZURE_CLIENT_SECRET_ID=key-1\nAZURE_CLIENT_SECRET_EXPIRES=2030-01-02T03:04:05Z\n"
    )


def test_other_lines_comments_order_and_line_endings_stay(file: Path) -> None:
    before = (
        b"\xef\xbb\xbf# mine\r\nA='1'\r\n\r\nexport AZURE_CLIENT_SECRET=\"old\" # why\r\nB=\xff\n"
    )
    file.write_bytes(before)

    a_store(file, replace=True).write(an_entry())

    kept = [line for line in file.read_bytes().splitlines(keepends=True) if b"AZURE_" not in line]
    assert b"".join(kept) == b"\xef\xbb\xbf# mine\r\nA='1'\r\n\r\nB=\xff\n"
    assert f'export AZURE_CLIENT_SECRET="{VALUE}" # why\r\n'.encode() in file.read_bytes()


@pytest.mark.parametrize(
    "value", [VALUE, "~root/x8Q~abc", "a:~root", "a b", "$HOME", "a\\tb", "x#y"]
)
def test_a_shell_reads_the_value_back(file: Path, value: str) -> None:
    a_store(file).write(an_entry(value=value))

    script = 'set -a; . ./.env; printf %s "$AZURE_CLIENT_SECRET"'
    read = subprocess.run(["sh", "-c", script], cwd=file.parent, capture_output=True, check=True)

    assert read.stdout.decode() == value


@pytest.mark.parametrize("mode", [None, 0o644, 0o666])
def test_the_file_is_for_its_owner_only(file: Path, mode: int | None) -> None:
    if mode is not None:
        file.write_text("A=1\n", encoding="utf-8")
        file.chmod(mode)

    a_store(file).write(an_entry())

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_link_stays_a_link_and_its_target_gets_the_value(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "real.env"
    target.write_text("A=1\n", encoding="utf-8")
    target.chmod(0o644)
    file.symlink_to(target)

    a_store(file).write(an_entry())

    assert file.is_symlink()
    assert "A=1\nAZURE_TENANT_ID=" in target.read_text(encoding="utf-8")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_users_file_stays_theirs_when_root_writes_it(file: Path) -> None:
    owner = 65534 if os.geteuid() == 0 else os.geteuid()
    file.touch()
    os.chown(file, owner, -1)

    a_store(file).write(an_entry())

    assert file.stat().st_uid == owner


def test_a_platform_without_owners_and_folder_syncs_stores_all_the_same(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("chown", "geteuid", "O_DIRECTORY"):
        monkeypatch.delattr(os, name)

    a_store(file).write(an_entry())

    assert a_store(file).read() is not None


def test_missing_folders_are_made_for_their_owner_only(file: Path) -> None:
    a_store(file.parent / "new" / "deep" / ".env").probe(OURS)

    modes = [stat.S_IMODE((file.parent / name).stat().st_mode) for name in ("new", "new/deep")]
    assert modes == [0o700, 0o700]


def test_nothing_is_read_where_there_is_nothing(file: Path) -> None:
    assert a_store(file.parent / "missing" / ".env").read() is None


def test_keys_of_another_prefix_are_not_ours(file: Path) -> None:
    a_store(file, prefix="OTHER_").write(an_entry())

    assert a_store(file).read() is None


def test_a_half_filled_file_says_what_it_holds(file: Path) -> None:
    file.write_text("AZURE_CLIENT_ID=x\nAZURE_CLIENT_SECRET_EXPIRES=soon\n", encoding="utf-8")

    held = a_store(file).read()

    assert held is not None
    assert (held.client_id, held.secret, held.tenant_id, held.expires) == ("x", None, None, None)


def test_reading_starts_no_process_and_makes_no_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", failing(errno.EPERM))

    a_store(file.parent / "missing" / ".env").read()

    assert names_in(file.parent) == []


def test_a_place_is_named_from_the_current_folder_or_in_full(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = DotenvStore(path=file, prefix="AZURE_")

    monkeypatch.chdir(tmp_path)
    near = where(place)
    monkeypatch.chdir(tmp_path / "temporary")
    far = where(place)

    assert near == f"{Path('project', '.env')} (AZURE_*)"
    assert far == f"{file} (AZURE_*)"


# --- whose value it is


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        (f"AZURE_CLIENT_ID={OTHER}\n", f"application {OTHER}"),
        (f"AZURE_TENANT_ID={OTHER}\nAZURE_CLIENT_ID={CLIENT}\n", f"of tenant {OTHER}"),
        (f"AZURE_TENANT_ID={OTHER}\n", f"tenant {OTHER}"),
        ("AZURE_CLIENT_SECRET=theirs\n", "an application that it does not name"),
    ],
)
@pytest.mark.parametrize("act", ["probe", "write"])
def test_somebody_elses_value_is_never_written_over(
    file: Path, text: str, whose: str, act: str
) -> None:
    file.write_text(text, encoding="utf-8")
    store = a_store(file)

    with pytest.raises(StoreError, match=whose) as refused:
        store.probe(OURS) if act == "probe" else store.write(an_entry())

    assert "--replace-store" in refused.value.hint
    assert file.read_text(encoding="utf-8") == text
    assert "theirs" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "AZURE_TENANT_ID=\nAZURE_CLIENT_ID=\nAZURE_CLIENT_SECRET=\n",
        f"AZURE_TENANT_ID={TENANT.upper()}\n",
        f"AZURE_CLIENT_ID={CLIENT}\n",
        f"AZURE_TENANT_ID={TENANT}\nAZURE_CLIENT_ID={CLIENT}\nAZURE_CLIENT_SECRET=old\n",
    ],
)
def test_our_own_and_prepared_places_are_taken(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")

    a_store(file).probe(OURS)
    a_store(file).write(an_entry())

    held = a_store(file).read()
    assert held is not None
    assert held.key_id == "key-1"


def test_an_application_that_does_not_exist_yet_takes_nobodys_value(file: Path) -> None:
    a_store(file).write(an_entry())

    with pytest.raises(StoreError, match=CLIENT):
        a_store(file).probe(Belongs(tenant_id=TENANT, client_id=None))


def test_somebody_elses_value_is_written_over_when_that_is_asked_for(file: Path) -> None:
    a_store(file).write(an_entry(client_id=OTHER))

    a_store(file, replace=True).probe(OURS)
    a_store(file, replace=True).write(an_entry())

    assert OTHER not in file.read_text(encoding="utf-8")


# --- taking it out


def test_a_removed_value_leaves_the_other_lines(file: Path) -> None:
    file.write_bytes(b"# mine\nA=1\n")
    a_store(file).write(an_entry())

    removed = a_store(file).remove(CLIENT)

    assert removed
    assert file.read_bytes() == b"# mine\nA=1\n"


def test_a_file_of_our_making_goes_with_its_value(file: Path) -> None:
    a_store(file).write(an_entry())

    a_store(file).remove(CLIENT)

    assert names_in(file.parent) == []


def test_a_link_is_not_removed_with_the_value(file: Path, tmp_path: Path) -> None:
    (tmp_path / "real.env").touch()
    file.symlink_to(tmp_path / "real.env")
    a_store(file).write(an_entry())

    a_store(file).remove(CLIENT)

    assert file.is_symlink()
    assert file.read_bytes() == b""


def test_another_applications_value_is_not_removed(file: Path) -> None:
    a_store(file).write(an_entry(client_id=OTHER))

    removed = a_store(file, replace=True).remove(CLIENT)

    assert not removed
    assert a_store(file).read() is not None


def test_there_is_nothing_to_remove_where_there_is_nothing(file: Path) -> None:
    assert not a_store(file.parent / "missing" / ".env").remove(CLIENT)
    assert names_in(file.parent) == []
