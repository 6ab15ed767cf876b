"""Commands that keep a value: it reaches their standard input and nothing else, whatever they do."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dotenv_build import CLIENT, OTHER, OURS, TENANT, VALUE, an_entry
from pem_build import CERTIFIED, KEY, a_certificate, a_pem

from provision.errors import StoreError, Unreadable
from provision.places import CommandStore
from provision.secret import PrivateKey
from provision.stores import Belongs, Store, open_store

FIELDS = {
    "tenantId": TENANT,
    "clientId": CLIENT,
    "clientSecret": VALUE,
    "keyId": "key-1",
    "expires": "2030-01-02T03:04:05Z",
}
FORM = {"auth": {"id": "{clientId}", "list": ["{clientSecret}", 1, None]}, "n": "{keyId} of {tenantId} {{raw}}"}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    return project


Programs = Callable[..., str]


@pytest.fixture
def program(folder: Path) -> Programs:
    """Writes a program of a few lines of Python into the manifest's folder."""

    def written(name: str, *lines: str) -> str:
        file = folder / name
        body = "\n".join(["import json, os, signal, sys, time", *lines])
        file.write_text(f"#!{sys.executable} -IS\n{body}\n", encoding="utf-8")
        file.chmod(0o755)
        return f"./{name}"

    return written


def a_store(
    folder: Path,
    *write: str,
    read: tuple[str, ...] = (),
    remove: tuple[str, ...] = (),
    form: str | Mapping[str, Any] = "json",
    again: bool = False,
) -> Store:
    place = CommandStore(
        write=write or ("./put",),
        read=read,
        remove=remove,
        input=form,
        timeout=timedelta(seconds=20),
        folder=folder,
    )
    return open_store(place, replace=again)


KEEP = "open('kept', 'wb').write(sys.stdin.buffer.read())"
SHOW = "sys.stdout.write(open('kept').read() if os.path.exists('kept') else '')"


# --- what the programs get


@pytest.mark.parametrize(
    ("form", "given"),
    [
        ("value", VALUE),
        ("json", json.dumps(FIELDS) + "\n"),
        (
            "env",
            f"AZURE_TENANT_ID={TENANT}\nAZURE_CLIENT_ID={CLIENT}\nAZURE_CLIENT_SECRET={VALUE}\n"
            "AZURE_CLIENT_SECRET_ID=key-1\nAZURE_CLIENT_SECRET_EXPIRES=2030-01-02T03:04:05Z\n",
        ),
        (
            FORM,
            json.dumps(
                {
                    "auth": {"id": CLIENT, "list": [VALUE, 1, None]},
                    "n": f"key-1 of {TENANT} {{raw}}",
                }
            )
            + "\n",
        ),
    ],
)
def test_the_value_comes_on_standard_input_in_the_form_that_is_asked_for(
    folder: Path, program: Programs, form: Any, given: str
) -> None:
    a_store(folder, program("put", KEEP), form=form).write(an_entry())

    assert (folder / "kept").read_text(encoding="utf-8") == given


def test_a_certificate_comes_as_pem(folder: Path, program: Programs) -> None:
    put = program("put", KEEP)
    a_store(folder, put, form="value").write(a_certificate())
    bare = (folder / "kept").read_text(encoding="utf-8")
    a_store(folder, put, form={"pem": "{clientCertificate}"}).write(a_certificate())
    filled = json.loads((folder / "kept").read_text(encoding="utf-8"))

    assert bare == a_pem().rstrip("\n")
    assert filled == {"pem": a_pem()}


def test_arguments_are_filled_in_and_never_with_the_value(folder: Path, program: Programs) -> None:
    """Even if a rule of the manifest had let such a place through."""
    argv = "{clientId}", "t={tenantId}", "{keyId}@{expires}", "{{clientId}}", "{clientSecret}|{x}"

    a_store(folder, program("put", "open('seen', 'w').write(repr(sys.argv[1:]))"), *argv).write(
        an_entry()
    )

    assert (folder / "seen").read_text(encoding="utf-8") == repr(
        [CLIENT, f"t={TENANT}", "key-1@2030-01-02T03:04:05Z", "{clientId}", "|"]
    )


