"""What an application offers and who is named in it: unique values, known clients, owners, addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.errors import Problem
from provision.manifest import values
from provision.manifest.marks import Node, shown
from provision.manifest.mistakes import Guesses
from provision.manifest.nodes import (
    applications,
    child,
    entries,
    items,
    mark_of,
    place,
    problem,
    repeated,
    text,
    texts,
)
from provision.manifest.permission_rules import asked_of
from provision.manifest.spec import Mark

MOST_ENTRIES = 1200
"""Over all lists of an application: what the directory takes as one object."""
MOST_OFFERED = 700
MOST_OWNERS = 100
MOST_REDIRECTS, MOST_PERSONAL_REDIRECTS = 256, 100
MOST_PERSONAL_IDENTIFIERS = 50
LONGEST_PERSONAL_SCOPE = 40
CLIENTS = ("web", "spa", "publicClient")
PERSONAL = ("AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount")


def broken(root: Node) -> Iterator[Problem]:
    """Every mistake in what applications offer and where they are reached."""
    yield from _nameless(root)
    guesses = Guesses()
    for key, application in applications(root).items():
        if (count := _entries_of(application)) > MOST_ENTRIES:
            yield problem(
                mark_of(child(root, "applications"), key),
                f'"{shown(key)}" has {count} entries in all its lists, and the directory takes '
                f"{MOST_ENTRIES} of one application",
            )
        yield from repeated(texts(child(application, "tags")), "tag")
        yield from repeated(texts(child(application, "servicePrincipal", "tags")), "tag")
        yield from _owners(application)
        yield from _redirects(application)
        yield from _offered(application)
        yield from _clients(root, application, guesses)
        yield from _personal(application)
        for claims in entries(child(application, "optionalClaims")).values():
            names = [child(claim, "name") for claim in items(claims)]
            yield from repeated([each for each in names if each and text(each)], "claim")
    yield from _held_twice(root)
    yield from _keys(root)


def _entries_of(application: Node) -> int:
    """https://learn.microsoft.com/entra/identity-platform/reference-app-manifest#manifest-limits"""
    api = child(application, "api")
    lists = [
        items(child(application, "tags")),
        items(child(application, "identifierUris")),
        *(items(child(application, each, "redirectUris")) for each in CLIENTS),
        *(items(each) for each in entries(child(application, "optionalClaims")).values()),
        entries(child(application, "appRoles")),
        entries(child(api, "scopes")),
        items(child(api, "preAuthorizedApplications")),
        items(child(api, "knownClientApplications")),
        asked_of(application),
    ]
    return sum(len(each) for each in lists)


def _nameless(root: Node) -> Iterator[Problem]:
    """An adopted application has a name already, and perhaps one that no manifest may give."""
    for name, application in applications(root).items():
        said = entries(application)
        if isinstance(application.value, dict) and not {"displayName", "adopt"} & said.keys():
            yield problem(
                mark_of(child(root, "applications"), name), 'the key "displayName" is missing'
            )


def _owners(application: Node) -> Iterator[Problem]:
    for holder in (application, child(application, "servicePrincipal")):
        found = texts(child(holder, "owners"))
        yield from repeated(found, "owner", folded=True)
        if len(found) > MOST_OWNERS:
            yield problem(
                found[MOST_OWNERS].mark, f"there may be {MOST_OWNERS} owners, and here are more"
            )


def _redirects(application: Node) -> Iterator[Problem]:
    """One address can belong to one kind of client only."""
    found = [
        node for client in CLIENTS for node in texts(child(application, client, "redirectUris"))
    ]
    yield from repeated(found, "redirect URI")
    most = MOST_PERSONAL_REDIRECTS if _is_personal(application) else MOST_REDIRECTS
    if len(found) > most:
        yield problem(
            found[most].mark, f"an application may have {most} redirect URIs, and here are more"
        )


def _offered(application: Node) -> Iterator[Problem]:
    roles, scopes = child(application, "appRoles"), child(application, "api", "scopes")
    for value, role in entries(roles).items():
        members = child(role, "allowedMemberTypes")
        if members is not None and members.value == ():
            yield problem(
                members.mark, "nobody could have this role", "write [Application], [User] or both"
            )
        yield from repeated(texts(members), "member type")
        if value in entries(scopes) and _enabled(role) and _enabled(entries(scopes)[value]):
            yield problem(
                mark_of(scopes, value),
                f'"{shown(value)}" is an app role already, and a value stands for one thing',
                f"the app role is at {place(mark_of(roles, value))}",
            )
    marks = [mark_of(holder, value) for holder in (roles, scopes) for value in entries(holder)]
    if len(marks) > MOST_OFFERED:
        yield problem(
            marks[MOST_OFFERED],
            f"an application may offer {MOST_OFFERED} roles and scopes, and here are more",
        )


