"""What a random manifest may wish for: a small model of `hello.yaml` that is always a valid one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

OWNER = "hello"
KEYS = ("api", "bot", "job", "web")
ROLES = ("Group.Read.All", "Mail.Send", "User.Read.All")
SCOPES = ("User.Read", "email", "openid")
OFFERED_ROLES = ("Orders.Read.All", "Orders.Write.All")
OFFERED_SCOPES = ("Orders.Share", "Orders.Use")
RULES = {
    "long": {"lifetime": "90d", "renewBefore": "30d", "overlap": "24h"},
    "short": {"lifetime": "10d", "renewBefore": "3d", "overlap": "2h"},
    "abrupt": {"lifetime": "20d", "renewBefore": "2d", "overlap": "0h"},
}
GRAPH = "Microsoft Graph"
INSIGHTS = "Application Insights API"
"""A resource that the tenant has not met yet."""
IDENTITY = "nightly"


@dataclass(frozen=True)
class Edit:
    """Changes one application of the manifest: its parts become as given; None takes a part out."""

    key: str
    parts: dict[str, Any]


@dataclass(frozen=True)
class Remove:
    """An application leaves the manifest."""

    key: str


@dataclass(frozen=True)
class Rename:
    """An application gets another key."""

    key: str
    to: str


@dataclass(frozen=True)
class Allow:
    """What the managed identity may do; None takes it out of the manifest."""

    roles: list[str] | None


@dataclass(frozen=True)
class Adopt:
    """What an adopted application is to have beside what it has; None takes it out of the manifest."""

    wanted: dict[str, Any] | None


def some(pool: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """A few of these, sorted."""
    return st.lists(st.sampled_from(pool), unique=True, max_size=len(pool)).map(sorted)


def mention(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """These, or no mention at all."""
    return st.none() | values


OFFERS = st.fixed_dictionaries(
    {
        "roles": some(OFFERED_ROLES),
        "scopes": some(OFFERED_SCOPES),
        "words": st.sampled_from(("Orders", "Purchases")),
        "clients": some(KEYS),
        "known": mention(some(KEYS)),
    }
)
ASKS = st.fixed_dictionaries(
    {
        "of": st.sampled_from(KEYS),
        "application": some(OFFERED_ROLES),
        "delegated": some(OFFERED_SCOPES),
    }
)
CREDENTIALS = st.fixed_dictionaries(
    {},
    optional={
        "ci": st.sampled_from(tuple(RULES)),
        "renamed": st.sampled_from(tuple(RULES)),
        "spare": st.sampled_from(tuple(RULES)),
    },
)
TRUSTS: tuple[dict[str, str], ...] = (
    {"hub": "main"},
    {"hub": "release"},
    {"hub": "main", "spoke": "release"},
    {"hub": "release", "spoke": "main"},
    {"spoke": "main"},
)
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "displayName": st.sampled_from(("One", "Two")),
    "description": mention(st.sampled_from(("", "What it is for", "Something else"))),
    "notes": mention(st.sampled_from(("Ask us", "Ask them"))),
    "tags": mention(some(("HideApp", "team:a"))),
    "redirects": mention(some(("https://one.example/in", "https://two.example/in"))),
    "roles": some(ROLES),
    "scopes": some(SCOPES),
    "consent": mention(st.sampled_from(("grant", "request"))),
    "offers": mention(OFFERS),
    "asks": mention(ASKS),
    "insights": st.booleans(),
    "credentials": CREDENTIALS,
    "trust": mention(st.sampled_from(TRUSTS)),
    "owners": mention(some(("AdeleV", "AlexW"))),
    "principalOwners": mention(some(("AdeleV", "AlexW"))),
    "enabled": st.booleans(),
    "assignmentRequired": mention(st.booleans()),
    "preserve": st.booleans(),
}
APPLICATIONS = st.builds(Edit, st.sampled_from(KEYS), st.fixed_dictionaries({}, optional=PARTS))
EDITS = st.one_of(
    APPLICATIONS,
    APPLICATIONS,
    st.builds(Remove, st.sampled_from(KEYS)),
    st.builds(Rename, st.sampled_from(KEYS), st.sampled_from(KEYS)),
    st.builds(Allow, mention(some(ROLES))),
    st.builds(
        Adopt, mention(st.fixed_dictionaries({"roles": some(ROLES), "secret": st.booleans()}))
    ),
)
Change = Edit | Remove | Rename | Allow | Adopt


@dataclass
class Wishes:
    """The manifest as data: what each application is to be, and what the managed identity may do."""

    applications: dict[str, dict[str, Any]] = field(default_factory=dict)
    identity: list[str] | None = None
    adopted: dict[str, Any] | None = None

    def edit(self, change: Change) -> None:
        """Take a change in; one that means nothing here is none."""
        match change:
            case Edit():
                app = self.applications.setdefault(change.key, {"displayName": "One"})
                app.update(change.parts)
            case Remove():
                self.applications.pop(change.key, None)
            case Rename():
                if change.key in self.applications and change.to not in self.applications:
                    self.applications[change.to] = self.applications.pop(change.key)
            case Allow():
                self.identity = change.roles
            case Adopt():
                self.adopted = change.wanted

    def secrets(self, key: str) -> dict[str, tuple[str, str]]:
        """The secrets of an application by name: rules and prefix. One that is renamed keeps its place."""
        wanted = dict(self.applications[key].get("credentials") or {})
        if "ci" in wanted:
            wanted.pop("renamed", None)
        place = {"ci": "A", "renamed": "A", "spare": "B"}
        return {
            name: (rules, f"{key.upper()}_{place[name]}_") for name, rules in sorted(wanted.items())
        }

    def offers(self, key: str) -> dict[str, Any] | None:
        """What an application offers to others, if it says so."""
        return (self.applications.get(key) or {}).get("offers")

    def asked(self, key: str) -> set[tuple[str, str, str]]:
        """Every permission that an application is to have: resource, kind and value."""
        app = self.applications[key]
        wanted = {(GRAPH, "Role", value) for value in app.get("roles") or ()}
        wanted |= {(GRAPH, "Scope", value) for value in app.get("scopes") or ()}
        wanted |= {(INSIGHTS, "Role", "Data.Read")} if app.get("insights") else set()
        asks = app.get("asks")
        offers = self.offers(asks["of"]) if asks and asks["of"] != key else None
        if asks and offers:
            there = {*asks["application"]} & {*offers["roles"]}
            wanted |= {(asks["of"], "Role", value) for value in there}
            there = {*asks["delegated"]} & {*offers["scopes"]}
            wanted |= {(asks["of"], "Scope", value) for value in there}
        return wanted

    def clients(self, key: str) -> list[str]:
        """The clients that an API authorizes in advance."""
        offers = self.offers(key) or {"clients": [], "scopes": []}
        others = [each for each in offers["clients"] if each in self.applications and each != key]
        return others if offers["scopes"] else []

    def known(self, key: str) -> list[str] | None:
        """The clients that are consented to together with an API, if it says so."""
        known = (self.offers(key) or {}).get("known")
        return known and [each for each in known if each in self.applications and each != key]

    def write(self, folder: Path, identity: str, domain: str, more: dict[str, Any]) -> Path:
        """The manifest, in JSON, which is YAML."""
        path = folder / "hello.yaml"
        content: dict[str, Any] = {
            "version": 1,
            "name": OWNER,
            "tenant": "sandbox",
            "applications": {
                **{key: self._app(key, domain) for key in sorted(self.applications)},
                **more,
            },
        }
        if self.identity is not None:
            permissions = {GRAPH: self.identity}
            content["identities"] = {
                IDENTITY: {"managedIdentity": identity, "permissions": permissions}
            }
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
        return path

    def _app(self, key: str, domain: str) -> dict[str, Any]:
        app = self.applications[key]
        said = {
            "displayName": f"{app['displayName']} {key}",
            "permissions": self._permissions(key),
            "preserve": app.get("preserve") or None,
            "credentials": self._credentials(key),
            "servicePrincipal": _said(
                enabled=app.get("enabled"),
                assignmentRequired=app.get("assignmentRequired"),
                owners=_people(app.get("principalOwners"), domain),
            ),
            "owners": _people(app.get("owners"), domain),
        }
        for name in ("description", "notes", "tags", "consent"):
            said[name] = app.get(name)
        if app.get("redirects") is not None:
            said["web"] = {"redirectUris": app["redirects"]}
        return _said(**said, **self._offered(key)) or {}

    def _permissions(self, key: str) -> dict[str, Any] | None:
        found: dict[str, Any] = {}
        kinds = {"Role": "application", "Scope": "delegated"}
        for resource, kind, value in sorted(self.asked(key)):
            found.setdefault(resource, {}).setdefault(kinds[kind], []).append(value)
        return found or None

    def _credentials(self, key: str) -> dict[str, Any] | None:
        found: dict[str, Any] = {
            name: {"secret": {**RULES[rules], "store": {"dotenv": ".env", "prefix": prefix}}}
            for name, (rules, prefix) in self.secrets(key).items()
        }
        for name, branch in (self.applications[key].get("trust") or {}).items():
            github = {"repository": "contoso/shop", "branch": branch}
            found[name] = {"federated": {"github": github}}
        return found or None

    def _offered(self, key: str) -> dict[str, Any]:
        offers = self.offers(key)
        if offers is None:
            return {}
        words = offers["words"]
        role = {"displayName": words, "description": words}
        scope = {
            "type": "User",
            "adminConsentDisplayName": words,
            "adminConsentDescription": words,
        }
        clients = [{"client": each, "scopes": offers["scopes"]} for each in self.clients(key)]
        return {
            "appRoles": dict.fromkeys(offers["roles"], role),
            "api": _said(
                scopes=dict.fromkeys(offers["scopes"], scope),
                preAuthorizedApplications=clients,
                knownClientApplications=self.known(key),
            ),
        }


def _people(names: list[str] | None, domain: str) -> list[str] | None:
    return names and [f"{name}@{domain}" for name in names]


def _said(**parts: Any) -> dict[str, Any] | None:
    return {name: value for name, value in parts.items() if value is not None} or None
