"""A secret in a file that git tracks is a secret that everybody gets."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from provision.errors import StoreError
from provision.places import DotenvStore
from provision.stores import Belongs, open_store

OURS = Belongs(tenant_id="t", client_id="c")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init")
    return folder


def probe(file: Path) -> tuple[str, ...]:
    return open_store(DotenvStore(path=file, prefix="AZURE_")).probe(OURS)


@pytest.mark.parametrize("name", [".env", "--force", "[a]?.env", ":(top)x"])
def test_a_tracked_file_is_refused(repository: Path, name: str) -> None:
    (repository / name).write_bytes(b"")
    git(repository, "--literal-pathspecs", "add", "--", name)

    with pytest.raises(StoreError, match="git tracks") as refused:
        probe(repository / name)

    assert "git rm --cached" in refused.value.hint


def test_a_link_to_a_tracked_file_is_refused(repository: Path, tmp_path: Path) -> None:
    (repository / "env").write_bytes(b"")
    git(repository, "add", "env")
    (tmp_path / "link").symlink_to(repository / "env")

    with pytest.raises(StoreError, match="git tracks"):
        probe(tmp_path / "link")


def test_an_ignored_file_is_fine(repository: Path) -> None:
    (repository / ".gitignore").write_text(".env\n", encoding="utf-8")

    assert probe(repository / ".env") == ()


def test_a_file_that_git_does_not_ignore_earns_a_warning(repository: Path) -> None:
    warnings = probe(repository / "sub" / ".env")

    assert [".gitignore" in warning for warning in warnings] == [True]


def test_a_folder_outside_any_repository_is_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    assert probe(tmp_path / "loose" / ".env") == ()


def test_a_machine_without_git_is_fine(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository))

    assert probe(repository / ".env") == ()


def test_a_hooks_variables_do_not_point_elsewhere(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / ".env").write_bytes(b"")
    git(repository, "add", ".env")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))

    with pytest.raises(StoreError, match="git tracks"):
        probe(repository / ".env")


@pytest.mark.parametrize(
    "script", ["exit 3", 'case "$*" in *check-ignore*) exit 128;; esac; exit 1']
)
def test_a_git_that_does_not_answer_earns_a_warning(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))

    warnings = probe(repository / ".env")

    assert ["could not say" in warning for warning in warnings] == [True]


def test_a_git_that_hangs_earns_a_warning(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec /bin/sleep 30\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setattr("provision.stores.git._TIME_LIMIT", 0.1)

    warnings = probe(repository / ".env")

    assert ["could not say" in warning for warning in warnings] == [True]


def test_git_gets_none_of_the_operators_variables(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nenv > '{tmp_path}/seen'\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "canary")

    probe(repository / ".env")

    assert "canary" not in (tmp_path / "seen").read_text(encoding="utf-8")
