"""The JSON store: the value among other people's keys, none of which changes."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import tempfile
import threading
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dotenv_build import CLIENT, OTHER, OURS, TENANT, VALUE, a_place, an_entry, failing, names_in
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pem_build import CERTIFIED, a_certificate, a_pem

from provision.errors import StoreError
from provision.places import JsonStore
from provision.secret import PrivateKey
from provision.stores import Belongs, Store, jsontext, open_store

OBJECT = {
    "tenantId": TENANT,
    "clientId": CLIENT,
    "clientSecret": VALUE,
    "keyId": "key-1",
    "expires": "2030-01-02T03:04:05Z",
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return a_place(tmp_path, monkeypatch).with_name("c.json")


def a_store(file: Path, key: str = "", *, replace: bool = False) -> Store:
    return open_store(JsonStore(path=file, key=key), replace=replace)


@pytest.mark.parametrize("key", ["", "app"])
def test_what_was_written_is_read_back(file: Path, key: str) -> None:
    a_store(file, key).write(an_entry())

    held = a_store(file, key).read()

    assert held is not None
    assert held.secret is not None
    assert not isinstance(held.secret, PrivateKey)
    assert held.secret.reveal() == VALUE
    assert (held.tenant_id, held.client_id, held.key_id) == (TENANT, CLIENT, "key-1")
    assert held.expires == datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_new_file_holds_an_object_that_people_can_read(file: Path) -> None:
    a_store(file, "app").write(an_entry())

    assert file.read_text(encoding="utf-8") == json.dumps({"app": OBJECT}, indent=2) + "\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_certificate_is_held_as_one_and_takes_the_secrets_place(file: Path) -> None:
    a_store(file).write(an_entry())
    a_store(file).probe(CERTIFIED)
    a_store(file).write(a_certificate())

    held = a_store(file).read()

    assert held is not None
    assert isinstance(held.secret, PrivateKey)
    assert held.secret.reveal() == a_pem()
    assert "clientSecret" not in json.loads(file.read_text(encoding="utf-8"))


def test_a_secret_takes_a_certificates_place(file: Path) -> None:
    a_store(file).write(a_certificate())
    a_store(file).write(an_entry())

    assert json.loads(file.read_text(encoding="utf-8")) == OBJECT


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"z": 1.10, "a": 1e400}', '{"z": 1.10, "a": 1e400, "app": {"keyId": "k"}}'),
        (
            '\ufeff{\r\n\t"z": [],\r\n\t"ä": [1, "\\u00e9"]\r\n}',
            '\ufeff{\r\n\t"z": [],\r\n\t"ä": [\r\n\t\t1,\r\n\t\t"é"\r\n\t],\r\n\t"app": {\r\n\t\t"keyId": "k"\r\n\t}\r\n}',
        ),
        ('{\n    "z": null\n}\n\n', '{\n    "z": null,\n    "app": {\n        "keyId": "k"\n    }\n}\n\n'),
        ("{}", '{\n  "app": {\n    "keyId": "k"\n  }\n}'),
        (" \n", '{\n  "app": {\n    "keyId": "k"\n  }\n}\n'),
        ('{"x": "\\ud800"}\n', '{"x": "\\ud800", "app": {"keyId": "k"}}\n'),
        ('{"app": {"keyId": "old"}, "z": true}', '{"app": {"keyId": "k"}, "z": true}'),
    ],
)  # fmt: skip
def test_a_file_keeps_its_manner_its_order_and_its_numbers(before: str, after: str) -> None:
    whole = jsontext.whole(before.encode())

    assert whole.changed({**whole.value, "app": {"keyId": "k"}}).decode() == after


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip
MANNERS = st.sampled_from([None, 1, 4, "\t"])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4), MANNERS, st.booleans())
def test_whatever_else_is_there_stays_and_the_rest_goes_again(
    file: Path, others: dict[str, Any], indent: int | str | None, below: bool
) -> None:
    others = {name: value for name, value in others.items() if name not in ("app", *OBJECT)}
    others = {"kept": 0, **others}
    file.write_text(json.dumps(others, indent=indent), encoding="utf-8")
    store = a_store(file, "app" if below else "")

    store.write(an_entry())
    written = json.loads(file.read_text(encoding="utf-8"))
    removed = store.remove(CLIENT)

    assert list(written) == [*others, *(["app"] if below else OBJECT)]
    assert written == {**others, **({"app": OBJECT} if below else OBJECT)}
    assert removed
    assert json.loads(file.read_text(encoding="utf-8")) == others
    file.unlink()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1,}', "line 1, column 9: this is no JSON"),
        ('{\n  "a": canary\n}', "line 2, column 8: this is no JSON"),
        ("[1]", "it holds no object, but something else"),
        ('"canary"', "it holds no object"),
        ('{"a": NaN}', "NaN is no JSON"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', 'the key "c" stands twice in one object'),
        ('{"app": []}', 'what stands there under "app" is no object'),
        ('{"app": {"clientId": 5}}', '"clientId" holds no text'),
        ("[" * 200_000, "nested too deeply"),
    ],
)
@pytest.mark.parametrize("act", ["probe", "read", "write", "remove"])
def test_a_file_that_is_not_what_it_should_be_is_told_and_not_touched(
    file: Path, text: str, says: str, act: str
) -> None:
    file.write_text(text, encoding="utf-8")
    store = a_store(file, "app")
    acts = {
        "probe": lambda: store.probe(OURS),
        "read": store.read,
        "write": lambda: store.write(an_entry()),
        "remove": lambda: store.remove(CLIENT),
    }

    with pytest.raises(StoreError, match=r"c\.json") as refused:
        acts[act]()

    assert says in str(refused.value)
    assert "Mend that file" in refused.value.hint
    assert "canary" not in "".join(traceback.format_exception(refused.value))
    assert file.read_text(encoding="utf-8") == text
    assert names_in(file.parent) == ["c.json"]


def test_a_file_that_could_be_read_but_not_written_again_is_not_touched(file: Path) -> None:
    deep = '{"a": ' + "[" * 495 + "]" * 495 + "}"
    file.write_text(deep, encoding="utf-8")

    with pytest.raises(StoreError, match="nested too deeply"):
        a_store(file).write(an_entry())

    assert file.read_text(encoding="utf-8") == deep
    assert names_in(file.parent) == ["c.json"]


def test_a_file_that_is_no_text_is_told_and_not_touched(file: Path) -> None:
    file.write_bytes(b'{"a": "\xff"}')

    with pytest.raises(StoreError, match="byte 8 is no UTF-8"):
        a_store(file).probe(OURS)


@pytest.mark.parametrize("act", ["probe", "write"])
def test_somebody_elses_value_is_never_written_over(file: Path, act: str) -> None:
    a_store(file, "app").write(an_entry(client_id=OTHER))
    before = file.read_bytes()
    store = a_store(file, "app")

    with pytest.raises(
        StoreError, match=rf"c.json \(app\) holds a value of application {OTHER}"
    ) as refused:
        store.probe(OURS) if act == "probe" else store.write(an_entry())

    assert "another file or key" in refused.value.hint
    assert file.read_bytes() == before
    a_store(file, "app", replace=True).write(an_entry())
    assert OTHER not in file.read_text(encoding="utf-8")


def test_another_applications_value_is_not_removed(file: Path) -> None:
    a_store(file).write(an_entry(client_id=OTHER))

    assert not a_store(file).remove(CLIENT)
    assert not a_store(file, "app").remove(OTHER)
    assert not a_store(file.parent / "missing" / "c.json").remove(CLIENT)
    assert a_store(file).read() is not None


def test_a_file_of_our_making_goes_with_its_value_but_no_link_does(
    file: Path, tmp_path: Path
) -> None:
    linked = file.with_name("link.json")
    linked.symlink_to(tmp_path / "real.json")
    for each in (file, linked):
        a_store(each, "app").write(an_entry())
        a_store(each, "app").remove(CLIENT)

    assert names_in(file.parent) == ["link.json"]
    assert (tmp_path / "real.json").read_text(encoding="utf-8") == "{}\n"


def test_a_probe_leaves_everything_as_it_was_and_writes_as_much_as_the_value_needs(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda handle: sizes.append(os.fstat(handle).st_size))
    a_store(file).probe(CERTIFIED)
    monkeypatch.undo()

    assert names_in(file.parent) == []
    a_store(file).write(a_certificate())
    assert sizes[0] >= file.stat().st_size


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_failed_write_leaves_the_old_file_and_no_secret(
    file: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    file.write_text('{"a": 1}', encoding="utf-8")
    monkeypatch.setattr(os, call, failing(errno.ENOSPC))

    with pytest.raises(StoreError, match="No space left"):
        a_store(file).write(an_entry())

    assert file.read_text(encoding="utf-8") == '{"a": 1}'
    assert names_in(file.parent) == ["c.json"]


def test_applications_that_share_a_file_at_once_lose_nothing(file: Path) -> None:
    keys = [f"app{number}" for number in range(8)]
    writers = [
        threading.Thread(target=a_store(file, key).write, args=(an_entry(),)) for key in keys
    ]

    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert all(a_store(file, key).read() for key in keys)


def test_a_file_that_git_tracks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "c.json").write_text("{}", encoding="utf-8")
    for arguments in (["init"], ["add", "c.json"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)

    with pytest.raises(StoreError, match="git tracks"):
        a_store(folder / "c.json").probe(OURS)
    assert ".gitignore" in a_store(folder / "d.json").probe(OURS)[0]


def test_an_application_that_does_not_exist_yet_takes_nobodys_value(file: Path) -> None:
    a_store(file).write(an_entry())

    with pytest.raises(StoreError, match=CLIENT):
        a_store(file).probe(Belongs(tenant_id=TENANT, client_id=None))


def test_an_old_value_is_nowhere_so_there_is_nothing_to_retire(file: Path) -> None:
    a_store(file).write(an_entry())
    before = file.read_bytes()

    a_store(file).retire("key-1")

    assert file.read_bytes() == before
