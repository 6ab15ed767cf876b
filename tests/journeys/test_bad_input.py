"""Files that are no manifest, through the command line: a place, a sentence, exit 1, and no tenant touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from journey import Processes, Provision

TOP = "version: 1\nname: hello\ntenant: sandbox\n"
APP = TOP + "applications:\n  my-workload:\n    displayName: My Workload\n"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

BAD = {
    "an empty file": (b"", "1:1: the file is empty"),
    "only comments": (b"# nothing\n\n", "1:1: the file is empty"),
    "a binary file": (b"version: 1\n\x00\x01\x02", "2:1: this is a binary file"),
    "no UTF-8": (b"version: 1\nname: \xff\xfe", "2:7: this is not UTF-8 text"),
    "no mapping": (b"hello\n", "1:1: a manifest is a mapping"),
    "broken YAML": (f"{TOP}applications: {{a: [}}\n".encode(), "4:20: this is not YAML"),
    "an alias bomb": (LAUGHS.encode(), "6:12: more than 200000 values"),
    "a nesting bomb": (b"a: " + b"[" * 100_000, "1:43: nested deeper than"),
    "a duplicate key": (f"{APP}  my-workload: {{}}\n".encode(), '7:3: the key "my-workload"'),
    "a tab": (f"{TOP}applications:\n\ta: 1\n".encode(), "5:1: a tab stands where"),
    "a list for a mapping": (f"{TOP}applications: [1]\n".encode(), "4:15: a mapping is wanted"),
    "a number for a list": (f"{APP}    tags: 5\n".encode(), "7:11: a list is wanted here"),
    "an unknown key": (f"{APP}    permisions: {{}}\n".encode(), '7:5: "permisions" is not a key'),
    "an endpoint": (f"graph: https://evil.example\n{APP}".encode(), '1:1: "graph" is no key'),
    "a call to a host": (
        f"{APP}    verify: {{calls: [GET https://evil.example/me]}}\n".encode(),
        '7:22: "GET https://evil.example/me" names a host',
    ),
    "a call that writes": (
        f"{APP}    verify: {{calls: [DELETE /users/1]}}\n".encode(),
        '7:22: "DELETE /users/1" is no request that proves',
    ),
    "a tag that runs code": (
        f"{TOP}applications: !!python/object/apply:os.abort []\n".encode(),
        "4:15: a manifest has no type",
    ),
    "an unset variable": (
        f"{APP}    description: ${{HOME}}\n".encode(),
        "7:18: the variable HOME is not set",
    ),
}
COMMANDS = ("validate", "plan", "apply --yes", "destroy --yes")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_is_no_manifest_is_refused_at_its_place(
    provision: Provision, workplace: Path, kind: str, command: str
) -> None:
    content, says = BAD[kind]
    (workplace / "bad.yaml").write_bytes(content)
    verb, *flags = command.split()

    refused = provision(verb, "bad.yaml", *flags)

    assert refused.exit_code == 1
    assert f"bad.yaml:{says}" in refused.said
    assert refused.stdout == ""
    assert not (workplace / ".provision").exists()


@pytest.mark.parametrize(
    "verb", ["plan", "apply", "verify", "rotate", "output", "destroy", "validate"]
)
def test_every_command_refuses_a_directory_for_a_manifest(
    provision: Provision, workplace: Path, verb: str
) -> None:
    (workplace / "folder.yaml").mkdir()

    refused = provision(verb, "folder.yaml")

    assert refused.exit_code == 1
    assert "folder.yaml is a directory" in refused.said
    assert not (workplace / ".provision").exists()


def test_a_manifest_that_is_not_there_is_named_with_what_to_do(provision: Provision) -> None:
    refused = provision("apply", "absent.yaml", "--yes")

    assert refused.exit_code == 1
    assert "There is no file absent.yaml" in refused.said
    assert "provision init absent.yaml" in refused.said


@pytest.mark.parametrize("verb", ["validate", "plan"])
def test_fifty_megabytes_are_refused_by_their_size(
    provision_process: Processes, workplace: Path, verb: str
) -> None:
    with (workplace / "big.yaml").open("wb") as file:
        file.truncate(50 * 1024 * 1024)

    refused = provision_process(verb, "big.yaml")

    assert refused.exit_code == 1
    assert "big.yaml:1:1: the file is larger than 5 MiB" in refused.said
    assert "Traceback" not in refused.said


def test_all_mistakes_are_told_in_one_run(provision: Provision, workplace: Path) -> None:
    wrong = f"{APP}    permisions: {{}}\n    tags: 5\n    consent: maybe\n"
    (workplace / "bad.yaml").write_text(wrong, encoding="utf-8")

    refused = provision("validate", "bad.yaml")

    assert [line.split(":")[1] for line in refused.stderr.splitlines()[:3]] == ["7", "8", "9"]
    assert "bad.yaml has 3 mistakes" in refused.said


def test_control_characters_of_a_manifest_do_not_reach_the_terminal(
    provision: Provision, workplace: Path
) -> None:
    wrong = APP + '    "\\e[31mred\\u202e": 1\n'
    (workplace / "bad.yaml").write_text(wrong, encoding="utf-8")

    refused = provision("validate", "bad.yaml")

    assert "\x1b" not in refused.stderr
    assert "\u202e" not in refused.stderr


def test_one_bad_file_among_good_ones_fails_and_the_others_are_still_checked(
    provision: Provision, workplace: Path
) -> None:
    (workplace / "bad.yaml").write_text("", encoding="utf-8")
    (workplace / "good.yaml").write_text(APP, encoding="utf-8")

    checked = provision("validate", "bad.yaml", "good.yaml")

    assert checked.exit_code == 1
    assert "good.yaml: valid, 1 application" in checked.stdout
