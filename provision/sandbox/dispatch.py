"""Runs one Graph call: route, handler, refusal, and the headers that describe the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from provision.sandbox import cost
from provision.sandbox.call import Answer, Call, Handler
from provision.sandbox.faults import Fault, Faults, refusal_of
from provision.sandbox.refusal import Refusal, graph_body
from provision.sandbox.router import Router
from provision.sandbox.throttle import Throttle

_JSON = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
    "charset=utf-8"
)
# What was not understood or not allowed costs nothing.
_FREE = (400, 403)


class Dispatcher:
    """The Graph routes of one sandbox, for single calls and for the parts of a batch."""

    def __init__(self, router: Router, faults: Faults, throttle: Throttle) -> None:
        self.router = router
        self._faults, self._throttle = faults, throttle

    async def run(self, handler: Handler, call: Call, acting: Sequence[Fault]) -> Answer:
        """Answer a call whose route is known; a refusal is an answer too."""
        units = cost.units(call)
        try:
            charge = self._throttle.charge(call, units)
        except Refusal as refusal:
            return refused(refusal, call)
        try:
            _refuse(acting, call, when=("status", "lag404"))
            answer = await handler(call)
            _refuse(acting, call, when=("status_after",))
        except Refusal as refusal:
            if refusal.status in _FREE:
                charge.refund()
            return refused(refusal, call)
        headers = {"Cache-Control": "no-cache", "x-ms-resource-unit": str(units), **charge.headers}
        if answer.body is not None:
            headers |= {"Content-Type": _JSON, "OData-Version": "4.0"}
        return replace(answer, headers=headers | dict(answer.headers))

    async def dispatch(self, part: Call) -> Answer:
        """Route and answer a part of a batch as if it had come alone."""
        path = f"/{part.version}/{part.path.lstrip('/')}"
        acting = self._faults.acting(part.method, path, part=True)
        try:
            handler, params = self.router.find(part.method, part.path)
        except Refusal as refusal:
            return refused(refusal, part)
        return await self.run(handler, replace(part, params=params), acting)


def refused(refusal: Refusal, call: Call) -> Answer:
    """A refusal as an answer, in Graph's envelope."""
    body = graph_body(
        refusal,
        now=call.tenant.clock.now(),
        request_id=call.request_id,
        client_request_id=call.headers.get("client-request-id", call.request_id),
    )
    headers = {"Cache-Control": "no-cache", "Content-Type": "application/json"}
    return Answer(status=refusal.status, body=body, headers=headers | refusal.headers)


def _refuse(acting: Sequence[Fault], call: Call, *, when: tuple[str, ...]) -> None:
    for fault in acting:
        if fault.do in when:
            raise refusal_of(fault, f"/{call.version}/{call.path.lstrip('/')}")
