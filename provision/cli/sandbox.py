"""The embedded tenant as a server for other clients."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from provision.cli.options import Options, takes_options
from provision.cli.output import look, say, show, telling_failures, wrong_usage

program = typer.Typer(
    help="The embedded tenant: serve it for other clients, look into it, move its clock.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@program.command()
@takes_options("json")
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8443,
    settings: Annotated[
        Path | None,
        typer.Option(
            help="Write url, login, graph, tenantId, clientId, clientSecret and caBundle there, "
            "as JSON that only you can read.",
            metavar="FILE",
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="Which tenant the settings are for.")] = "default",
    profile: Annotated[
        str, typer.Option(help="How it lags: strong, typical, slow or adverse.")
    ] = "typical",
    scale: Annotated[
        float, typer.Option(min=0.001, help="How many times faster than the real service.")
    ] = 20.0,
    seed: Annotated[int | None, typer.Option(help="Makes its chances repeatable.")] = None,
    *,
    options: Options,
) -> None:
    """Serve the sandbox on 127.0.0.1 until Ctrl-C or SIGTERM; other commands then use this one."""
    with telling_failures(options):
        from provision.connect import sandbox_folder
        from provision.sandbox import server

        folder, written = sandbox_folder(Path.cwd()), False
        try:
            with server.serve(
                folder,
                port=port,
                profile=profile,
                scale=scale,
                seed=seed,
                name=name,
                in_thread=False,
                wait=say,
            ) as running:
                facts = _facts(running.url, running.operator(name), running.ca_bundle)
                if settings:
                    _write_settings(settings, facts)
                    written = True
                _announce(facts, settings, options)
                running.run()
        except server.Occupied as occupied:
            raise wrong_usage(
                f"This sandbox is served already, at {occupied.running.url}",
                hint="Use that one, stop it, or start another in another folder.",
            ) from occupied
        except (ValueError, OSError) as error:
            raise wrong_usage(
                f"The sandbox cannot be served: {error}", hint="Try --port 0."
            ) from error
        finally:
            if settings and written:
                settings.unlink(missing_ok=True)
        say("The sandbox has stopped.")


def _facts(url: str, operator: dict[str, str], ca_bundle: Path) -> dict[str, str]:
    return {
        "url": url,
        "login": url,
        "graph": url,
        **operator,
        "caBundle": str(ca_bundle.absolute()),
    }


def _write_settings(path: Path, facts: dict[str, str]) -> None:
    """Owner-only from its first byte on: the file holds the operator's secret."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(facts, indent=2) + "\n")


def _announce(facts: dict[str, str], settings: Path | None, options: Options) -> None:
    """What other clients need, ready to paste; the operator's secret stays in its file."""
    where = settings or sandbox_file("operator.json")
    if options.json:
        public = {key: value for key, value in facts.items() if key != "clientSecret"}
        show(json.dumps({"format": "provision/sandbox", "version": 1, **public}, indent=2))
        return
    show(
        "\n".join(
            [
                f"The sandbox serves at {facts['url']}",
                f"It imitates Microsoft Entra ID and Microsoft Graph for tests; the operator's secret is in {where}",
                "",
                "# bash",
                f"export AZURE_AUTHORITY_HOST={facts['login']}",
                f"export AZURE_TENANT_ID={facts['tenantId']}",
                f"export AZURE_CLIENT_ID={facts['clientId']}",
                f"export REQUESTS_CA_BUNDLE={facts['caBundle']}",
                "",
                "# azure-identity",
                f'ClientSecretCredential("{facts["tenantId"]}", "{facts["clientId"]}", secret,',
                f'    authority="{facts["login"]}", disable_instance_discovery=True,',
                f'    connection_verify="{facts["caBundle"]}")',
                "",
                "Ctrl-C stops it.",
            ]
        )
    )


def sandbox_file(name: str) -> Path:
    """A file of the sandbox that commands run from here use."""
    from provision.connect import sandbox_folder

    return sandbox_folder(Path.cwd()) / name


@program.command()
@takes_options("json", "no_color")
def status(*, options: Options) -> None:
    """Show which tenants there are and what is in them."""
    with telling_failures(options):
        import sys

        from provision.render import text
        from provision.sandbox import folder as folders

        about = folders.status(sandbox_file(""))
        if options.json:
            show(
                json.dumps({"format": "provision/sandbox-status", "version": 1, **about}, indent=2)
            )
            return
        if not about["exists"]:
            say(
                f"There is no sandbox in {about['folder']} yet: any command with --tenant sandbox makes it."
            )
            return
        server = about["server"]
        show(f"Folder  {about['folder']}")
        show(f"Server  {server['url'] if server else 'not running'}")
        show(f"Clock   {about['now']}\n")
        show(text.table_text(("tenant", "id", "objects"), _rows(about), look(sys.stdout, options)))


def _rows(about: dict[str, Any]) -> list[list[str]]:
    return [
        [
            "sandbox" if tenant["name"] == "default" else f"sandbox/{tenant['name']}",
            tenant["tenantId"],
            ", ".join(f"{count} {kind}" for kind, count in sorted(tenant["objects"].items())),
        ]
        for tenant in about["tenants"]
    ]


@program.command()
@takes_options("json")
def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    *,
    options: Options,
) -> None:
    """Forget everything in the sandbox and begin with an empty tenant."""
    with telling_failures(options):
        import sys

        from provision.sandbox import folder as folders

        folder = sandbox_file("")
        if not yes:
            if not sys.stdin.isatty():
                raise wrong_usage("There is no terminal to ask on", hint="Run it again with --yes.")
            typer.confirm(f"Forget the sandbox in {folder}?", abort=True, err=True)
        about = folders.reset(folder)
        if options.json:
            show(
                json.dumps({"format": "provision/sandbox-status", "version": 1, **about}, indent=2)
            )
        else:
            say(f"The sandbox in {folder} is empty again.")


@program.command()
@takes_options("json")
def advance(
    by: Annotated[str, typer.Argument(metavar="DURATION", help="For example 31d or 12h.")],
    *,
    options: Options,
) -> None:
    """Move the sandbox's clock forward: secrets age, deleted items are purged."""
    with telling_failures(options):
        from provision.sandbox import folder as folders

        now = folders.advance(sandbox_file(""), _duration(by))
        if options.json:
            show(
                json.dumps(
                    {"format": "provision/sandbox-clock", "version": 1, "now": now.isoformat()}
                )
            )
        else:
            say(f"In the sandbox it is now {now:%Y-%m-%d %H:%M:%S} UTC.")


def _duration(text: str) -> timedelta:
    from provision.manifest.values import duration

    try:
        return duration(text)
    except ValueError as error:
        raise wrong_usage(f'"{text}" is no duration', hint="For example 31d, 12h or 30m") from error