def _enabled(offered: Node) -> bool:
    said = child(offered, "enabled")
    return said is None or said.value is not False


def _clients(root: Node, application: Node, guesses: Guesses) -> Iterator[Problem]:
    api = child(application, "api")
    scopes = entries(child(api, "scopes"))
    adopted = child(application, "adopt") is not None and child(api, "scopes") is None
    known = texts(child(api, "knownClientApplications"))
    listed = items(child(api, "preAuthorizedApplications"))
    named = [child(each, "client") for each in listed]
    allowed = [each for each in named if each is not None and text(each)]
    for clients, what in ((known, "known client"), (allowed, "pre-authorised client")):
        yield from repeated(clients, what, folded=True)
        for node in clients:
            yield from _unknown_client(node, applications(root), guesses)
    for each in listed:
        wanted = texts(child(each, "scopes"))
        yield from repeated(wanted, "scope")
        for node in wanted:
            if str(node.value) not in scopes and not adopted:
                yield problem(
                    node.mark,
                    f'"{shown(node.text)}" is no scope of this application',
                    guesses.meant(node.text, scopes)
                    or "a client can be given this API's own scopes only",
                )


def _unknown_client(node: Node, known: Mapping[str, Node], guesses: Guesses) -> Iterator[Problem]:
    name = str(node.value)
    if name not in known and not values.is_guid(name):
        yield problem(
            node.mark,
            f'"{shown(node.text)}" is no application of this manifest',
            guesses.meant(node.text, known) or "another application is named by its appId",
        )


def _is_personal(application: Node) -> bool:
    return text(child(application, "signInAudience")) in PERSONAL


def _personal(application: Node) -> Iterator[Problem]:
    """https://learn.microsoft.com/entra/identity-platform/supported-accounts-validation"""
    if not _is_personal(application):
        return
    version = child(application, "api", "requestedAccessTokenVersion")
    if version is None or version.value != 2:
        yield problem(
            mark_of(application, "signInAudience") if version is None else version.mark,
            "with personal accounts, api.requestedAccessTokenVersion must be 2",
            "write api: {requestedAccessTokenVersion: 2}",
        )
    uris = texts(child(application, "identifierUris"))
    if len(uris) > MOST_PERSONAL_IDENTIFIERS:
        yield problem(
            uris[MOST_PERSONAL_IDENTIFIERS].mark,
            f"with personal accounts there may be {MOST_PERSONAL_IDENTIFIERS} identifier URIs",
        )
    for node in uris:
        if len(str(node.value)) > 120:
            yield problem(node.mark, "with personal accounts an identifier URI has 120 characters")
    scopes = child(application, "api", "scopes")
    for value in entries(scopes):
        if len(value) > LONGEST_PERSONAL_SCOPE:
            yield problem(
                mark_of(scopes, value),
                f'"{shown(value)}" is too long: with personal accounts a scope has '
                f"{LONGEST_PERSONAL_SCOPE} characters",
            )


def _held_twice(root: Node) -> Iterator[Problem]:
    """What only one application of a tenant can have."""
    adopted: dict[str, Mark] = {}
    uris: dict[str, Mark] = {}
    for application in applications(root).values():
        app_id = child(application, "adopt", "appId")
        if app_id is not None and text(app_id):
            yield from _second(app_id, adopted, "is adopted already")
        own = texts(child(application, "identifierUris"))
        yield from repeated(own, "identifier URI")
        for node in {str(each.value): each for each in own}.values():
            if "{appId}" not in str(node.value):
                yield from _second(node, uris, "is the identifier URI of another application")

    named: dict[str, Mark] = {}
    for identity in entries(child(root, "identities")).values():
        object_id = child(identity, "managedIdentity")
        if object_id is not None and text(object_id):
            yield from _second(object_id, named, "has a key here already")


def _second(node: Node, first: dict[str, Mark], says: str) -> Iterator[Problem]:
    value = str(node.value).lower()
    if value in first:
        where = f"the first is at {place(first[value])}"
        yield problem(node.mark, f'"{shown(node.text)}" {says}', where)
    first.setdefault(value, node.mark)


def _keys(root: Node) -> Iterator[Problem]:
    holder = child(root, "identities")
    for key in entries(holder):
        if key in applications(root):
            yield problem(
                mark_of(holder, key),
                f'"{shown(key)}" is an application already',
                "give the identity another key",
            )
