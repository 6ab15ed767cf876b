"""`provision sandbox serve`: the embedded tenant for other programs, until somebody stops it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provision.cli.options import Options, takes_options
from provision.cli.output import say, show, telling_failures, wrong_usage

if TYPE_CHECKING:
    from provision.sandbox.journal import Entry
    from provision.sandbox.server import Server

_SPEED = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wishes:
    """What is to be served, and what is to be told of it."""

    name: str
    settings: Path | None
    faults: tuple[str, ...]
    control: str
    shell: str
    quiet: bool
    serving: dict[str, Any]


_Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")]
_Settings = Annotated[
    Path | None,
    typer.Option(
        help="Write url, login, graph, tenantId, clientId, clientSecret and caBundle there, "
        "as JSON that only you can read.",
        metavar="FILE",
    ),
]
_Name = Annotated[str, typer.Option(help="Which tenant the settings are for.")]
_Profile = Annotated[str, typer.Option(help="How it lags: strong, typical, slow or adverse.")]
_Scale = Annotated[
    float, typer.Option(min=0.001, help="How many times faster than the real service.")
]
_Seed = Annotated[int | None, typer.Option(help="Makes its chances repeatable.")]
_Throttle = Annotated[
    float, typer.Option(min=0, help="Shrinks the real limits: 0.01 is a hundredth, 0 is none.")
]
_Fault = Annotated[
    list[str] | None,
    typer.Option(help="Let requests go wrong, as written above; repeatable.", metavar="RULE"),
]
_Control = Annotated[
    bool,
    typer.Option("--control", help="Open /sandbox/faults, /sandbox/requests and /sandbox/clock."),
]
_Host = Annotated[
    list[str] | None,
    typer.Option(help="A further name in the certificate; repeatable.", metavar="NAME"),
]
_Shell = Annotated[str | None, typer.Option(help="What to print blocks for: bash or powershell.")]
_Quiet = Annotated[bool, typer.Option("--quiet", help="No line for each request.")]


@takes_options("json")
def serve(
    port: _Port = 8443,
    settings: _Settings = None,
    name: _Name = "default",
    profile: _Profile = "typical",
    scale: _Scale = _SPEED,
    seed: _Seed = None,
    throttle: _Throttle = 1.0,
    fault: _Fault = None,
    control: _Control = False,
    host: _Host = None,
    shell: _Shell = None,
    quiet: _Quiet = False,
    *,
    options: Options,
) -> None:
    """Serve the sandbox on 127.0.0.1 until Ctrl-C or SIGTERM; other commands then use this one.

    A fault is a RULE, for example "POST /applications.*addPassword 2 504":

    \b
    METHOD PATH [WHICH] OUTCOME [OPTION...]
      METHOD   GET, POST|PATCH, or * for any
      PATH     a regular expression, searched in path and query
      WHICH    3 is the third that matches, */3 every third; else each
      OUTCOME  504         answered instead of doing it
               504-after   answered although it was done
               lag         404, as a replica that does not know it yet
               delay:2s    answered late
               drop        the connection breaks before it is done
               drop-after  the connection breaks after it was done
               down        every connection breaks, from WHICH on
      OPTION   retry-after:SECONDS  code:CODE  run:NAME
    """
    with telling_failures(options):
        serving = {"port": port, "profile": profile, "scale": scale, "seed": seed}
        wishes = _Wishes(
            name=name,
            settings=settings,
            faults=tuple(fault or ()),
            control=_new_token() if control else "",
            shell=_known(shell),
            quiet=quiet,
            serving={**serving, "throttle": throttle, "names": tuple(host or ())},
        )
        _serve(wishes, options)
        say("The sandbox has stopped.")


def _serve(wishes: _Wishes, options: Options) -> None:
    from provision.sandbox import folder as folders
    from provision.sandbox import server
    from provision.sandbox.fault_text import parse

    try:
        faults = [parse(text) for text in wishes.faults]
    except ValueError as error:
        raise wrong_usage(
            f"--fault: {error}", hint="See: provision sandbox serve --help"
        ) from error
    try:
        with server.serve(
            folders.nearest(Path.cwd()),
            name=wishes.name,
            in_thread=False,
            wait=say,
            control=wishes.control,
            **wishes.serving,
        ) as running:
            running.faults.add(*faults)
            if not wishes.quiet:
                running.requests.listen(_log)
            facts = _facts(running, wishes)
            with _written(wishes.settings, facts):
                _announce(running, facts, wishes, options)
                running.run()
    except server.Occupied as occupied:
        raise wrong_usage(
            f"This sandbox is served already, at {occupied.running.url}",
            hint="Use that one, stop it, or start another in another folder.",
        ) from occupied
    except OSError as error:
        raise wrong_usage(f"The sandbox cannot be served: {error}", hint="Try --port 0.") from error
    except ValueError as error:
        raise wrong_usage(
            f"The sandbox cannot be served: {error}", hint="See: provision sandbox serve --help"
        ) from error


def _log(entry: Entry) -> None:
    """One line for each request; whoever stopped reading does not stop the server."""
    from provision.sandbox.journal import without_secrets

    status = str(entry.status) if entry.status else "---"
    took = f"{entry.seconds * 1000:.0f} ms"
    try:
        sys.stderr.write(f"{entry.method} {without_secrets(entry.path)} {status} {took}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def _facts(running: Server, wishes: _Wishes) -> dict[str, str]:
    facts = {
        "url": running.url,
        "login": running.url,
        "graph": running.url,
        **running.operator(wishes.name),
        "caBundle": str(running.ca_bundle.absolute()),
    }
    if wishes.control:
        facts |= {"control": f"{running.url}/sandbox", "controlToken": wishes.control}
    return facts


@contextmanager
def _written(path: Path | None, facts: dict[str, str]) -> Iterator[None]:
    """The settings as a file while the server runs; owner-only from its first byte on: it holds a secret."""
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(facts, indent=2) + "\n")
    # In one step: who waits for the file never reads half of it.
    new.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _announce(running: Server, facts: dict[str, str], wishes: _Wishes, options: Options) -> None:
    """What other clients need, ready to paste; the operator's secret stays in its file."""
    from provision.cli import recipes

    if options.json:
        # The control token has to be told somewhere: here only when no file takes it.
        hidden = {"clientSecret", "controlToken"} if wishes.settings else {"clientSecret"}
        public = {key: value for key, value in facts.items() if key not in hidden}
        show(json.dumps({"format": "provision/sandbox", "version": 1, **public}, indent=2))
        _flush()
        return
    where = wishes.settings or running.folder / "operator.json"
    place = recipes.Place(
        url=facts["url"],
        tenant_id=facts["tenantId"],
        client_id=facts["clientId"],
        ca_bundle=facts["caBundle"],
        secret_file=where,
        within="" if wishes.settings else wishes.name,
    )
    show(f"The sandbox serves at {facts['url']}")
    show("It imitates Microsoft Entra ID and Microsoft Graph for tests.")
    show(f"The operator's secret is in {where}")
    if wishes.control:
        token = f"is in {wishes.settings}" if wishes.settings else wishes.control
        show(f"It is controlled at {facts['control']}; the token: {token}")
    show(f"\n{recipes.blocks(place, wishes.shell)}")
    show("Ctrl-C stops it.")
    _flush()


def _flush() -> None:
    sys.stdout.flush()


def _known(wanted: str | None) -> str:
    from provision.cli.recipes import SHELLS

    shell = wanted or ("powershell" if os.name == "nt" else "bash")
    if shell not in SHELLS:
        raise wrong_usage(f'--shell does not know "{shell}"', hint=f"Choose: {', '.join(SHELLS)}")
    return shell


def _new_token() -> str:
    from secrets import token_urlsafe

    return token_urlsafe(32)
