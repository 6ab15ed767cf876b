"""What a federated credential trusts, from the ways in which a manifest may name it.

https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provision.errors import Problem
from provision.manifest.addresses import AUDIENCE, FORMATS, GITHUB
from provision.manifest.marks import Node, shown
from provision.manifest.nodes import child, entries, mark_of, problem, text
from provision.manifest.spec import Mark

WAYS = ("github", "kubernetes", "managedIdentity")
JOBS = ("environment", "branch", "tag", "pullRequest")


IDS = ("ownerId", "repositoryId")
WITH_IDS = "-ids"
"""What a credential's name ends with in the tenant where its subject bears GitHub's numbers.

The trust in names keeps the plain name whatever stands beside it: a repository that moves from one
format to the other adds a trust and later removes one, and none is ever changed under a running job.
"""


class Trust(NamedTuple):
    """The three claims that a token must bear, letter by letter, and what the trust in them is called."""

    name: str
    issuer: str
    subject: str
    audience: str


def trusts(name: str, federated: Node | None) -> Iterator[Trust]:
    """What a credential trusts: one subject, or GitHub's two; nothing where a mistake leaves it open."""
    said = text(child(federated, "audience"))
    audience = AUDIENCE if said is None else said
    github = child(federated, "github")
    if github is not None:
        yield from (Trust(name + end, GITHUB, job, audience) for end, job in _jobs(github))
        return
    issuer, subject = _claims(federated)
    if issuer is not None and subject is not None:
        yield Trust(name, issuer, subject, audience)


def _claims(federated: Node | None) -> tuple[str | None, str | None]:
    if child(federated, "kubernetes") is not None:
        return _account(child(federated, "kubernetes"))
    if child(federated, "managedIdentity") is not None:
        principal = text(child(federated, "managedIdentity", "principalId"))
        issuer = "https://login.microsoftonline.com/{tenantId}/v2.0"
        return issuer, principal.lower() if principal else None
    return text(child(federated, "issuer")), text(child(federated, "subject"))


def _jobs(github: Node) -> Iterator[tuple[str, str]]:
    """The subjects of a job, each with what the name of its trust ends with.

    https://docs.github.com/actions/reference/openid-connect-reference#example-subject-claims
    https://learn.microsoft.com/entra/workload-id/workload-identities-github-immutable-subjects
    """
    repository = text(child(github, "repository"))
    if repository is None:
        return
    wanted, job = format_of(github), _job(github)
    if wanted in ("names", "both"):
        yield "", f"repo:{repository}:{job}"
    owner_id, repository_id = (_number(child(github, key)) for key in IDS)
    if wanted in ("ids", "both") and owner_id and repository_id:
        owner, _, name = repository.partition("/")
        yield WITH_IDS, f"repo:{owner}@{owner_id}/{name}@{repository_id}:{job}"


def format_of(github: Node) -> str:
    """How the tokens tell the repository: as it is said, else with numbers where there are some."""
    said = text(child(github, "format"))
    if said in FORMATS:
        return said
    return "ids" if any(child(github, key) is not None for key in IDS) else "names"


def _job(github: Node) -> str:
    said = {name: text(child(github, name)) for name in ("environment", "branch", "tag")}
    if said["environment"] is not None:
        return f"environment:{said['environment'].replace(':', '%3A')}"
    if said["branch"] is not None:
        return f"ref:refs/heads/{said['branch']}"
    if said["tag"] is not None:
        return f"ref:refs/tags/{said['tag']}"
    return "pull_request"


def _number(node: Node | None) -> str | None:
    return None if node is None else str(node.value)


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
    yield from _unclear_format(child(federated, "github"))


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


def _unclear_format(github: Node | None) -> Iterator[Problem]:
    """Numbers come in pairs, and a format that bears them needs them."""
    if github is None or not isinstance(github.value, dict):
        return
    said = [key for key in IDS if key in github.value]
    wanted = format_of(github)
    if len(said) == 1:
        missing = IDS[1] if said[0] == IDS[0] else IDS[0]
        yield problem(
            mark_of(github, said[0]),
            f'"{said[0]}" is nothing without "{missing}": a token bears both numbers',
            _ask_for_ids(github),
        )
    elif not said and wanted != "names":
        yield problem(
            mark_of(github, "format"),
            f'format "{wanted}" needs ownerId and repositoryId',
            _ask_for_ids(github),
        )


def _ask_for_ids(github: Node) -> str:
    return f"ask for them: {command_for_ids(github)}"


def command_for_ids(github: Node) -> str:
    """The command that tells a repository's two numbers."""
    said = child(github, "repository")
    repository = "OWNER/REPOSITORY" if said is None else shown(said.text)
    return f"gh api repos/{repository} --jq '.owner.id, .id'"
