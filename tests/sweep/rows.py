"""What is swept, as data: the manifests with one edit each, the phases of a life, and the faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from provision.sandbox.faults import Fault

Content = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A manifest of `manifests/`, how it is edited for the second apply, and its longest overlap.

    `extend` adds what the edit is to take away again, where the file has nothing to spare.
    """

    file: str
    edit: Callable[[Content], None]
    extend: Callable[[Content], None] = lambda content: None
    overlap: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One command in the life of a manifest: from which state it starts, and what finishes it.

    A `sampled` one is swept at every request by `make sweep` only; of a `deadly` one nothing but the deaths are
    looked at. What `regret` destroys is wanted again.
    """

    name: str
    command: tuple[str, ...]
    again: tuple[str, ...]
    made: bool = True
    edited: bool = False
    sampled: bool = False
    deadly: bool = False

    @property
    def gone(self) -> bool:
        """Whether nothing is left at its end."""
        return self.again[0] == "destroy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What befalls the k-th request.

    `kills`: the run ends there, `after` the request took effect or before; `survives`: it must end well all the
    same; `refuses`: so it must if a write was answered with this status; `parts`: the parts of a batch are requests
    too; `always`: at every request, also when others share a third of them.
    """

    name: str
    do: Callable[[int], tuple[Fault, ...]]
    kills: bool = False
    after: bool = False
    survives: bool = False
    refuses: int = 0
    parts: bool = False
    always: bool = False


def _status(status: int, **more: Any) -> Callable[[int], tuple[Fault, ...]]:
    return lambda k: (Fault(do="status", status=status, nth=k, **more),)


TROUBLES = (
    Trouble(name="killed before", do=lambda k: (Fault(do="refuse_all", nth=k),), kills=True),
    Trouble(
        name="killed after",
        do=lambda k: (Fault(do="drop_after", nth=k), Fault(do="refuse_all", nth=k + 1)),
        kills=True,
        after=True,
    ),
    Trouble(
        name="lost answer",
        do=lambda k: (Fault(do="drop_after", nth=k),),
        survives=True,
        always=True,
    ),
    Trouble(name="429", do=_status(429, retry_after=1), survives=True, parts=True),
    Trouble(name="500", do=_status(500), survives=True, parts=True),
    Trouble(name="503", do=_status(503), survives=True, parts=True),
    Trouble(
        name="504",
        do=lambda k: (Fault(do="status_after", status=504, nth=k),),
        survives=True,
        parts=True,
    ),
    Trouble(name="409", do=_status(409), refuses=409, parts=True),
    Trouble(name="404-lag", do=lambda k: (Fault(do="lag404", nth=k),), refuses=404, parts=True),
)
"""A 504 comes after the request has taken effect, the other statuses instead of it."""

_APPLY = ("apply", "--yes", "--allow-destroy")
PHASES = (
    Phase(name="create", command=_APPLY, again=_APPLY, made=False),
    Phase(name="update", command=_APPLY, again=_APPLY, edited=True),
    Phase(name="rotate", command=("rotate", "--now"), again=_APPLY, sampled=True),
    Phase(name="destroy", command=("destroy", "--yes"), again=("destroy", "--yes")),
    Phase(name="regret", command=("destroy", "--yes"), again=_APPLY, deadly=True),
)


def _hello(content: Content) -> None:
    """Another permission, another description, and a second credential."""
    app = content["applications"]["my-workload"]
    app["description"] = "Reads groups now."
    app["permissions"]["Microsoft Graph"] = ["Group.Read.All"]
    app["verify"]["calls"] = ["GET /groups?$top=1"]
    app["credentials"]["nightly"] = {"secret": {"store": {"dotenv": ".env", "prefix": "NIGHTLY_"}}}


def _daemon(content: Content) -> None:
    """One permission for another, a credential with a new name, consent given, one application less."""
    apps = content["applications"]
    sync = apps["directory-sync"]
    sync["description"] = "Copies users and devices every night."
    sync["permissions"]["Microsoft Graph"] = ["User.Read.All", "Device.Read.All"]
    sync["credentials"] = {"weekly": {"secret": {"store": {"dotenv": ".env", "prefix": "WEEKLY_"}}}}
    apps["notifier"]["consent"] = "grant"
    del apps["audit-export"]


def _kiosk(content: Content) -> None:
    """One more client of the API, which acts for people and has no secret."""
    apps = content["applications"]
    apps["kiosk"] = {
        "displayName": "Kiosk",
        "permissions": {"orders-api": {"delegated": ["Orders.ReadWrite"]}},
    }
    apps["orders-api"]["api"]["preAuthorizedApplications"].append(
        {"client": "kiosk", "scopes": ["Orders.ReadWrite"]}
    )


def _api_and_client(content: Content) -> None:
    """Another role for the one that a client holds, a scope reworded and one more, other clients and consents."""
    apps = content["applications"]
    offered = apps["orders-api"]
    offered["identifierUris"].append("api://{appId}/v2")
    offered["appRoles"] = {
        "Orders.Export.All": {"displayName": "Export", "description": "Exports all orders."}
    }
    scopes = offered["api"]["scopes"]
    scopes["Orders.ReadWrite"]["userConsentDescription"] = "Reads, changes and cancels your orders."
    scopes["Orders.Read"] = {**scopes["Orders.ReadWrite"], "userConsentDisplayName": "Read orders"}
    offered["api"]["preAuthorizedApplications"] = [
        {"client": "nightly-report", "scopes": ["Orders.Read"]}
    ]
    apps["nightly-report"]["permissions"]["orders-api"] = ["Orders.Export.All"]
    asked = apps["storefront"]["permissions"]
    asked["orders-api"]["delegated"] = ["Orders.Read"]
    asked["Microsoft Graph"]["delegated"] = ["openid", "email", "User.Read"]
    del apps["kiosk"]


ROWS = (
    Row(file="hello.yaml", edit=_hello),
    Row(file="daemon.yaml", edit=_daemon),
    Row(file="api-and-client.yaml", edit=_api_and_client, extend=_kiosk),
)
