"""The global options, once: every command that talks to a tenant takes them all."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user said with global options."""

    tenant: str | None = None
    env: str | None = None
    cloud: str | None = None
    auth: str | None = None
    target: tuple[str, ...] = ()
    var: tuple[str, ...] = ()
    json: bool = False
    no_color: bool = False
    log_file: Path | None = None
    debug: bool = False
    login: str | None = None
    graph: str | None = None
    ca_bundle: Path | None = None
    real_stores: bool = False


TABLE: dict[str, Any] = {
    "tenant": Annotated[
        str | None,
        typer.Option(
            help="Tenant id or domain; `sandbox` is the embedded tenant.", metavar="TENANT"
        ),
    ],
    "env": Annotated[
        str | None,
        typer.Option(help="Which of the manifest's environments is meant.", metavar="NAME"),
    ],
    "cloud": Annotated[
        str | None, typer.Option(help="public, usgov, usgov-dod or china.", metavar="CLOUD")
    ],
    "auth": Annotated[
        str | None,
        typer.Option(
            help="Sign in this way only: env, oidc, workload, cli, powershell, browser, device-code, "
            "managed-identity.",
            metavar="HOW",
        ),
    ],
    "target": Annotated[
        list[str] | None,
        typer.Option(
            help="Only this application; with rotate, only this credential of it; repeatable.",
            metavar="APP[/CRED]",
        ),
    ],
    "var": Annotated[
        list[str] | None,
        typer.Option(help="A value for ${NAME} in the manifest; repeatable.", metavar="NAME=VALUE"),
    ],
    "json": Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")],
    "no_color": Annotated[bool, typer.Option("--no-color", help="No colours (as NO_COLOR=1).")],
    "log_file": Annotated[
        Path | None, typer.Option(help="Write a log of every request there.", metavar="FILE")
    ],
    "debug": Annotated[bool, typer.Option("--debug", help="Log every request to stderr.")],
    "login": Annotated[
        str | None, typer.Option(help="Login host of a private cloud (https).", metavar="URL")
    ],
    "graph": Annotated[
        str | None, typer.Option(help="Graph host of a private cloud (https).", metavar="URL")
    ],
    "ca_bundle": Annotated[
        Path | None, typer.Option(help="Certificates to trust, PEM.", metavar="FILE")
    ],
    "real_stores": Annotated[
        bool,
        typer.Option("--real-stores", help="Let the sandbox write to the manifest's real stores."),
    ],
}
"""Name, type, help: adding a global option is a line here and a field above."""

ENVIRONMENT = {
    "login": "PROVISION_LOGIN",
    "graph": "PROVISION_GRAPH",
    "ca_bundle": "PROVISION_CA_BUNDLE",
}
"""Options that an environment variable may give."""


def takes_options(*names: str) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Add global options to a command's own; it gets them as one keyword argument, `options`.

    Without names, all of them.
    """
    chosen = names or tuple(TABLE)

    def decorate(command: Callable[..., Result]) -> Callable[..., Result]:
        own = inspect.signature(command, eval_str=True)
        ours = [p for p in own.parameters.values() if p.name != "options"]
        added = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=False if TABLE[name].__origin__ is bool else None,
                annotation=TABLE[name],
            )
            for name in chosen
        ]

        @wraps(command)
        def run(*args: Any, **given: Any) -> Result:
            values = {name: given.pop(name) for name in chosen}
            return command(*args, **given, options=read(values))

        run.__signature__ = own.replace(  # type: ignore[attr-defined]
            parameters=[*ours, *added], return_annotation=None
        )
        return run

    return decorate


def read(values: dict[str, Any]) -> Options:
    """Options as data; an environment variable speaks where the command line is silent."""
    import os

    for name, variable in ENVIRONMENT.items():
        if name in values and values[name] is None and os.environ.get(variable):
            text = os.environ[variable]
            values[name] = Path(text) if name == "ca_bundle" else text
    for name in ("target", "var"):
        values[name] = tuple(values.get(name) or ())
    return Options(**values)
