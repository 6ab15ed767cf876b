"""Faults, requests, the clock and the vaults' rights of a running sandbox, from another program that knows the token."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from provision.sandbox.arrival import Gone, Reply, arrival_of, headers_of, raw_path
from provision.sandbox.fault_text import duration, parse
from provision.sandbox.faults import Faults
from provision.sandbox.journal import Journal, without_secrets
from provision.sandbox.store import Store
from provision.sandbox.vault import Vaults

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

_PREFIX = "/sandbox/"


class Control:
    """The routes under /sandbox/: closed to web pages, which cannot know the token."""

    def __init__(
        self, token: str, store: Store, faults: Faults, journal: Journal, vaults: Vaults
    ) -> None:
        self._token = token.encode()
        self._store, self._faults, self._journal, self._vaults = store, faults, journal, vaults
        self._routes: Mapping[tuple[str, str], Callable[[Any], Any]] = MappingProxyType(
            {
                ("POST", "faults"): self._add_faults,
                ("GET", "faults"): self._count_faults,
                ("DELETE", "faults"): self._clear_faults,
                ("GET", "requests"): self._requests,
                ("DELETE", "requests"): self._forget_requests,
                ("POST", "clock"): self._advance,
                ("GET", "clock"): self._now,
                ("POST", "vaults"): self._allow,
            }
        )

    def is_meant(self, scope: Scope) -> bool:
        """Whether this address is one of ours."""
        return raw_path(scope).startswith(_PREFIX)

    async def answer(self, scope: Scope, receive: Receive) -> Reply:
        """Do what is asked, or say why not."""
        headers = headers_of(scope)
        if not self._is_allowed(headers):
            return _refused(401, "The control route needs the header: Authorization: Bearer TOKEN")
        try:
            arrival = await arrival_of(scope, receive, headers, "")
        except Gone:
            return _refused(400, "The request ended early.")
        handler = self._routes.get((arrival.method, arrival.path.removeprefix(_PREFIX).strip("/")))
        if handler is None:
            known = ", ".join(f"{method} {_PREFIX}{name}" for method, name in self._routes)
            return _refused(404, f"There is no such control; there are {known}")
        try:
            body = json.loads(arrival.body) if arrival.body.strip() else {}
            return Reply(200, handler(body), {"Cache-Control": "no-store"})
        except ValueError as wrong:
            return _refused(400, str(wrong))

    def _is_allowed(self, headers: Mapping[str, str]) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip().encode("utf-8", "replace")
        return scheme.lower() == "bearer" and hmac.compare_digest(given, self._token)

    def _add_faults(self, body: Any) -> dict[str, Any]:
        texts = body.get("faults") if isinstance(body, dict) else None
        if texts is None and isinstance(body, dict) and "fault" in body:
            texts = [body["fault"]]
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError('faults are given as {"fault": "GET /users 503"} or {"faults": [...]}')
        self._faults.add(*[parse(text) for text in texts])
        return self._count_faults(body)

    def _count_faults(self, body: Any) -> dict[str, Any]:
        return {"faults": len(self._faults)}

    def _clear_faults(self, body: Any) -> dict[str, Any]:
        self._faults.clear()
        return self._count_faults(body)

    def _requests(self, body: Any) -> dict[str, Any]:
        told = [{**asdict(each), "path": without_secrets(each.path)} for each in self._journal]
        return {"requests": told}

    def _forget_requests(self, body: Any) -> dict[str, Any]:
        self._journal.clear()
        return self._requests(body)

    def _advance(self, body: Any) -> dict[str, Any]:
        by = str(body.get("advance") if isinstance(body, dict) else "")
        try:
            self._store.clock.advance(timedelta(seconds=duration(by)))
        except OverflowError as far:
            raise ValueError(f"{by} is too far away") from far
        return self._now(body)

    def _allow(self, body: Any) -> dict[str, Any]:
        told = body if isinstance(body, dict) else {}
        principal, rights, vault = told.get("principal"), told.get("may"), told.get("vault", "*")
        if not _are_texts([principal, vault]) or not _are_texts(rights):
            raise ValueError('rights are given as {"principal": ID, "may": ["get", "set"]}')
        self._vaults.allow(str(principal), rights or (), vault=vault)
        return {"principal": principal, "vault": vault, "may": rights}

    def _now(self, body: Any) -> dict[str, Any]:
        return {"now": self._store.clock.now().astimezone(UTC).isoformat()}


def _are_texts(given: Any) -> bool:
    return isinstance(given, list) and all(isinstance(each, str) for each in given)


def _refused(status: int, message: str) -> Reply:
    return Reply(status, {"error": {"message": message}}, {"Cache-Control": "no-store"})
