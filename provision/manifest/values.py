"""What a single text in a manifest may be: names, durations, tags, paths and requests."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import unquote

from pydantic_core import PydanticCustomError

from provision.model import Call

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
ENVIRONMENT = "[a-z0-9-]{1,20}"
VARIABLE = "[A-Za-z_][A-Za-z0-9_]*"
GUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
CREDENTIAL_NAME = "[a-z0-9-]{1,20}"
PREFIX = "[A-Za-z_][A-Za-z0-9_]*"
TENANT = (
    r"sandbox(/[a-z0-9-]{1,40})?"
    rf"|{GUID}"
    r"|([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
DURATION = (
    "[0-9]{1,6}[wdhms]|P([0-9]{1,6}W|([0-9]{1,6}D)?(T([0-9]{1,6}H)?([0-9]{1,6}M)?([0-9]{1,6}S)?)?)"
)
TAG = r"\S{1,256}"
CALL = r"(GET|HEAD) /[!-~]*"
PERMISSION = r"[0-9A-Za-z:!#$%&'()*+,\-./;=?@\[\]^_{}~]{1,120}"
OFFERED = r"[0-9A-Za-z:!#$%&'()*+,\-/;=?@\[\]^_{}~][0-9A-Za-z:!#$%&'()*+,\-./;=?@\[\]^_{}~]{0,119}"
OWNER = rf"{GUID}|[^\s@/?#]+@[^\s@/?#]+"
CLIENT = rf"{GUID}|{APPLICATION_KEY}"
MEMBERS = ("Application", "User")
SCOPE_TYPES = ("Admin", "User")
_CLAIM = "None|SecurityGroup|All|DirectoryRole|ApplicationGroup"
GROUP_CLAIMS = rf"({_CLAIM})(, ?({_CLAIM}))*"

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
    return matched(text, NAME, "is no manifest name: 3 to 30 of a-z, 0-9 and -")


def application_key(text: str) -> str:
    """The name of an application inside its manifest; an appId would be taken for another one."""
    if is_guid(text):
        raise mistake("is no application key: it looks like an appId")
    return matched(text, APPLICATION_KEY, "is no application key: 1 to 40 of a-z, 0-9 and -")


def credential_name(text: str) -> str:
    """The name of a credential inside its application."""
    return matched(text, CREDENTIAL_NAME, "is no credential name: 1 to 20 of a-z, 0-9 and -")


def identity_key(text: str) -> str:
    """The name of a managed identity inside its manifest."""
    return matched(text, APPLICATION_KEY, "is no identity key: 1 to 40 of a-z, 0-9 and -")


def environment(text: str) -> str:
    """The name of an environment: it becomes a part of the owner's name."""
    return matched(text, ENVIRONMENT, "is no environment name: 1 to 20 of a-z, 0-9 and -")


def variable(text: str) -> str:
    """The name of a variable."""
    says = "is no variable name: letters, digits and _, beginning with a letter or _"
    return matched(text, VARIABLE, says)


def guid(text: str) -> str:
    """An id of the directory, in lower case as the directory writes it."""
    hint = "write it as 00000000-0000-0000-0000-000000000000"
    return matched(text, GUID, "is no id", hint=hint).lower()


def is_guid(text: str) -> bool:
    """Whether a text has the form of the directory's ids."""
    return bool(re.fullmatch(GUID, text))


def resource(text: str) -> str:
    """What a resource is called: a display name, an appId, or the key of an application."""
    if not text.strip() or "\n" in text or "\t" in text:
        raise mistake("is no resource: write its display name, its appId or an application's key")
    at_most(text, 256)
    return text.lower() if is_guid(text) else text


def permission(text: str) -> str:
    """The name of a permission that some resource offers."""
    return matched(text, PERMISSION, "is no name of a permission: it has no spaces")


def offered(text: str) -> str:
    """The value of an app role or a scope: it stands in tokens."""
    says = "cannot stand in a token: 1 to 120 letters, digits and signs, no space, no leading dot"
    return matched(text, OFFERED, says)


def member(text: str) -> str:
    """Who may be given an app role."""
    return one_of(text, MEMBERS)


def scope_type(text: str) -> str:
    """Who may consent to a scope."""
    return one_of(text, SCOPE_TYPES)


def token_version(number: int) -> int:
    """Which form the tokens for an API have."""
    if number not in (1, 2):
        raise mistake("is no version of access tokens", "write 2, or 1 for an older API")
    return number


def group_claims(text: str) -> str:
    """Which groups stand in tokens."""
    return matched(
        text,
        GROUP_CLAIMS,
        "is none of None, SecurityGroup, All, DirectoryRole, ApplicationGroup, or several with commas",
    )


def owner(text: str) -> str:
    """An owner by object id or user principal name."""
    says = "is no owner: write an object id, or a user principal name such as ana@contoso.com"
    return matched(text, OWNER, says)


def client(text: str) -> str:
    """A client by appId, or by its key in the manifest."""
    if is_guid(text):
        return text.lower()
    says = "is no client: write an appId, or the key of an application of this manifest"
    return matched(text, APPLICATION_KEY, says)


def line(text: str) -> str:
    """A short text that people see when they are asked to consent."""
    if not text.strip() or "\n" in text or "\t" in text:
        raise mistake("is no text for people: one visible line")
    return at_most(text, 1024)


def prefix(text: str) -> str:
    """What the keys in a dotenv file begin with."""
    return matched(
        text, PREFIX, "is no prefix: letters, digits and _, beginning with a letter or _"
    )


def tenant(text: str) -> str:
    """A tenant's id, a verified domain, or the sandbox; it becomes part of an address."""
    if "://" in text:
        raise mistake(f"is an address: {NO_ENDPOINT[0]}", NO_ENDPOINT[1])
    return matched(text, TENANT, "is no tenant", hint=_TENANT_HINT)


def cloud(text: str) -> str:
    """One of Microsoft's clouds."""
    if "://" in text or "." in text:
        raise mistake(f"is an address: {NO_ENDPOINT[0]}", NO_ENDPOINT[1])
    return one_of(text, CLOUDS)


def audience(text: str) -> str:
    """Who may sign in to an application."""
    return one_of(text, AUDIENCES)


def consent(text: str) -> str:
    """Whether permissions are granted, or only asked for."""
    return one_of(text, CONSENTS)


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
    return at_most(text, 256)


def description(text: str) -> str:
    """A longer text; Graph takes at most 1024 characters."""
    return at_most(text, 1024)


def tag(text: str) -> str:
    """A tag of an application."""
    if text.lower().startswith("provision:"):
        raise mistake("begins with provision:, which is reserved for our own marks")
    return matched(text, TAG, "is no tag: 1 to 256 characters without white space")


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


def one_of(text: str, options: tuple[str, ...]) -> str:
    """A text out of a few."""
    if text not in options:
        raise mistake(f"is none of {', '.join(options)}", options=options)
    return text


def at_most(text: str, limit: int) -> str:
    """A text that is not too long."""
    if len(text) > limit:
        raise mistake(f"is too long: {len(text)} characters, and {limit} are allowed")
    return text


def matched(text: str, pattern: str, says: str, *, hint: str = "") -> str:
    """A text of a certain form."""
    if not re.fullmatch(pattern, text):
        raise mistake(says, hint)
    return text
