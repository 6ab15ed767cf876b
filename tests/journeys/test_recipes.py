"""The README's recipes for stores that are programs: each gets the value on its standard input, and nowhere else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import consumer
import outsider
import paper
import pytest
import standin
import truth
import yaml
from journey import Outcome, Processes, Provision

from provision.sandbox.server import Server
from tests.readme import README, blocks

RECIPES = ("gh", "kubectl", "vault", "az")
READ_BACK = ("kubectl", "vault")
REMOVES = ("gh", "kubectl", "vault")
Run = Callable[..., Outcome]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stand-ins, which come first on PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    text = Path(standin.__file__).read_text(encoding="utf-8")
    for name in standin.PROGRAMS:
        program = folder / name
        program.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))
    return folder


def recipe(name: str) -> dict[str, Any]:
    """The store that the README shows."""
    (block,) = blocks(README.read_text(encoding="utf-8"), f"recipe {name}")
    store: dict[str, Any] = yaml.safe_load(block.body)["store"]
    return store


def write(folder: Path, name: str) -> Path:
    """A manifest with one secret that goes where the recipe says."""
    secret = {"secret": {"store": recipe(name)}}
    return paper.write(folder, paper.an_app(credentials={"ci": secret}))


def calls(programs: Path, name: str, *verbs: str) -> list[dict[str, Any]]:
    """What a stand-in was asked, in order: to keep something, unless other verbs are given."""
    paths = sorted(programs.glob("call-*"))
    found = [json.loads(each.read_text(encoding="utf-8")) for each in paths]
    wanted = {*(verbs or ("set", "apply", "put"))}
    return [each for each in found if each["name"] == name and wanted & {*each["argv"]}]


def delivered(call: dict[str, Any]) -> str:
    """The value in what a program got."""
    match call["name"]:
        case "kubectl":
            value: str = json.loads(call["stdin"])["stringData"]["AZURE_CLIENT_SECRET"]
        case "vault":
            value = json.loads(call["stdin"])["clientSecret"]
        case _:
            value = call["stdin"]
    return value


def signs_in(server: Server, value: str) -> bool:
    """Whether a value is accepted, asked without code of ours."""
    held = {
        "AZURE_TENANT_ID": server.operator()["tenantId"],
        "AZURE_CLIENT_ID": truth.application(server)["appId"],
        "AZURE_CLIENT_SECRET": value,
        "AZURE_CLIENT_SECRET_ID": "it",
    }
    return consumer.sign_in(server.url, outsider.trust(server), held) == "it"


def assert_only_on_stdin(call: dict[str, Any]) -> None:
    value = delivered(call)
    assert len(value) > 30
    assert value not in json.dumps([call["argv"], call["environ"]])
    assert call["stdin"].count(value) == 1


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_delivers_the_first_value_and_the_next_one_and_then_rests(
    sandbox: Server,
    provision_process: Processes,
    workplace: Path,
    programs: Path,
    name: str,
) -> None:
    manifest = write(workplace, name)

    for command in (("apply", manifest, "--yes"), ("rotate", manifest, "--now")):
        done = provision_process(*command, "--real-stores")
        assert done.exit_code == 0, done.said
    at_rest = provision_process("plan", manifest, "--real-stores", "--detailed-exitcode")

    assert at_rest.exit_code == 0, at_rest.said
    first, second = calls(programs, name)
    for call in (first, second):
        assert_only_on_stdin(call)
        assert signs_in(sandbox, delivered(call))
    assert delivered(first) != delivered(second)
    assert len(truth.key_ids(sandbox)) == 2


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_runs_the_program_with_the_arguments_that_the_readme_shows(
    sandbox: Server, provision: Provision, workplace: Path, programs: Path, name: str
) -> None:
    done = provision("apply", write(workplace, name), "--yes", "--real-stores")

    assert done.exit_code == 0, done.said
    (call,) = calls(programs, name)
    (listed,) = truth.application(sandbox)["passwordCredentials"]
    known = {
        "{tenantId}": sandbox.operator()["tenantId"],
        "{clientId}": truth.application(sandbox)["appId"],
        "{keyId}": listed["keyId"],
        "{expires}": listed["endDateTime"].partition(".")[0].removesuffix("Z") + "Z",
    }
    shown = json.dumps(recipe(name)["command"]["write"])
    for place, value in known.items():
        shown = shown.replace(place, value)
    assert [call["name"], *call["argv"]] == json.loads(shown)


@pytest.mark.parametrize("name", READ_BACK)
def test_what_a_recipe_reads_back_is_known_to_be_held_and_proven(
    sandbox: Server, provision: Provision, workplace: Path, programs: Path, name: str
) -> None:
    manifest = write(workplace, name)
    provision("apply", manifest, "--yes", "--real-stores", "--skip-verify")
    again = provision("apply", manifest, "--yes", "--real-stores")

    assert again.exit_code == 0, again.said
    assert "my-workload/ci proven" in again.said
    assert len(calls(programs, name)) == 1


def test_a_vault_that_may_not_be_read_is_not_taken_for_an_empty_one(
    sandbox: Server,
    provision: Provision,
    workplace: Path,
    programs: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The recipe tells one failure of `vault kv get` from all others by its words."""
    monkeypatch.setenv("STANDIN_DENIES", "1")

    refused = provision("apply", write(workplace, "vault"), "--yes", "--real-stores")

    assert refused.exit_code == 1
    assert "permission denied" in refused.said
    assert truth.applications(sandbox) == []
    assert calls(programs, "vault") == []


@pytest.mark.parametrize("name", REMOVES)
def test_destroy_has_the_program_remove_what_it_keeps(
    sandbox: Server, provision: Provision, workplace: Path, programs: Path, name: str
) -> None:
    manifest = write(workplace, name)
    provision("apply", manifest, "--yes", "--real-stores", "--skip-verify")

    done = provision("destroy", manifest, "--yes", "--real-stores")

    assert done.exit_code == 0, done.said
    (call,) = calls(programs, name, "delete")
    assert [name, *call["argv"]] == recipe(name)["command"]["remove"]
    assert call["stdin"] == ""


@pytest.mark.parametrize("name", RECIPES)
def test_a_program_that_fails_and_repeats_the_value_shows_nothing_and_locks_nobody_out(
    sandbox: Server,
    provision: Provision,
    workplace: Path,
    programs: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    manifest = write(workplace, name)
    provision("apply", manifest, "--yes", "--real-stores", "--skip-verify")
    (old,) = truth.key_ids(sandbox)
    monkeypatch.setenv("STANDIN_FAILS", "1")

    failed = provision("rotate", manifest, "--now", "--real-stores")

    first, refused = calls(programs, name)
    assert failed.exit_code == 1
    assert f"{name}: cannot keep this:" in failed.said
    assert "(redacted)" in failed.said
    assert delivered(refused) not in failed.stdout + failed.stderr
    assert signs_in(sandbox, delivered(first))
    if name in READ_BACK:
        assert truth.key_ids(sandbox) == [old]
        assert not signs_in(sandbox, delivered(refused))
    else:  # it may have kept the value before it failed, and nobody can ask
        assert truth.key_ids(sandbox)[0] == old
        assert signs_in(sandbox, delivered(refused))
