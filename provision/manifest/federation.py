"""What a federated credential trusts, from the ways in which a manifest may name it.

https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.errors import Problem
from provision.manifest.addresses import AUDIENCE, GITHUB
from provision.manifest.marks import Node
from provision.manifest.nodes import child, entries, mark_of, problem, text
from provision.manifest.spec import Mark

WAYS = ("github", "kubernetes", "managedIdentity")
JOBS = ("environment", "branch", "tag", "pullRequest")


class Trust(NamedTuple):
    """The three claims that a token must bear, letter by letter."""

    issuer: str
    subject: str
    audience: str


def trust(federated: Node | None) -> Trust | None:
    """What is trusted; None where a mistake leaves it open."""
    issuer, subject = text(child(federated, "issuer")), text(child(federated, "subject"))
    if child(federated, "github") is not None:
        issuer, subject = GITHUB, _job(child(federated, "github"))
    elif child(federated, "kubernetes") is not None:
        issuer, subject = _account(child(federated, "kubernetes"))
    elif child(federated, "managedIdentity") is not None:
        principal = text(child(federated, "managedIdentity", "principalId"))
        issuer = "https://login.microsoftonline.com/{tenantId}/v2.0"
        subject = principal.lower() if principal else None
    if issuer is None or subject is None:
        return None
    audience = text(child(federated, "audience"))
    return Trust(issuer, subject, AUDIENCE if audience is None else audience)


def _job(github: Node | None) -> str | None:
    """https://docs.github.com/actions/reference/openid-connect-reference#example-subject-claims"""
    repository = text(child(github, "repository"))
    said = {name: text(child(github, name)) for name in ("environment", "branch", "tag")}
    if repository is None:
        return None
    if said["environment"] is not None:
        return f"repo:{repository}:environment:{said['environment'].replace(':', '%3A')}"
    if said["branch"] is not None:
        return f"repo:{repository}:ref:refs/heads/{said['branch']}"
    if said["tag"] is not None:
        return f"repo:{repository}:ref:refs/tags/{said['tag']}"
    return f"repo:{repository}:pull_request"


def _account(kubernetes: Node | None) -> tuple[str | None, str | None]:
    namespace, account = (text(child(kubernetes, key)) for key in ("namespace", "serviceAccount"))
    if namespace is None or account is None:
        return None, None
    return text(child(kubernetes, "issuer")), f"system:serviceaccount:{namespace}:{account}"


def unclear(federated: Node, mark: Mark) -> Iterator[Problem]:
    """What keeps a federated credential from being one trust in one subject."""
    raw = [key for key in ("issuer", "subject") if key in entries(federated)]
    ways = [key for key in WAYS if key in entries(federated)]
    if len(ways) + bool(raw) > 1:
        second = (ways + raw)[1]
        yield problem(
            mark_of(federated, second),
            f'a credential trusts one issuer, and "{second}" is one too many',
            "give each trust a credential of its own",
        )
    elif raw and len(raw) < 2:
        missing = "subject" if raw == ["issuer"] else "issuer"
        yield problem(mark_of(federated, raw[0]), f'the key "{missing}" is missing')
    elif not ways and not raw:
        yield problem(
            mark,
            "nothing is trusted here",
            f"write one of {', '.join(WAYS)}, or issuer and subject",
        )
    yield from _unclear_job(child(federated, "github"))


def _unclear_job(github: Node | None) -> Iterator[Problem]:
    if github is None or not isinstance(github.value, dict):
        return
    said = [key for key in JOBS if key in github.value]
    if len(said) > 1:
        yield problem(
            mark_of(github, said[1]),
            f'"{said[1]}" cannot stand beside "{said[0]}": a token tells one of them',
            "give each a credential of its own",
        )
    elif not said:
        yield problem(
            github.mark,
            "it is not said which jobs of the repository are trusted",
            f"add one of {', '.join(JOBS)}",
        )
    pulls = child(github, "pullRequest")
    if pulls is not None and pulls.value is False:
        yield problem(pulls.mark, "pullRequest can only be true", "leave it away otherwise")
