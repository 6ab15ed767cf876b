"""What APIs besides the manifest's own offer, as far as it is known without a tenant."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib import resources
from itertools import islice

from provision import permissions
from provision.manifest.mistakes import MOST_OPTIONS
from provision.manifest.spec import Kind
from provision.manifest.values import GRAPH, is_guid
from provision.model import GRAPH_APP_ID

_LONGEST = 120
_CLOSE_ENOUGH = 0.8
_ALIKE = 0.7
_GRAPHS = ("microsoftgraph", "graph", "msgraph", "graphapi", "microsoftgraphapi")


@dataclass(frozen=True, slots=True, kw_only=True)
class WellKnown:
    """An API of Microsoft; a kind of which nothing is known is empty."""

    app_id: str
    name: str
    offered: Mapping[Kind, frozenset[str]]


PREDECESSOR = ("windows azure active directory", "00000002-0000-0000-c000-000000000000")
"""Azure AD Graph, by the display name of its service principal and by appId."""


def has_powers_of_graph(resource: str) -> bool:
    """Whether its permissions are as powerful as those of the same names of Microsoft Graph: its predecessor's are.

    https://learn.microsoft.com/graph/migrate-azure-ad-graph-overview
    """
    return is_graph(resource) or resource.lower() in PREDECESSOR


def is_graph(resource: str) -> bool:
    """Whether a resource is Microsoft Graph, by name or by appId."""
    return resource == GRAPH or resource.lower() == GRAPH_APP_ID


def identity(resource: str) -> str:
    """The same text for all ways of naming one resource."""
    if is_graph(resource):
        return GRAPH_APP_ID
    found = well_known(resource)
    return found.app_id if found else resource.lower()


def well_known(resource: str) -> WellKnown | None:
    """One of Microsoft's own APIs, by name or by appId."""
    return _shipped().get(resource.lower())


def suggest_resource(resource: str, keys: Iterable[str]) -> str:
    """The resource that was probably meant: an application of the manifest, or an API of Microsoft."""
    if is_guid(resource) or len(resource) > _LONGEST:
        return ""
    if resource.lower().replace(" ", "") in _GRAPHS:
        return GRAPH
    names = {each.name.lower(): each.name for each in _shipped().values()}
    own = {key: key for key in islice(keys, MOST_OPTIONS)}
    spelled = {**names, GRAPH.lower(): GRAPH, **own}
    close = get_close_matches(resource.lower(), spelled, n=1, cutoff=_ALIKE)
    return spelled[close[0]] if close else ""


def suggest_permission(text: str, kind: Kind, offered: Iterable[str] | None = None) -> str:
    """The permission that was probably meant; of Microsoft Graph if no others are given."""
    if offered is None:
        if kind == "application":
            return permissions.suggest(text) or ""
        offered = permissions.catalogue().delegated
    if len(text) > _LONGEST:
        return ""
    spelled = {each.lower(): each for each in islice(offered, MOST_OPTIONS)}
    close = get_close_matches(text.lower(), spelled, n=1, cutoff=_CLOSE_ENOUGH)
    return spelled[close[0]] if close else ""


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, WellKnown]:
    """By appId and by name, in lower case; Microsoft Graph has a catalogue of its own."""
    source = resources.files("provision") / "data" / "well-known-service-principals.json"
    found: dict[str, WellKnown] = {}
    for entry in json.loads(source.read_text(encoding="utf-8"))["servicePrincipals"]:
        if entry["appId"] == GRAPH_APP_ID:
            continue
        each = WellKnown(
            app_id=entry["appId"],
            name=entry["displayName"],
            offered={
                "application": frozenset(role["value"] for role in entry["appRoles"]),
                "delegated": frozenset(scope["value"] for scope in entry["oauth2PermissionScopes"]),
            },
        )
        found[each.app_id] = each
        found.setdefault(each.name.lower(), each)
    return found
