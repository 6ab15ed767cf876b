"""The tenant's domains."""

from __future__ import annotations

from provision.sandbox import odata
from provision.sandbox.call import Answer, Call
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.collection import listed
from provision.sandbox.directory.shape import DOMAINS, entity
from provision.sandbox.refusal import resource_not_found


async def list_domains(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/domain-list"""
    authorise(call, "domains.read")
    return listed(call, DOMAINS)


async def get_domain(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/domain-get"""
    authorise(call, "domains.read")
    options = odata.one_object_options(call.query, DOMAINS, version=call.version)
    name = call.params["domain"].value
    row = call.tenant.get("domains", name.lower(), call.tenant.seen("directory"))
    if row is None:
        raise resource_not_found(name)
    return Answer(body=entity(call, row, DOMAINS, options))
