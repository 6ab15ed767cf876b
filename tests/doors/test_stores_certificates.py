"""A certificate in a dotenv file, whose key has a file of its own; and one that its users keep up."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import pytest
from azure.identity import EnvironmentCredential
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from dotenv_build import CLIENT, OTHER, OURS, TENANT, VALUE, a_place, a_store, an_entry, names_in
from pem_build import CERTIFIED, END, KEY, NEXT, a_certificate, a_pair, a_pem

from provision.errors import StoreError
from provision.places import PemFile
from provision.secret import PrivateKey
from provision.stores import assignments, open_store

PEM, LATER = ".env.AZURE_1a2b3c4d.pem", ".env.AZURE_5e6f7a8b.pem"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return a_place(tmp_path, monkeypatch)


def test_what_was_written_is_read_back(file: Path) -> None:
    a_store(file).probe(CERTIFIED)
    a_store(file).write(a_certificate())

    held = a_store(file).read()

    assert held is not None
    assert isinstance(held.secret, PrivateKey)
    assert held.secret.reveal() == a_pem()
    assert (held.tenant_id, held.client_id, held.key_id, held.expires) == (TENANT, CLIENT, KEY, END)


def test_the_lines_name_a_file_for_its_owner_only_by_its_full_path(file: Path) -> None:
    a_store(file).write(a_certificate())

    assert assignments.values(file.read_text(encoding="utf-8")) == {
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": CLIENT,
        "AZURE_CLIENT_CERTIFICATE_PATH": str(file.parent / PEM),
        "AZURE_CLIENT_CERTIFICATE_ID": KEY,
        "AZURE_CLIENT_CERTIFICATE_EXPIRES": "2031-01-01T00:00:00Z",
    }
    assert names_in(file.parent) == [".env", PEM]
    assert stat.S_IMODE((file.parent / PEM).stat().st_mode) == 0o600


def test_sign_in_libraries_take_what_the_lines_say(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_store(file).write(a_certificate())
    for name, value in assignments.values(file.read_text(encoding="utf-8")).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AZURE_CLIENT_SECRET", raising=False)

    with EnvironmentCredential() as credential:
        assert type(credential._credential).__name__ == "CertificateCredential"


@pytest.mark.parametrize("first", ["secret", "certificate"])
def test_a_credential_that_changes_its_kind_leaves_no_line_of_the_other(
    file: Path, first: str
) -> None:
    file.write_text("# mine\nA=1\n", encoding="utf-8")
    one, other = (an_entry(), a_certificate())
    entries = (one, other) if first == "secret" else (other, one)

    for entry in entries:
        a_store(file).write(entry)

    names = set(assignments.values(file.read_text(encoding="utf-8")))
    kinds = {"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"}
    held = a_store(file).read()
    assert len(names & kinds) == 1
    assert len(names) == 6
    assert held is not None
    assert held.key_id == entries[1].key_id


def test_an_old_certificate_stays_until_it_retires_and_the_one_in_use_longer(file: Path) -> None:
    """A consumer may just have read the old file's name."""
    a_store(file).write(a_certificate())
    a_store(file).write(a_certificate(key_id=NEXT))
    at_first = names_in(file.parent)

    a_store(file).retire(NEXT)
    a_store(file).retire(KEY)
    a_store(file).retire("unknown")

    assert at_first == [".env", PEM, LATER]
    assert names_in(file.parent) == [".env", LATER]
    assert a_store(file).read() is not None


def test_a_removed_certificate_leaves_no_file_of_any(file: Path) -> None:
    others = a_store(file, prefix="B_")
    others.write(a_certificate())
    a_store(file).write(a_certificate())
    a_store(file).write(a_certificate(key_id=NEXT))

    removed = a_store(file).remove(CLIENT)

    assert removed
    assert names_in(file.parent) == [".env", ".env.B_1a2b3c4d.pem"]
    assert a_store(file).read() is None
    assert others.read() is not None


