"""What a run wrote beside a file before it was killed goes when the credential retires that nobody will use."""

from __future__ import annotations

from pathlib import Path

import pytest
from dotenv_build import a_place, a_store, an_entry, names_in

from provision.places import JsonStore
from provision.stores import open_store, replacing


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return a_place(tmp_path, monkeypatch)


@pytest.mark.parametrize("name", [".env", ".env.AZURE_00000001.pem"])
def test_what_was_written_beside_a_dotenv_file_goes_when_its_credential_retires(
    file: Path, name: str
) -> None:
    a_store(file).write(an_entry())
    replacing._beside(file.with_name(name), b"a value of a killed run", file)

    a_store(file).retire("00000002-aaaa")

    assert names_in(file.parent) == [".env"]


def test_what_was_written_beside_a_json_file_goes_when_its_credential_retires(file: Path) -> None:
    place = JsonStore(path=file.with_name("key.json"))
    open_store(place).write(an_entry())
    replacing._beside(place.path, b'{"clientSecret": "of a killed run"}', place.path)

    open_store(place).retire("00000001-aaaa")

    assert names_in(file.parent) == ["key.json"]
