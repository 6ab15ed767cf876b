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


def test_what_was_written_beside_a_dotenv_file_goes_when_its_credential_retires(file: Path) -> None:
    a_store(file).write(an_entry())
    replacing._beside(file, b"AZURE_CLIENT_SECRET=of a killed run")

    a_store(file).retire("00000001-aaaa")

    assert names_in(file.parent) == [".env"]


def test_what_was_written_of_a_certificate_goes_when_it_retires(file: Path) -> None:
    a_store(file).write(an_entry())
    replacing._beside(file.with_name(".env.AZURE_00000001.pem"), b"a key of a killed run")
    replacing._beside(file.with_name(".env.AZURE_00000002.pem"), b"a key of another one")

    a_store(file).retire("00000001-aaaa")

    assert [name[:22] for name in names_in(file.parent)] == [".env", ".env.AZURE_00000002.pe"]


def test_what_was_written_beside_a_json_file_goes_when_its_credential_retires(file: Path) -> None:
    place = JsonStore(path=file.with_name("key.json"))
    open_store(place).write(an_entry())
    replacing._beside(place.path, b'{"clientSecret": "of a killed run"}')

    open_store(place).retire("00000001-aaaa")

    assert names_in(file.parent) == ["key.json"]
