"""Who works on the sandbox: operators, machines' identities, and tokens of outside issuers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provision.cli.options import Options, takes_options
from provision.cli.output import say, show, telling_failures, wrong_usage

if TYPE_CHECKING:
    from provision.sandbox.furnish import Operator
    from provision.sandbox.operators import Person
    from provision.sandbox.store import Store
    from provision.sandbox.tenant import Tenant

program = typer.Typer(
    help="Further operators of the sandbox: applications with few permissions, and people.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
identities = typer.Typer(
    help="Managed identities: what a machine in Azure signs in as.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
_EXCHANGE = "api://AzureADTokenExchange"
_USUAL = "https://127.0.0.1:8443"
Settings = Annotated[
    Path | None,
    typer.Option(
        help="Write the settings, secret included, there, as JSON that only you can read; "
        "else they go into the sandbox's folder.",
        metavar="FILE",
    ),
]


@program.command()
@takes_options("tenant", "json")
def add(
    role: Annotated[
        list[str] | None,
        typer.Option(
            help="An application permission of Microsoft Graph; repeatable.", metavar="PERMISSION"
        ),
    ] = None,
    user: Annotated[bool, typer.Option("--user", help="A person, not an application.")] = False,
    directory_role: Annotated[
        list[str] | None,
        typer.Option(
            help='A directory role such as "Application Administrator"; repeatable.',
            metavar="ROLE",
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="What to call it.")] = "operator",
    settings: Settings = None,
    *,
    options: Options,
) -> None:
    """Make an operator with these rights and no others; its secret goes into a file."""
    with telling_failures(options), _tenant(options) as (store, tenant):
        from provision.sandbox import operators

        if user and role:
            raise wrong_usage(
                "--role gives permissions to applications; people hold directory roles",
                hint='For example: --user --directory-role "Application Administrator"',
            )
        held, directory = [*(role or ()), *(directory_role or ())], directory_role or ()
        if user:
            person = operators.add_person(store, tenant, name=name, directory_roles=directory)
            facts = _person(person)
        else:
            facts = _application(
                operators.add_application(
                    tenant, name=name, roles=role or (), directory_roles=directory
                )
            )
        _tell(f"{name} holds {', '.join(held) or 'no permission'}.", name, facts, settings, options)


@program.command()
@takes_options("tenant", "json")
def approve(
    code: Annotated[str, typer.Argument(help="The code that the client shows.")],
    user: Annotated[
        str | None,
        typer.Option(help="Who signs in; else the person added last.", metavar="USERNAME"),
    ] = None,
    *,
    options: Options,
) -> None:
    """Sign a person in at a client that waits with a device code."""
    with telling_failures(options), _tenant(options) as (store, _):
        from provision.sandbox import devices

        name = devices.approve(store, code, user)
        if options.json:
            show(_document("sandbox-approval", {"code": code, "username": name}))
        else:
            say(f"{name} is signed in.")


@identities.command("add")
@takes_options("tenant", "json")
def add_identity(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    settings: Settings = None,
    *,
    options: Options,
) -> None:
    """Make a managed identity; with the variables in its file, ManagedIdentityCredential finds it."""
    with telling_failures(options), _tenant(options) as (_, tenant):
        from provision.sandbox import identities as machines

        made = machines.add(tenant, name)
        facts = {
            "tenantId": made.tenant_id,
            "clientId": made.client_id,
            "principalId": made.principal_id,
            "resourceId": made.resource_id,
            "IDENTITY_HEADER": made.header,
        }
        _tell(f"{name} is a managed identity.", name, facts, settings, options)


@takes_options("tenant", "json")
def token(
    subject: Annotated[str, typer.Option(help="Whom the token is to be about.")],
    audience: Annotated[str, typer.Option(help="Whom it is for.")] = _EXCHANGE,
    issuer: Annotated[
        str | None,
        typer.Option(
            help="Whose token it is to be, for example https://token.actions.githubusercontent.com; "
            "else the sandbox's own issuer's.",
            metavar="URL",
        ),
    ] = None,
    *,
    options: Options,
) -> None:
    """Print a token such as a pipeline or a cluster has; a federated credential exchanges it."""
    with telling_failures(options), _tenant(options) as (store, tenant):
        from provision.sandbox import folder as folders
        from provision.sandbox import issuers

        running = folders.published(folders.nearest(Path.cwd()))
        name = issuer or issuers.local(running.url if running else _USUAL, tenant)
        text = issuers.subject_token(store, tenant, subject, issuer=name, audience=audience)
        if options.json:
            told = {"issuer": name, "subject": subject, "audience": audience, "token": text}
            show(_document("sandbox-token", told))
        else:
            say(f"Issuer {name}")
            show(text)


@takes_options("json")
def trust(
    issuer: Annotated[str, typer.Argument(metavar="URL", help="The issuer, to the letter.")],
    keys: Annotated[
        Path | None,
        typer.Option(help="Its keys, a JSON Web Key Set; without, they are forgotten."),
    ] = None,
    *,
    options: Options,
) -> None:
    """Let an issuer of your own sign what federated credentials exchange."""
    with telling_failures(options), _tenant(options) as (store, _):
        from provision.sandbox import issuers

        issuers.trust(store, issuer, None if keys is None else _key_set(keys))
        if options.json:
            show(_document("sandbox-issuer", {"issuer": issuer, "keys": keys is not None}))
        else:
            whose = "its own keys" if keys else "the sandbox's key"
            say(f"{issuer} signs with {whose} from now on.")


def _application(made: Operator) -> dict[str, str]:
    return {
        "tenantId": made.tenant_id,
        "clientId": made.client_id,
        "clientSecret": made.client_secret,
    }


def _person(made: Person) -> dict[str, str]:
    return {
        "tenantId": made.tenant_id,
        "clientId": made.client_id,
        "username": made.username,
        "password": made.password,
    }


def _key_set(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise wrong_usage(
            f"{path} cannot be read: {error.strerror}", hint="Name a file with the keys."
        ) from error
    return content if isinstance(content, dict) else {}


@contextmanager
def _tenant(options: Options) -> Iterator[tuple[Store, Tenant]]:
    """The tenant that the command is about; what it refuses is the user's to correct."""
    from provision.connect import sandbox_name
    from provision.sandbox import folder as folders

    name = sandbox_name(options.tenant or "sandbox")
    if name is None:
        raise wrong_usage(
            f"{options.tenant} is no sandbox", hint="--tenant sandbox or --tenant sandbox/NAME"
        )
    try:
        with folders.opened(folders.nearest(Path.cwd()), name) as found:
            yield found
    except ValueError as error:
        text = str(error)
        raise wrong_usage(text[:1].upper() + text[1:], hint="See the command's --help.") from error


