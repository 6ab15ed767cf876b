"""What a single text in a manifest may be: names, durations, tags, paths and requests."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import unquote

from pydantic_core import PydanticCustomError

from provision.model import GRAPH_APP_ID, Call

GRAPH = "Microsoft Graph"
CLOUDS = ("public", "usgov", "usgov-dod", "china")
AUDIENCES = (
    "AzureADMyOrg",
    "AzureADMultipleOrgs",
    "AzureADandPersonalMicrosoftAccount",
    "PersonalMicrosoftAccount",
)
CONSENTS = ("grant", "request")
DEFAULTS = {"lifetime": "90d", "renewBefore": "30d", "overlap": "24h", "prefix": "AZURE_"}
NO_ENDPOINT = (
    "a manifest may name a cloud but never an endpoint",
    "use --login and --graph on the command line",
)

NAME = "[a-z0-9-]{3,30}"
APPLICATION_KEY = "[a-z0-9-]{1,40}"
CREDENTIAL_NAME = "[a-z0-9-]{1,20}"
PREFIX = "[A-Za-z_][A-Za-z0-9_]*"
TENANT = (
    r"sandbox(/[a-z0-9-]{1,40})?"
    r"|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
DURATION = (
    "[0-9]{1,6}[wdhms]|P([0-9]{1,6}W|([0-9]{1,6}D)?(T([0-9]{1,6}H)?([0-9]{1,6}M)?([0-9]{1,6}S)?)?)"
)
TAG = r"\S{1,256}"
CALL = r"(GET|HEAD) /[!-~]*"

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_ISO = re.compile(
    r"P(?=.*[0-9])((?P<weeks>[0-9]{1,6})W|((?P<days>[0-9]{1,6})D)?"
    r"(T(?=[0-9])((?P<hours>[0-9]{1,6})H)?((?P<minutes>[0-9]{1,6})M)?((?P<seconds>[0-9]{1,6})S)?)?)"
)
_LONGEST_CALL = 2048
_TENANT_HINT = "write a tenant id, a verified domain or sandbox"


def mistake(says: str, hint: str = "", **facts: object) -> PydanticCustomError:
    """A refusal; `says` continues a sentence that begins with the refused text in quotes."""
    return PydanticCustomError("mistake", "mistake", {"says": says, "hint": hint, **facts})


def name(text: str) -> str:
    """The manifest's name: it marks what is made in the tenant."""
    return _matched(text, NAME, "is no manifest name: 3 to 30 of a-z, 0-9 and -")


def application_key(text: str) -> str:
    """The name of an application inside its manifest."""
    return _matched(text, APPLICATION_KEY, "is no application key: 1 to 40 of a-z, 0-9 and -")


def credential_name(text: str) -> str:
    """The name of a credential inside its application."""
    return _matched(text, CREDENTIAL_NAME, "is no credential name: 1 to 20 of a-z, 0-9 and -")


def prefix(text: str) -> str:
    """What the keys in a dotenv file begin with."""
    return _matched(
        text, PREFIX, "is no prefix: letters, digits and _, beginning with a letter or _"
    )


def tenant(text: str) -> str:
    """A tenant's id, a verified domain, or the sandbox; it becomes part of an address."""
    if "://" in text:
        raise mistake(f"is an address: {NO_ENDPOINT[0]}", NO_ENDPOINT[1])
    return _matched(text, TENANT, "is no tenant", hint=_TENANT_HINT)


def cloud(text: str) -> str:
    """One of Microsoft's clouds."""
    if "://" in text or "." in text:
        raise mistake(f"is an address: {NO_ENDPOINT[0]}", NO_ENDPOINT[1])
    return _one_of(text, CLOUDS)


def audience(text: str) -> str:
    """Who may sign in to an application."""
    return _one_of(text, AUDIENCES)


def consent(text: str) -> str:
    """Whether permissions are granted, or only asked for."""
    return _one_of(text, CONSENTS)


def version(number: int) -> int:
    """The version of the manifest's own language."""
    if number != 1:
        raise mistake("is no version that this tool reads", "write version: 1")
    return number


def display_name(text: str) -> str:
    """What people see; Graph takes at most 256 characters."""
    if not text.strip():
        raise mistake("is no display name: something must be visible")
    if "\n" in text or "\t" in text:
        raise mistake("is no display name: it must be one line")
    return _at_most(text, 256)


def description(text: str) -> str:
    """A longer text; Graph takes at most 1024 characters."""
    return _at_most(text, 1024)


