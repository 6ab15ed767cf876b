"""`provision sandbox operator`, `identity`, `token` and `trust`: what they make, write and show."""

from __future__ import annotations

import json
import logging
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from assertion import jwks
from typer.testing import CliRunner, Result

from provision.cli.program import program
from provision.sandbox import folder as folders
from provision.sandbox.server import Server, serve

Run = Callable[..., Result]
OWNED_BY = "Application.ReadWrite.OwnedBy"


@pytest.fixture(autouse=True)
def _levels_as_they_were() -> Iterator[None]:
    """The command line quietens loggers for its process, which here goes on."""
    loggers = [logging.getLogger(name) for name in ("provision", "azure", "msal")]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


@pytest.fixture
def place(tmp_path: Path, furnished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which commands run; its sandbox is there and nobody serves it."""
    shutil.copytree(furnished, tmp_path / ".provision" / "sandbox")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server(place: Path) -> Iterator[Server]:
    """The folder's sandbox, served and published."""
    folder = place / ".provision" / "sandbox"
    with serve(folder, profile="strong") as running:
        folders.publish(folder, running.url, scale=running.scale)
        yield running


@pytest.fixture
def run(place: Path) -> Run:
    def run(*words: str) -> Result:
        return CliRunner().invoke(program, ["sandbox", *words], catch_exceptions=False)

    return run


def written(place: Path, name: str) -> dict[str, str]:
    path = place / ".provision" / "sandbox" / "operators" / f"{name}.json"
    content: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return content


def asked(http: httpx.Client, settings: dict[str, str], **form: str) -> dict[str, Any]:
    given = {"client_id": settings["clientId"], "scope": f"{settings['graph']}/.default", **form}
    answer = http.post(f"/{settings['tenantId']}/oauth2/v2.0/token", data=given)
    claims: dict[str, Any] = jwt.decode(
        answer.json()["access_token"], options={"verify_signature": False}
    )
    return claims


def test_an_operator_can_sign_in_at_once(
    place: Path, server: Server, run: Run, http: httpx.Client
) -> None:
    done = run("operator", "add", "--role", OWNED_BY, "--name", "ci")

    settings = written(place, "ci")
    claims = asked(
        http, settings, grant_type="client_credentials", client_secret=settings["clientSecret"]
    )
    assert done.exit_code == 0
    assert (settings["url"], settings["caBundle"]) == (server.url, str(server.ca_bundle))
    assert claims["roles"] == [OWNED_BY]
    assert f"ci holds {OWNED_BY}." in " ".join(done.stderr.split())


def test_a_person_can_sign_in_at_once(
    place: Path, server: Server, run: Run, http: httpx.Client
) -> None:
    run("operator", "add", "--user", "--directory-role", "application administrator")

    settings = written(place, "operator")
    who = {"username": settings["username"], "password": settings["password"]}
    claims = asked(http, settings, grant_type="password", **who)
    assert claims["wids"][0] == "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"


def test_a_secret_stands_in_its_file_only(place: Path, run: Run) -> None:
    file = place / "mine" / "settings.json"

    done = [
        run("operator", "add", "--settings", str(file)),
        run("operator", "add", "--user", "--settings", str(file), "--json"),
        run("identity", "add", "nightly", "--settings", str(file)),
    ]

    assert [each.exit_code for each in done] == [0, 0, 0]
    shown = "".join(each.stdout + each.stderr for each in done)
    for path in (file, place / ".provision" / "sandbox" / "operator.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 or sys.platform == "win32"
    assert json.loads(file.read_text(encoding="utf-8"))["IDENTITY_HEADER"] not in shown
    assert not {"clientSecret", "password", "IDENTITY_HEADER"} & set(json.loads(done[1].stdout))


def test_an_operator_may_be_one_of_another_tenant(place: Path, run: Run) -> None:
    run("operator", "add", "--tenant", "sandbox/other", "--name", "elsewhere")

    with folders.opened(place / ".provision" / "sandbox", "other") as (_, tenant):
        assert written(place, "elsewhere")["tenantId"] == tenant.id


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("operator", "add", "--role", "Nonsense"), 'no application permission called "Nonsense"'),
        (("operator", "add", "--user", "--role", OWNED_BY), "people hold directory roles"),
        (("operator", "add", "--directory-role", "Emperor"), "no directory role called"),
        (("operator", "add", "--tenant", "contoso.com"), "contoso.com is no sandbox"),
        (("operator", "add", "--tenant", "sandbox/Bad Name"), "cannot be called 'Bad Name'"),
        (("operator", "approve", "WRONG"), "No client waits for the code WRONG"),
        (("trust", "https://issuer.example", "--keys", "none.json"), "none.json cannot be read"),
    ],
)
def test_a_mistake_is_said_in_a_sentence(run: Run, words: tuple[str, ...], said: str) -> None:
    done = run(*words)

    assert done.exit_code == 64
    assert said in " ".join(done.stderr.split())


def test_a_machine_finds_its_identity(
    place: Path, server: Server, run: Run, http: httpx.Client
) -> None:
    run("identity", "add", "nightly")

    settings = written(place, "nightly")
    answer = http.get(
        settings["IDENTITY_ENDPOINT"],
        params={"resource": "https://graph.microsoft.com"},
        headers={"X-IDENTITY-HEADER": settings["IDENTITY_HEADER"]},
    )
    assert answer.json()["client_id"] == settings["clientId"]


def test_a_token_of_a_pipeline_is_printed_alone(server: Server, run: Run) -> None:
    plain = run("token", "--subject", "repo:contoso/app", "--issuer", "https://ci.example")
    local = json.loads(run("token", "--subject", "anybody", "--json").stdout)

    claims = jwt.decode(plain.stdout.strip(), options={"verify_signature": False})
    assert (claims["iss"], claims["sub"]) == ("https://ci.example", "repo:contoso/app")
    assert claims["aud"] == local["audience"] == "api://AzureADTokenExchange"
    assert local["issuer"] == f"{server.url}/{server.tenant().id}/issuer"


def test_a_code_is_approved_from_another_process(
    server: Server, run: Run, http: httpx.Client
) -> None:
    run("operator", "add", "--user", "--name", "Megan Bowen")
    public = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
    place = f"/{server.tenant().id}/oauth2/v2.0/devicecode"
    told = http.post(place, data={"client_id": public, "scope": "User.Read.All"}).json()

    done = run("operator", "approve", told["user_code"])
    named = json.loads(run("operator", "approve", told["user_code"], "--json").stdout)

    assert "megan-bowen@sandbox.onmicrosoft.com is signed in." in " ".join(done.stderr.split())
    assert named["username"] == "megan-bowen@sandbox.onmicrosoft.com"


def test_an_issuer_is_trusted_and_forgotten(place: Path, run: Run) -> None:
    keys = place / "keys.json"
    keys.write_text(json.dumps(jwks()), encoding="utf-8")

    given = run("trust", "https://issuer.example", "--keys", str(keys))
    refused = run("token", "--subject", "x", "--issuer", "https://issuer.example")
    forgotten = json.loads(run("trust", "https://issuer.example", "--json").stdout)
    again = run("token", "--subject", "x", "--issuer", "https://issuer.example")

    assert "signs with its own keys" in " ".join(given.stderr.split())
    assert refused.exit_code == 64
    assert forgotten["keys"] is False
    assert again.exit_code == 0