def _tell(
    what: str, name: str, facts: dict[str, str], settings: Path | None, options: Options
) -> None:
    """Write everything into a file that only its owner can read, and show what is no secret."""
    from provision.sandbox import folder as folders
    from provision.sandbox.authority import write_private

    folder = folders.nearest(Path.cwd())
    running = folders.published(folder)
    if running:
        places = {"url": running.url, "login": running.url, "graph": running.url}
        facts = {**places, **facts, "caBundle": str(running.ca_bundle)}
        if "IDENTITY_HEADER" in facts:
            facts["IDENTITY_ENDPOINT"] = f"{running.url}/msi/token"
    path = settings or folder / "operators" / f"{re.sub(r'[^A-Za-z0-9-]+', '-', name)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, (json.dumps(facts, indent=2) + "\n").encode())
    hidden = ("clientSecret", "password", "IDENTITY_HEADER")
    public = {key: value for key, value in facts.items() if key not in hidden}
    if options.json:
        show(_document("sandbox-operator", {"name": name, **public, "settings": str(path)}))
        return
    width = max(map(len, public))
    show("\n".join(f"{key:<{width}}  {value}" for key, value in public.items()))
    say(f"{what} Its settings, the secret among them, are in {path}")


def _document(kind: str, content: dict[str, Any]) -> str:
    return json.dumps({"format": f"provision/{kind}", "version": 1, **content}, indent=2)
