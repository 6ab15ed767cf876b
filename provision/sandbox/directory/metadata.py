"""The model of the service in the language of OData."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from provision.sandbox.call import Answer, Call


async def get_metadata(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/traverse-the-graph#microsoft-graph-api-metadata"""
    return described()


def described() -> Answer:
    """The whole model, as far as it is imitated."""
    headers = {"Content-Type": "application/xml", "OData-Version": "4.0"}
    return Answer(body=_document(), headers=headers)


@cache
def _document() -> bytes:
    return files("provision").joinpath("data", "graph-csdl-subset.xml").read_bytes()
