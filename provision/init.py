"""The manifest that `provision init` writes: commented, and loadable without a mistake."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from provision import permissions as known
from provision.errors import ManifestError, UsageError
from provision.manifest import parse
from provision.risk import tier

_CALLS = {
    "User.Read.All": "GET /users?$top=1",
    "Group.Read.All": "GET /groups?$top=1",
    "Application.Read.All": "GET /applications?$top=1",
    "Organization.Read.All": "GET /organization",
}

_TEXT = """\
{editors}# What this team's workloads are in Microsoft Entra ID.
#   provision plan  FILE    shows what would change
#   provision apply FILE    makes the tenant match, then proves it with a token
#   provision schema        prints a JSON Schema that teaches editors the keys of this file
version: 1

# Marks what is made as this manifest's own. Do not change it later: it is how `provision` finds
# its applications again.
name: {name}

# `sandbox` is a tenant that comes with the tool. For a real one write its id or a verified domain.
tenant: {tenant}

applications:
  # The key is part of the application's identity; the display name may change freely.
  {app}:
    displayName: {display_name}

    # What the workload may do, by itself and without a user: as little as possible.
    permissions:
      Microsoft Graph:{permissions}
{power}
    credentials:
      {credential}:
        secret:
          lifetime: 90d        # how long a secret works
          renewBefore: 30d     # `apply` and `rotate` renew it when less than this is left
          overlap: 24h         # how long the old one lives on beside the new one
          # Where the value goes: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET ...
          # Relative to this file. Keep it out of git.
          store: {{dotenv: {store}, prefix: {prefix}}}
"""

_POWER = """
    # A permission that can lead to control of the whole tenant must be named a second time.
    allowTier0:
"""

_VERIFY = """
    # After the roles in the token, one request that needs them. Only its status is shown.
    verify:
      calls:
"""


def manifest_text(
    name: str,
    app: str,
    permissions: Sequence[str],
    *,
    store: str = ".env",
    prefix: str = "AZURE_",
    credential: str = "ci",
    display_name: str | None = None,
    tenant: str = "sandbox",
    schema: str | None = None,
) -> str:
    """A manifest with one application; what `validate` would refuse is refused here."""
    text = _TEXT.format(
        editors=f"# yaml-language-server: $schema={schema}\n#\n" if schema else "",
        name=_quoted(name),
        tenant=_quoted(tenant),
        app=_key(app),
        display_name=_quoted(display_name or app.replace("-", " ").title()),
        permissions=_list(permissions),
        power=_power(permissions),
        credential=_key(credential),
        store=_quoted(store),
        prefix=_quoted(prefix),
    )
    calls = [_CALLS[each] for each in permissions if each in _CALLS]
    if calls:
        text += _VERIFY + "".join(f"        - {call}\n" for call in calls)
    _check(text)
    return text


def _check(text: str) -> None:
    try:
        parse(text, file="manifest", folder=Path(), environ={}, variables={})
    except ManifestError as error:
        says = "; ".join(
            problem.message + (f" - {problem.hint}" if problem.hint else "")
            for problem in error.problems
        )
        raise UsageError(
            f"No manifest can be made of this: {says}", hint="Correct the options and try again."
        ) from error


def _list(permissions: Sequence[str]) -> str:
    """One permission a line, with what it allows."""
    if not permissions:
        return " []    # such as [User.Read.All]"
    return "".join(f"\n        - {line}" for line in _lines(permissions))


def _power(permissions: Sequence[str]) -> str:
    """Says again what leads to control of the tenant, with the reason."""
    strong = [value for value in permissions if tier(value, "application").tier == 0]
    lines = (f"      - {value}    # {tier(value, 'application').reason}\n" for value in strong)
    return _POWER + "".join(lines) if strong else ""


def _lines(permissions: Sequence[str]) -> Iterator[str]:
    for value in permissions:
        found = known.find(value)
        yield _quoted(value) + (f"    # {found.display_name}" if found else "")


def _key(text: str) -> str:
    """A key is never filled with variables."""
    return text if _bare(text) else json.dumps(text, ensure_ascii=False)


def _quoted(text: str) -> str:
    """A YAML scalar that reads back as exactly this text."""
    return text if _bare(text) else json.dumps(text.replace("${", "$${"), ensure_ascii=False)


def _bare(text: str) -> bool:
    """Whether YAML reads it as this text without quotes."""
    plain = text.replace(" ", "").replace("-", "").replace(".", "").replace("_", "")
    return (
        plain.isascii()
        and plain.isalnum()
        and not plain[:1].isdigit()
        and text[-1] != " "
        and (text[0].isalpha() or text.startswith((".", "_")))
        and text.lower() not in ("null", "true", "false")
    )
