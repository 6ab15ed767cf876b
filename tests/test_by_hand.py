"""The README's last two steps by hand, sent by a plain HTTP client that shares no code with ours."""

from __future__ import annotations

import json
import re
import shlex
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import pytest
from readme import README, ROOT, blocks


@pytest.fixture
def served(tmp_path: Path) -> Iterator[dict[str, str]]:
    """`provision sandbox serve` in one terminal, hello.yaml applied in another.

    Without lag: a person who types the two requests leaves the replicas time, this test does not.
    """
    settings = tmp_path / "sandbox.json"
    provision = [sys.executable, "-m", "provision"]
    serving = subprocess.Popen(
        [
            *provision,
            "sandbox",
            "serve",
            "--profile",
            "strong",
            "--port",
            "0",
            "--settings",
            settings,
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert serving.stdout is not None
    serving.stdout.readline()  # it speaks when it answers
    facts = json.loads(settings.read_text(encoding="utf-8"))
    manifest = tmp_path / "hello.yaml"
    manifest.write_bytes((ROOT / "manifests" / "hello.yaml").read_bytes())
    subprocess.run(
        [*provision, "apply", "hello.yaml", "--yes"], cwd=tmp_path, check=True, capture_output=True
    )
    store = tmp_path / ".provision" / "sandbox" / "default" / "stores" / "hello" / ".env"
    lines = store.read_text(encoding="utf-8").splitlines()
    values = dict(line.split("=", 1) for line in lines)
    yield {**{key: value.strip("'") for key, value in values.items()}, **facts}
    serving.terminate()
    serving.communicate(timeout=30)
    assert serving.returncode == 0


def curl(text: str, values: dict[str, str], folder: Path) -> Any:
    """What the README's curl command would get, asked with urllib."""
    command = re.search(r"^curl .*", text.replace("\\\n", " "), re.MULTILINE)
    assert command, "the README shows a curl command"
    quoted = re.sub(r"'[^']*'", lambda part: part[0].replace("$", "$$"), command[0])
    words = shlex.split(Template(quoted).substitute(values))[1:]
    url, data, headers, ca = "", [], {}, ""
    for word in (iterator := iter(words)):
        if word == "-d":
            data.append(next(iterator))
        elif word == "-H":
            name, _, value = next(iterator).partition(": ")
            headers[name] = value
        elif word == "--cacert":
            ca = next(iterator)
        else:
            url = word
    port = values["url"].rpartition(":")[2]
    body = "&".join(data).replace("8443", port).encode() if data else None
    request = urllib.request.Request(url.replace("8443", port), data=body, headers=headers)  # noqa: S310
    context = ssl.create_default_context(cafile=str(folder / ca))
    with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310
        return json.load(answer)


def test_the_two_requests_by_hand_get_a_token_and_an_answer(
    served: dict[str, str], tmp_path: Path
) -> None:
    asking, using = blocks(README.read_text(encoding="utf-8"), "by hand")

    token = curl(asking.body, served, tmp_path)
    users = curl(using.body, {**served, "TOKEN": token["access_token"]}, tmp_path)

    assert list(token) == ["token_type", "expires_in", "ext_expires_in", "access_token"]
    assert (token["token_type"], token["expires_in"], token["ext_expires_in"]) == (
        "Bearer",
        3599,
        3599,
    )
    assert list(users["value"][0]) == ["displayName"]
