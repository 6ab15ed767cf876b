"""What an address in a manifest may be: where a sign-in returns to, what an API is called, who issues tokens."""

from __future__ import annotations

from provision.manifest.values import at_most, is_guid, matched, mistake, one_of

PLACEHOLDERS = ("{appId}", "{tenantId}")
"""Known only when the application exists; they are filled in then."""

REDIRECT = r"https://[^\s#]+|http://(localhost|127\.0\.0\.1|\[::1\])([:/][^\s#]*)?"
PUBLIC_REDIRECT = r"[A-Za-z][A-Za-z0-9+.-]*:[^\s#]+"
LOGOUT = r"https://[^\s#]+"
HOME_PAGE = r"https?://\S+"
IDENTIFIER = r"(api|https)://[^\s?#*@\\]*[^\s?#*@\\/]"
ISSUER = r"https://[^\s?#]+"
REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}"
NAMESPACE = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
SERVICE_ACCOUNT = "[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"

GITHUB = "https://token.actions.githubusercontent.com"
EXACT_ISSUERS = (
    GITHUB,
    "https://accounts.google.com",
    "https://app.terraform.io",
    "https://gitlab.com",
)
"""Issuers that are one address for everybody: what differs only in case or a last slash is none."""

AUDIENCE = "api://AzureADTokenExchange"
FORMATS = ("names", "ids", "both")
REPOSITORY_ID = "[1-9][0-9]{0,18}"
_LONGEST_TRUST = 600
_SAMPLE = "00000000-0000-0000-0000-000000000000"


def redirect_uri(text: str) -> str:
    """Where a sign-in in a browser returns to."""
    at_most(text, 256)
    says = "is no redirect URI: https://, or http:// on localhost, without # and white space"
    return matched(text, REDIRECT, says)


def public_redirect_uri(text: str) -> str:
    """Where a sign-in in an installed program returns to; it may have a scheme of its own."""
    at_most(text, 256)
    says = "is no redirect URI: a scheme, a colon and an address without # and white space"
    return matched(text, PUBLIC_REDIRECT, says)


def logout_url(text: str) -> str:
    """Where people are signed out."""
    at_most(text, 255)
    return matched(text, LOGOUT, "is no logout URL: it begins with https://")


def home_page(text: str) -> str:
    """Where people find the application."""
    at_most(text, 255)
    return matched(text, HOME_PAGE, "is no home page: it begins with https:// or http://")


def identifier_uri(text: str) -> str:
    """What an API is called in requests for tokens, in one of the forms that the directory takes.

    https://learn.microsoft.com/entra/identity-platform/reference-app-manifest#identifieruris-attribute
    """
    at_most(text, 255)
    bare = text
    for placeholder in PLACEHOLDERS:
        bare = bare.replace(placeholder, _SAMPLE)
    if "{" in bare or "}" in bare:
        raise mistake(
            "has a place to fill in that is not known", "only {appId} and {tenantId} are filled in"
        )
    matched(
        bare,
        IDENTIFIER,
        "is no identifier URI: api:// or https://, without white space, ?, #, *, @ or a last /",
        hint="write api://{appId}",
    )
    scheme, _, rest = bare.partition("://")
    parts = rest.split("/")
    ids = [part for part in (parts[0], parts[-1]) if is_guid(part)]
    if "" in parts or not ("." in parts[0] or (scheme == "api" and ids)):
        raise mistake(
            "names neither the application, nor the tenant, nor a domain",
            "write api://{appId}, api://{tenantId}/NAME or https://VERIFIED-DOMAIN/NAME",
        )
    return text


def issuer(text: str) -> str:
    """Who signs the tokens that are trusted; it is compared letter by letter."""
    at_most(text, _LONGEST_TRUST)
    for exact in EXACT_ISSUERS:
        if text.rstrip("/").lower() == exact and text != exact:
            whose = "GitHub's" if exact == GITHUB else "that"
            raise mistake(
                f"is not quite {whose} issuer, and it must match exactly", f"write {exact}"
            )
    return matched(text, ISSUER, "is no issuer: an address that begins with https://")


def trusted(text: str) -> str:
    """A subject or an audience, compared letter by letter."""
    if not text or text != text.strip() or "\n" in text:
        raise mistake("has white space around it or is empty, and it must match exactly")
    return at_most(text, _LONGEST_TRUST)


def repository(text: str) -> str:
    """A repository of GitHub."""
    return matched(text, REPOSITORY, "is no repository", hint="write OWNER/REPOSITORY")


def repository_id(value: object) -> str:
    """The number that GitHub gives an owner or a repository, written as a number or, from a variable, as text."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise mistake("is no number of GitHub's")
    hint = "ask for it: gh api repos/OWNER/REPOSITORY --jq '.owner.id, .id'"
    return matched(text, REPOSITORY_ID, "is no number of GitHub's", hint=hint)


def subject_format(text: str) -> str:
    """Whether GitHub's tokens name a repository, or name it with its numbers."""
    return one_of(text, FORMATS)


def git_name(text: str) -> str:
    """A branch, a tag or an environment of a repository, without what git puts before it."""
    if text.startswith("refs/"):
        raise mistake("begins with refs/, which is added anyway", "write the bare name")
    if not text or text != text.strip() or "*" in text or "\n" in text:
        raise mistake(
            "is no name: it must match exactly, and has no white space around it and no *"
        )
    return at_most(text, 255)


def namespace(text: str) -> str:
    """A namespace of Kubernetes."""
    return matched(text, NAMESPACE, "is no namespace: 1 to 63 of a-z, 0-9 and -")


def service_account(text: str) -> str:
    """A service account of Kubernetes."""
    says = "is no service account: 1 to 253 of a-z, 0-9, - and ."
    return matched(text, SERVICE_ACCOUNT, says)
