"""Whatever a path leads to, reading it is quick and a refusal is a sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provision.errors import ManifestError, ProvisionError
from provision.manifest import load
from provision.manifest.file import MAX_BYTES

GOOD = "version: 1\nname: abc\napplications: {a: {displayName: ä, credentials: {c: {secret: {store: {dotenv: x/.env}}}}}}\n"


def read(path):
    return load(path, environ={}, variables={})


def refusal(path) -> str:
    with pytest.raises(ProvisionError) as refused:
        read(path)
    if isinstance(refused.value, ManifestError):
        return refused.value.lines()[0].removeprefix(str(path))
    assert refused.value.hint
    return str(refused.value)


def test_paths_start_from_the_folder_of_the_file(tmp_path, monkeypatch):
    (tmp_path / "m.yaml").write_text(GOOD, encoding="utf-8")
    monkeypatch.chdir(tmp_path.parent)

    manifest = read((tmp_path / "m.yaml").relative_to(tmp_path.parent))

    assert manifest.file == os.path.join(tmp_path.name, "m.yaml")
    assert manifest.folder == tmp_path
    assert manifest.applications[0].secrets[0].store.path == tmp_path / "x" / ".env"


def test_windows_line_ends_and_a_byte_order_mark_are_welcome(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())

    assert read(path).name == "abc"


def test_a_missing_file_is_told_with_a_way_to_make_one(tmp_path):
    path = tmp_path / "m.yaml"

    with pytest.raises(ProvisionError) as refused:
        read(path)

    assert str(refused.value) == f"There is no file {path}"
    assert f"provision init {path}" in refused.value.hint


def test_a_directory_is_refused(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path} is a directory"


def test_a_file_used_as_a_folder_is_refused(tmp_path):
    (tmp_path / "m").write_text("")

    assert "cannot be read: Not a directory" in refusal(tmp_path / "m" / "m.yaml")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", ":1:1: the file is empty - `provision init` writes a manifest to start from"),
        (b"\x7fELF\x02\x00\x00", ":1:1: the character U+007F may not stand in YAML text"),
        (b"a: 1\nb: \xe9\n", ":2:4: this is not UTF-8 text - save the file as UTF-8"),
        (b"PK\x03\x04\x00\xff", ":1:6: this is not UTF-8 text - save the file as UTF-8"),
        ("a: 1".encode("utf-16"), ":1:1: this is not UTF-8 text - save the file as UTF-8"),
        (b"a\0", ":1:2: this is a binary file, not YAML text"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, content, says):
    path = tmp_path / "m.yaml"
    path.write_bytes(content)

    assert refusal(path) == says


@pytest.mark.parametrize("size", [MAX_BYTES + 1, 50_000_000])
def test_a_large_file_is_refused(tmp_path, size):
    path = tmp_path / "m.yaml"
    with path.open("wb") as file:
        file.truncate(size)

    assert refusal(path) == ":1:1: the file is larger than 5 MiB - split the manifest"


def test_five_mebibytes_are_allowed(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_bytes(GOOD.encode().ljust(MAX_BYTES, b"\n"))

    assert read(path).name == "abc"


def test_a_device_is_refused():
    assert refusal(Path(os.devnull)) == f"{os.devnull} is no regular file"


if hasattr(os, "mkfifo"):  # Windows has none

    def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
        os.mkfifo(tmp_path / "m.yaml")

        assert refusal(tmp_path / "m.yaml").endswith("is no regular file")


def test_a_link_inside_the_folder_is_followed(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "m.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "m.yaml").symlink_to(tmp_path / "data" / "m.yaml")

    manifest = read(tmp_path / "m.yaml")

    assert manifest.folder == tmp_path


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    """A stranger's link could otherwise make the messages tell what stands in a file elsewhere."""
    (tmp_path / "private").write_text("canary: 1\n")
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "m.yaml").symlink_to(tmp_path / "private")

    assert "is a link that leads out of its folder" in refusal(tmp_path / "repository" / "m.yaml")
