"""Places that cannot hold a value, and writes that fail: no secret is lost or left about."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dotenv_build import OURS, a_place, a_store, an_entry, failing, names_in

from provision.errors import StoreError
from provision.stores import replacing


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return a_place(tmp_path, monkeypatch)


# --- the probe


def test_a_probe_leaves_everything_as_it_was(file: Path) -> None:
    file.write_bytes(b"A=1\r\n")

    a_store(file).probe(OURS)

    assert file.read_bytes() == b"A=1\r\n"
    assert names_in(file.parent) == [".env"]


def test_a_probe_of_a_new_file_makes_none(file: Path) -> None:
    a_store(file).probe(OURS)

    assert names_in(file.parent) == []


def test_a_probe_writes_as_much_as_the_value_will_need(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is almost full must be noticed before there is a secret."""
    sizes: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda handle: sizes.append(os.fstat(handle).st_size))
    a_store(file).probe(OURS)
    monkeypatch.undo()

    a_store(file).write(an_entry(value="v" * 40))

    assert sizes[0] >= file.stat().st_size


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write anywhere: for what a folder forbids, be somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_forbids_writing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)  # nobody may not enter the folders of a test
    with tempfile.TemporaryDirectory() as name:
        open_to_all = Path(name)
        open_to_all.chmod(0o777)
        monkeypatch.setattr(tempfile, "tempdir", name)
        project = open_to_all / "project"
        project.mkdir(mode=0o555)

        with as_nobody(), pytest.raises(StoreError, match=r"project.*Permission denied"):
            a_store(project / ".env").probe(OURS)

        assert names_in(project) == []


def _a_folder(file: Path) -> Path:
    file.mkdir()
    return file


def _below_a_file(file: Path) -> Path:
    file.write_bytes(b"")
    return file / "deeper" / ".env"


def _a_pipe(file: Path) -> Path:
    os.mkfifo(file)
    return file


def _a_loop(file: Path) -> Path:
    file.symlink_to(file)
    return file


def _binary(file: Path) -> Path:
    file.write_bytes("A=1\n".encode("utf-16"))
    return file


def _huge(file: Path) -> Path:
    with file.open("wb") as opened:
        opened.truncate(1024 * 1024 + 1)
    return file


@pytest.mark.parametrize(
    "made",
    [
        _a_folder,
        _below_a_file,
        _a_pipe,
        _a_loop,
        _binary,
        _huge,
        lambda file: file.with_name("n" * 300),
        lambda file: file.with_name("nul\0"),
    ],
)
def test_a_place_that_cannot_hold_a_value_is_refused(
    file: Path, made: Callable[[Path], Path]
) -> None:
    place = made(file)

    with pytest.raises(StoreError) as refused:
        a_store(place).probe(OURS)

    assert refused.value.hint


def test_a_full_disk_is_noticed_by_the_probe(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", failing(errno.ENOSPC))

    with pytest.raises(StoreError, match="No space left") as refused:
        a_store(file).probe(OURS)

    assert "Free some space" in refused.value.hint
    assert names_in(file.parent) == []


# --- failures while writing


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_failed_write_leaves_the_old_file_and_no_secret(
    file: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    file.write_bytes(b"A=1\n")
    monkeypatch.setattr(os, call, failing(errno.EIO))

    with pytest.raises(StoreError):
        a_store(file).write(an_entry())

    assert file.read_bytes() == b"A=1\n"
    assert names_in(file.parent) == [".env"]


def test_an_interrupt_while_writing_leaves_no_secret(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)

    with pytest.raises(KeyboardInterrupt):
        a_store(file).write(an_entry())

    assert names_in(file.parent) == []


def test_a_killed_writer_leaves_nothing_beyond_the_next_probe(file: Path) -> None:
    """A temporary file that outlives its writer holds a secret that nobody would look for."""
    killed = """if True:
        import os, signal, sys
        from pathlib import Path
        from provision.stores import replacing
        os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        replacing.replace(Path(sys.argv[1]), b"K=value\\n")
    """
    env = {**os.environ, "TMPDIR": tempfile.gettempdir(), "TEMP": tempfile.gettempdir()}
    subprocess.run([sys.executable, "-c", killed, str(file)], check=False, env=env)
    left = names_in(file.parent)

    a_store(file).probe(OURS)

    assert [name.startswith(".env.provision-") for name in left] == [True]
    assert names_in(file.parent) == []


def test_what_another_machine_is_writing_beside_a_shared_file_is_left_until_it_is_old(
    file: Path,
) -> None:
    """Its lock is not ours: only time tells that its writer is dead."""
    theirs = file.with_name(replacing._prefix(file) + "0a1b2c-12345678.tmp")
    theirs.write_text("K=value\n", encoding="utf-8")

    a_store(file).probe(OURS)
    at_first = names_in(file.parent)
    os.utime(theirs, (0, 0))
    a_store(file).probe(OURS)

    assert at_first == [theirs.name]
    assert names_in(file.parent) == []


def test_a_value_that_cannot_be_written_stands_in_no_failure(file: Path) -> None:
    value = "-".join(["it's", "can", "ary"])  # a traceback quotes this file's lines

    with pytest.raises(StoreError) as refused:
        a_store(file).write(an_entry(value=value))

    assert value not in "".join(traceback.format_exception(refused.value))
    assert names_in(file.parent) == []


def test_applications_that_share_a_file_at_once_lose_nothing(file: Path) -> None:
    prefixes = [f"APP{number}_" for number in range(8)]
    writers = [
        threading.Thread(target=a_store(file, prefix=prefix).write, args=(an_entry(),))
        for prefix in prefixes
    ]

    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert all(a_store(file, prefix=prefix).read() for prefix in prefixes)


def test_a_file_that_another_process_keeps_locked_is_given_up(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replacing, "_PATIENCE", 0.1)
    failures: list[StoreError] = []

    def write() -> None:
        try:
            a_store(file).write(an_entry())
        except StoreError as failure:
            failures.append(failure)

    with replacing.locked(file):
        writer = threading.Thread(target=write)
        writer.start()
        writer.join()

    assert ["locked" in str(failure) for failure in failures] == [True]


def test_a_lock_folder_that_is_somebody_elses_link_is_refused(file: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "temporary" / f"provision-{os.geteuid()}").symlink_to(elsewhere)

    with pytest.raises(StoreError, match="is not a folder"):
        a_store(file).probe(OURS)


def test_a_lock_folder_of_somebody_elses_is_refused(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4242)

    with pytest.raises(StoreError, match="belongs to somebody else"):
        a_store(file).probe(OURS)
