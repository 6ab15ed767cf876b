"""The tenant itself."""

from __future__ import annotations

from provision.sandbox import odata
from provision.sandbox.call import Answer, Call
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.collection import listed
from provision.sandbox.directory.find import read
from provision.sandbox.directory.shape import ORGANIZATION, entity


async def list_organizations(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/organization-list"""
    authorise(call, "organization.read")
    return listed(call, ORGANIZATION)


async def get_organization(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/organization-get"""
    authorise(call, "organization.read")
    options = odata.one_object_options(call.query, ORGANIZATION, version=call.version)
    row = read(call, ORGANIZATION, call.params["organization"])
    return Answer(body=entity(call, row, ORGANIZATION, options))