def test_a_users_file_of_a_similar_name_is_not_removed(file: Path) -> None:
    theirs = file.with_name(".env.AZURE_prod.pem")
    theirs.touch()
    a_store(file).write(an_entry())

    a_store(file).remove(CLIENT)

    assert names_in(file.parent) == [theirs.name]


def test_another_applications_certificate_is_neither_written_over_nor_removed(file: Path) -> None:
    a_store(file).write(a_certificate(client_id=OTHER))

    with pytest.raises(StoreError, match=OTHER):
        a_store(file).write(a_certificate(key_id=NEXT))

    assert not a_store(file).remove(CLIENT)
    assert names_in(file.parent) == [".env", PEM]


def _fail(number: int) -> None:
    raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("which", [0, 1])
def test_a_failed_write_leaves_the_old_certificate_in_use_and_no_new_key(
    file: Path, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    a_store(file).write(a_certificate())
    before, replace, calls = file.read_bytes(), os.replace, iter(range(9))
    monkeypatch.setattr(
        os,
        "replace",
        lambda *paths: _fail(errno.ENOSPC) if next(calls) == which else replace(*paths),
    )

    with pytest.raises(StoreError, match="No space left"):
        a_store(file).write(a_certificate(key_id=NEXT))

    assert file.read_bytes() == before
    assert names_in(file.parent) == [".env", PEM]


def test_a_failed_second_write_of_the_certificate_in_use_leaves_its_key(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_store(file).write(a_certificate())
    replace, calls = os.replace, iter(range(9))
    monkeypatch.setattr(
        os, "replace", lambda *paths: _fail(errno.EIO) if next(calls) else replace(*paths)
    )

    with pytest.raises(StoreError):
        a_store(file).write(a_certificate())

    held = a_store(file).read()
    assert held is not None
    assert held.secret is not None


@pytest.mark.parametrize("which", [0, 1])
def test_a_killed_writer_leaves_what_was_in_use_and_its_key_goes_when_its_id_retires(
    file: Path, which: int
) -> None:
    """Killed in the middle, there is a key that no line names: its credential is an orphan, and taken back."""
    a_store(file).write(a_certificate())
    before = file.read_bytes()
    killed = f"""if True:
        import os, signal, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        from dotenv_build import a_store
        from pem_build import NEXT, a_certificate
        replace, calls = os.replace, iter(range(9))
        os.replace = lambda *paths: (
            os.kill(os.getpid(), signal.SIGKILL) if next(calls) == {which} else replace(*paths)
        )
        a_store(Path(sys.argv[1])).write(a_certificate(key_id=NEXT))
    """
    env = {**os.environ, "TMPDIR": tempfile.gettempdir(), "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", killed, str(file)], check=False, env=env)

    held = a_store(file).read()
    a_store(file).retire(NEXT)
    a_store(file).probe(CERTIFIED)

    assert ended.returncode == -signal.SIGKILL
    assert file.read_bytes() == before
    assert held is not None
    assert isinstance(held.secret, PrivateKey)
    assert names_in(file.parent) == [".env", PEM]


def test_a_users_key_stays_theirs_when_root_writes_it(file: Path) -> None:
    owner = 65534 if os.geteuid() == 0 else os.geteuid()
    file.touch()
    os.chown(file, owner, -1)

    a_store(file).write(a_certificate())

    assert (file.parent / PEM).stat().st_uid == owner


def test_a_name_that_is_too_long_for_the_keys_file_is_noticed_by_the_probe(file: Path) -> None:
    store = a_store(file.with_name("n" * 245))

    store.probe(OURS)
    with pytest.raises(StoreError, match="File name too long"):
        store.probe(CERTIFIED)


def test_a_line_that_names_a_file_elsewhere_makes_nobody_read_it(
    file: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "id_rsa"
    elsewhere.write_text("canary", encoding="utf-8")
    file.write_text(
        f"AZURE_CLIENT_ID={CLIENT}\nAZURE_CLIENT_CERTIFICATE_PATH={elsewhere}\n", encoding="utf-8"
    )

    held = a_store(file).read()

    assert held is not None
    assert (held.secret, held.client_id) == (None, CLIENT)


def test_a_line_that_names_a_file_which_is_gone_says_so_by_having_no_key(file: Path) -> None:
    a_store(file).write(a_certificate())
    (file.parent / PEM).unlink()

    held = a_store(file).read()

    assert held is not None
    assert (held.secret, held.key_id) == (None, KEY)


def test_the_keys_file_is_ignored_with_the_dotenv_file_or_earns_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / "project"
    folder.mkdir()
    subprocess.run(["git", "init"], cwd=folder, check=True, capture_output=True)
    (folder / ".gitignore").write_text(".env\n", encoding="utf-8")
    narrow = (a_store(folder / ".env").probe(OURS), a_store(folder / ".env").probe(CERTIFIED))

    (folder / ".gitignore").write_text(".env*\n", encoding="utf-8")
    wide = a_store(folder / ".env").probe(CERTIFIED)

    assert narrow[0] == ()
    assert [".env.AZURE_00000000.pem" in warning for warning in narrow[1]] == [True]
    assert wide == ()
    assert names_in(folder) == [".git", ".gitignore"]


# --- a PEM that its users keep up


def kept(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("private", [True, False])
def test_a_users_pem_tells_its_certificate_and_its_key_where_it_has_one(
    file: Path, private: bool
) -> None:
    store = open_store(PemFile(path=kept(file, a_pem() if private else a_pair()[1])))
    der = x509.load_pem_x509_certificate(a_pem().encode()).public_bytes(serialization.Encoding.DER)

    held = store.read()

    assert store.probe(CERTIFIED) == ()
    assert held is not None
    assert (held.tenant_id, held.client_id, held.expires) == (None, None, END)
    assert isinstance(held.secret, PrivateKey) is private
    assert held.certificate is not None
    assert held.certificate.der == der
    assert held.certificate.thumbprint == hashlib.sha1(der).hexdigest().upper()  # noqa: S324 - its name


def test_one_certificate_has_one_id_wherever_it_lies(file: Path) -> None:
    there = open_store(PemFile(path=kept(file, a_pem()))).read()
    here = open_store(PemFile(path=kept(file.with_name("other.pem"), a_pair()[1]))).read()

    assert there is not None
    assert here is not None
    assert there.key_id == here.key_id


def test_a_pem_that_is_not_there_is_nothing_and_no_probe_passes(file: Path) -> None:
    store = open_store(PemFile(path=file))

    assert store.read() is None
    with pytest.raises(StoreError, match="There is no certificate") as refused:
        store.probe(CERTIFIED)
    assert "Put the PEM file there" in refused.value.hint


@pytest.mark.parametrize("text", ["canary", VALUE, "-----BEGIN CERTIFICATE-----\ncanary\n"])
def test_a_pem_that_is_none_is_told_without_quoting_it(file: Path, text: str) -> None:
    store = open_store(PemFile(path=kept(file, text)))

    with pytest.raises(StoreError, match=r"\.env cannot be used") as refused:
        store.probe(CERTIFIED)

    assert refused.value.hint
    assert "canary" not in "".join(traceback.format_exception(refused.value))


def test_a_users_pem_is_never_touched(file: Path) -> None:
    store = open_store(PemFile(path=kept(file, a_pem())))

    with pytest.raises(StoreError, match="kept up by its users"):
        store.write(a_certificate())
    store.retire(KEY)

    assert not store.remove(CLIENT)
    assert file.read_text(encoding="utf-8") == a_pem()


def test_a_line_that_names_a_link_to_a_file_elsewhere_makes_nobody_read_that(file: Path) -> None:
    """A store may be a stranger's too: the key of another folder must not be used as theirs."""
    a_store(file).write(a_certificate())
    elsewhere = file.parent / "elsewhere"
    elsewhere.mkdir()
    (file.parent / PEM).rename(elsewhere / PEM)
    (file.parent / PEM).symlink_to(elsewhere / PEM)

    held = a_store(file).read()

    assert held is not None
    assert held.secret is None