def tag(text: str) -> str:
    """A tag of an application."""
    if text.lower().startswith("provision:"):
        raise mistake("begins with provision:, which is reserved for our own marks")
    return _matched(text, TAG, "is no tag: 1 to 256 characters without white space")


def dotenv(text: str) -> str:
    """A dotenv file's path, as written."""
    if (
        not text.strip()
        or text.endswith(("/", "\\"))
        or re.split(r"[/\\]", text)[-1] in (".", "..")
    ):
        raise mistake("names no file", "write a path such as .env")
    if text.startswith("~"):
        raise mistake(
            "begins with ~, which is not expanded", "write a path from the manifest's folder"
        )
    if "\n" in text or "\t" in text:
        raise mistake("is no path: it must be one line")
    return text


def lifetime(text: str) -> str:
    """How long a credential works."""
    if not timedelta(hours=1) <= duration(text) <= timedelta(days=3650):
        raise mistake("is no lifetime for a secret: between 1h and 3650d")
    return text


def span(text: str) -> str:
    """A duration, as written."""
    duration(text)
    return text


def duration(text: str) -> timedelta:
    """The time that `90d`, `24h`, `30m`, `45s`, `2w` or ISO 8601, such as `P90D`, means."""
    if found := re.fullmatch("([0-9]{1,6})([wdhms])", text):
        return timedelta(**{_UNITS[found.group(2)]: int(found.group(1))})
    if iso := _ISO.fullmatch(text):
        return timedelta(**{unit: int(count or 0) for unit, count in iso.groupdict().items()})
    raise mistake("is no duration", "write 90d, 24h, 30m, 45s or 2w")


def request(text: str) -> str:
    """A request for the proof, as written."""
    call(text)
    return text


def call(text: str) -> Call:
    """The request that a text such as `GET /users?$top=1` means; it can only go to Graph itself."""
    method, _, target = text.partition(" ")
    if method not in ("GET", "HEAD"):
        raise mistake(
            "is no request that proves something without changing it", _method_hint(method)
        )
    _check_host(target)
    if not re.fullmatch("[!-~]+", target):
        raise mistake(
            "has a character in its path that an address may not have",
            "write it percent-encoded, a space as %20",
        )
    if len(target) > _LONGEST_CALL or "#" in target:
        raise mistake("is no request: no fragment (#), at most 2048 characters")
    _check_path(target.partition("?")[0])
    return Call(method=method, path=target)


def _method_hint(method: str) -> str:
    if method.upper() in ("GET", "HEAD"):
        return f'did you mean "{method.upper()}"?'
    return "write GET or HEAD, a space and a path, such as GET /users?$top=1"


def _check_host(target: str) -> None:
    if "\\" in target:
        raise mistake("contains a backslash", "write a path such as /users?$top=1")
    if re.match("[A-Za-z][A-Za-z0-9+.-]*:", target) or target.startswith("//"):
        raise mistake(
            "names a host: a verify call goes to the chosen cloud's Microsoft Graph only",
            "write only the path, such as /users?$top=1",
        )
    if not target.startswith("/"):
        raise mistake('has no path beginning with "/"', "write a path such as /users?$top=1")


def _check_path(path: str) -> None:
    plain = unquote(unquote(path))
    if "//" in plain or "\\" in plain or ".." in plain.split("/"):
        raise mistake("has a path with //, .. or a backslash in it", "write the plain path")
    if re.match("/(v1.0|beta)(/|$)", plain, re.IGNORECASE):
        raise mistake("names a version of Microsoft Graph", "leave it away: v1.0 is meant")


def resource_hint(text: str) -> str:
    """What to write instead of a resource that is not known."""
    meant = text.lower().replace(" ", "") in ("microsoftgraph", "graph", "msgraph", GRAPH_APP_ID)
    return f'did you mean "{GRAPH}"?' if meant else f'write "{GRAPH}"'


def _one_of(text: str, options: tuple[str, ...]) -> str:
    if text not in options:
        raise mistake(f"is none of {', '.join(options)}", options=options)
    return text


def _at_most(text: str, limit: int) -> str:
    if len(text) > limit:
        raise mistake(f"is too long: {len(text)} characters, and {limit} are allowed")
    return text


def _matched(text: str, pattern: str, says: str, *, hint: str = "") -> str:
    if not re.fullmatch(pattern, text):
        raise mistake(says, hint)
    return text