def test_no_list_of_processes_and_no_environment_shows_the_value(
    folder: Path, program: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program looks at itself and at whoever started it, as anybody could."""
    monkeypatch.setenv("OPERATORS_TOKEN", "needed")
    look = program(
        "put",
        "seen = []",
        "for pid in (os.getpid(), os.getppid()):",
        "    for name in ('cmdline', 'environ'):",
        "        seen.append(open(f'/proc/{pid}/{name}', errors='replace').read())",
        "open('seen', 'w').write('\\n'.join(seen))",
        "open('kept', 'w').write(json.load(sys.stdin)['clientSecret'])",
    )

    a_store(folder, look, "{clientId}", "{keyId}").write(an_entry())

    seen = (folder / "seen").read_text(encoding="utf-8")
    assert (folder / "kept").read_text(encoding="utf-8") == VALUE
    assert VALUE not in seen
    assert CLIENT in seen
    assert "OPERATORS_TOKEN=needed" in seen


def test_programs_run_in_the_manifests_folder_and_are_found_on_the_path(
    folder: Path, program: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("own", "open('where', 'w').write(os.getcwd())")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"project:{os.environ['PATH']}")  # relative to where we are

    a_store(folder, "own").write(an_entry())

    assert (folder / "where").read_text(encoding="utf-8") == str(folder)


# --- the probe


@pytest.mark.parametrize("argv", [("./missing",), ("no-such-program-here",), ("./plain",)])
@pytest.mark.parametrize("which", ["write", "read", "remove"])
def test_a_program_that_is_not_there_is_noticed_before_there_is_a_value(
    folder: Path, program: Programs, argv: tuple[str, ...], which: str
) -> None:
    (folder / "plain").write_text("no program", encoding="utf-8")
    put = program("put", KEEP)
    argvs = {"write": (put,), "read": (program("get", SHOW),), "remove": (put,), which: argv}

    with pytest.raises(StoreError, match="There is no program") as refused:
        a_store(folder, *argvs["write"], read=argvs["read"], remove=argvs["remove"]).probe(OURS)

    assert "Install it" in refused.value.hint


def test_a_probe_writes_nothing(folder: Path, program: Programs) -> None:
    store = a_store(folder, program("put", KEEP), read=(program("get", SHOW),))

    assert store.probe(OURS) == ()
    assert store.probe(CERTIFIED) == ()
    assert not (folder / "kept").exists()


def test_a_probe_does_not_pass_where_it_cannot_be_seen_whose_value_is_there(
    folder: Path, program: Programs
) -> None:
    argv = {"read": (program("get", "sys.exit('no access')"),)}

    with pytest.raises(StoreError, match="no access"):
        a_store(folder, program("put", KEEP), **argv).probe(OURS)

    assert a_store(folder, "./put", **argv, again=True).probe(OURS) == ()


def test_a_form_that_cannot_hold_a_certificate_is_noticed_by_the_probe(
    folder: Path, program: Programs
) -> None:
    with pytest.raises(StoreError, match="line of a dotenv file"):
        a_store(folder, program("put", KEEP), form="env").probe(CERTIFIED)


@pytest.mark.parametrize("owner", [OURS, Belongs(tenant_id=TENANT, client_id=None)])
def test_somebody_elses_value_is_not_written_over(
    folder: Path, program: Programs, owner: Belongs
) -> None:
    argv = {"read": (program("get", SHOW),)}
    put = program("put", KEEP)
    a_store(folder, put, **argv).write(an_entry(client_id=OTHER))

    with pytest.raises(StoreError, match=f"holds a value of application {OTHER}"):
        a_store(folder, put, **argv).probe(owner)

    assert a_store(folder, put, **argv, again=True).probe(owner) == ()


# --- reading back


@pytest.mark.parametrize("form", ["json", "env", {**FORM, "until": "{expires}"}])
def test_what_was_written_is_read_back(folder: Path, program: Programs, form: Any) -> None:
    store = a_store(folder, program("put", KEEP), read=(program("get", SHOW),), form=form)
    nothing = store.read()
    store.write(an_entry())

    held = store.read()

    assert nothing is None
    assert held is not None
    assert held.secret is not None
    assert held.secret.reveal() == VALUE
    assert (held.tenant_id, held.client_id, held.key_id) == (TENANT, CLIENT, "key-1")
    assert held.expires == datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_certificate_is_read_back_as_one(folder: Path, program: Programs) -> None:
    store = a_store(folder, program("put", KEEP), read=(program("get", SHOW),))
    store.write(a_certificate())

    held = store.read()

    assert held is not None
    assert isinstance(held.secret, PrivateKey)
    assert (held.secret.reveal(), held.key_id) == (a_pem(), KEY)


def test_a_command_without_read_cannot_be_read_and_says_so(folder: Path) -> None:
    with pytest.raises(Unreadable, match="cannot be read back"):
        a_store(folder).read()


def test_a_machine_without_the_program_that_reads_cannot_read(folder: Path) -> None:
    """Which is no failure of a run that writes nothing there."""
    with pytest.raises(Unreadable, match="There is no program"):
        a_store(folder, read=("./missing",)).read()


@pytest.mark.parametrize(
    ("form", "said", "says"),
    [
        ("json", "canary", "it is no JSON"),
        ("json", "['canary']", "it is no JSON"),
        ("json", '["canary"]', "it is no JSON object"),
        ("json", '{"other": "canary"}', "none of the fields"),
        ("json", '{"clientId": 5, "x": "canary"}', '"clientId" holds no text'),
        ("env", "canary", "none of the fields"),
        (FORM, '{"auth": "canary"}', "none of the fields"),
        ("json", "canary" * 200_000, "longer than 1 MiB"),
    ],
)
def test_what_is_no_value_of_ours_is_unreadable_and_not_quoted(
    folder: Path, program: Programs, form: Any, said: str, says: str
) -> None:
    (folder / "kept").write_text(said, encoding="utf-8")

    with pytest.raises(Unreadable) as refused:
        a_store(folder, read=(program("get", SHOW),), form=form).read()

    assert says in str(refused.value)
    assert "canary" not in "".join(traceback.format_exception(refused.value))


def test_a_read_that_fails_is_unreadable_and_tells_nothing_of_what_it_printed(
    folder: Path, program: Programs
) -> None:
    get = program("get", f"print({VALUE!r})", f"sys.exit('cannot decrypt ' + {VALUE!r})")

    with pytest.raises(Unreadable, match="exit code 1") as refused:
        a_store(folder, read=(get,)).read()

    assert "cannot decrypt (redacted)" in str(refused.value)
    assert VALUE not in str(refused.value)


# --- taking it out


@pytest.mark.parametrize(("client_id", "removed"), [(CLIENT, True), (OTHER, False)])
def test_only_our_own_value_is_removed(
    folder: Path, program: Programs, client_id: str, removed: bool
) -> None:
    remove = program("rm", "os.remove('kept')", "open('seen', 'w').write(repr(sys.argv[1:]))")
    argv = (remove, "{clientId}", "{keyId}", "{tenantId}")
    store = a_store(folder, program("put", KEEP), read=(program("get", SHOW),), remove=argv)
    store.write(an_entry())

    assert store.remove(client_id) is removed
    assert (folder / "kept").exists() is not removed
    if removed:
        assert (folder / "seen").read_text(encoding="utf-8") == repr([CLIENT, "key-1", TENANT])
        assert not store.remove(CLIENT)


def test_a_command_without_remove_removes_nothing(folder: Path, program: Programs) -> None:
    store = a_store(folder, program("put", KEEP))
    store.write(an_entry())
    store.retire("key-1")

    assert not store.remove(CLIENT)
    assert (folder / "kept").exists()


def test_a_command_that_cannot_be_read_is_told_whose_value_is_to_go(
    folder: Path, program: Programs
) -> None:
    remove = program("rm", "open('seen', 'w').write(sys.argv[1])")

    assert a_store(folder, remove=(remove, "{clientId}")).remove(CLIENT)
    assert (folder / "seen").read_text(encoding="utf-8") == CLIENT


def test_no_file_of_ours_is_left_on_the_way(folder: Path, program: Programs) -> None:
    before = {entry.name for entry in folder.iterdir()}
    put = program("put", "sys.stdin.read()")

    a_store(folder, put).write(an_entry())

    assert {entry.name for entry in folder.iterdir()} == {*before, "put"}
