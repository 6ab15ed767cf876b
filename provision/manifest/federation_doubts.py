"""What is allowed in a federated credential and yet is hardly ever what was meant: warnings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from provision.errors import Problem
from provision.manifest.addresses import AUDIENCE, GITHUB
from provision.manifest.federation import command_for_ids, format_of
from provision.manifest.marks import Node, shown
from provision.manifest.nodes import applications, child, credentials, problem, text

AUDIENCES: Mapping[str, str] = MappingProxyType(
    {
        "public": AUDIENCE,
        "usgov": "api://AzureADTokenExchangeUSGov",
        "usgov-dod": "api://AzureADTokenExchangeUSGov",
        "china": "api://AzureADTokenExchangeChina",
    }
)
"""https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust"""

_EXCHANGE_APP_ID = "fb60f99c-7a34-4190-8149-302f77469936"
_HOST = re.compile(r"https://[^/]*[A-Z]")
_ISSUERS = (
    (
        re.compile(r"https://([a-z0-9-]+\.)?(oic|oidc)\.prod-aks\.azure\.com/\S*[^/]"),
        "issuers of AKS end with a slash",
        "az aks show --query oidcIssuerProfile.issuerUrl tells it",
    ),
    (
        re.compile(r"https://oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/id/\S*/"),
        "issuers of EKS end without a slash",
        "aws eks describe-cluster --query cluster.identity.oidc.issuer tells it",
    ),
    (
        re.compile(r"https://container\.googleapis\.com/\S*/"),
        "issuers of GKE end without a slash",
        "gcloud container clusters describe --format 'value(selfLink)' tells it",
    ),
    (
        re.compile(
            r"https://vstoken\.dev\.azure\.com(?!/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$).*"
        ),
        "issuers of Azure DevOps end with the organisation's id, without a slash",
        "the service connection shows issuer and subject",
    ),
    (
        re.compile(r"https://login\.microsoftonline\.(com|us)/(?![^/]+/v2\.0$).*"),
        "the tenant's own issuer ends with /v2.0, without a slash",
        "write https://login.microsoftonline.com/{tenantId}/v2.0",
    ),
    (
        re.compile(r"https://sts\.windows\.net/\S*[^/]"),
        "this issuer ends with a slash",
        "write https://sts.windows.net/TENANT-ID/",
    ),
)
"""Issuers by the form that is not quite theirs; the token service compares them to the letter."""


def doubts(root: Node, environment: str | None) -> Iterator[Problem]:
    """What looks wrong in any federated credential of the manifest."""
    cloud = text(child(root, "environments", environment or "", "cloud"))
    cloud = cloud or text(child(root, "cloud"))
    for application in applications(root).values():
        for _, credential, _ in credentials(application):
            federated = child(credential, "federated")
            if federated is None:
                continue
            yield from _of_github(child(federated, "github"))
            yield from _of_issuer(federated)
            yield from _of_issuer(child(federated, "kubernetes"))
            yield from _of_subject(federated)
            yield from _of_audience(federated, cloud)


def _of_github(github: Node | None) -> Iterator[Problem]:
    """https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/"""
    repository = child(github, "repository")
    if github is None or repository is None or child(github, "format") is not None:
        return
    if format_of(github) == "names":
        yield problem(
            repository.mark,
            f"if {shown(repository.text)} was created, renamed or transferred since 2026-07-15, or opted "
            "in, its tokens bear numbers too, and are not trusted",
            f"add ownerId and repositoryId ({command_for_ids(github)}), or format: names if they bear none",
        )


def _of_issuer(holder: Node | None) -> Iterator[Problem]:
    issuer = child(holder, "issuer")
    said = text(issuer)
    if issuer is None or said is None:
        return
    for pattern, says, hint in _ISSUERS:
        if pattern.fullmatch(said):
            yield problem(issuer.mark, f'"{shown(issuer.text)}" looks wrong: {says}', hint)
            return
    if _HOST.match(said):
        yield problem(
            issuer.mark,
            f'"{shown(issuer.text)}" has capitals in its host, and it must match exactly',
            "copy it from `iss` of a token",
        )


def _of_subject(federated: Node) -> Iterator[Problem]:
    subject = child(federated, "subject")
    said = text(subject)
    if subject is None or said is None:
        return
    name = f'"{shown(subject.text)}"'
    if "*" in said:
        yield problem(
            subject.mark,
            f"{name} has a *, which stands for nothing but itself: subjects are compared letter by letter",
            "give each subject a credential of its own",
        )
    if said.startswith("system:serviceaccount:") and said.count(":") != 3:
        yield problem(
            subject.mark,
            f"{name} is no service account: system:serviceaccount:NAMESPACE:NAME",
            "write it with kubernetes:",
        )
    if text(child(federated, "issuer")) == GITHUB and re.search(r"(?<!:ref):refs/", said):
        yield problem(
            subject.mark,
            f"{name} is no subject of GitHub's: a branch is told as :ref:refs/heads/NAME",
            "write it with github:",
        )


def _of_audience(federated: Node, cloud: str | None) -> Iterator[Problem]:
    node = child(federated, "audience")
    said = AUDIENCE if node is None else text(node)
    if said is None:
        return
    mark = node.mark if node is not None else federated.mark
    wanted = AUDIENCES.get(cloud or "")
    if said.lower() == _EXCHANGE_APP_ID:
        yield problem(
            mark,
            "the id that stands for the token exchange is not taken as an audience",
            f"write {wanted or AUDIENCE}",
        )
        return
    close = next((each for each in AUDIENCES.values() if _folded(each) == _folded(said)), None)
    if close is not None and close != said:
        yield problem(
            mark, "this is not quite the audience, and it must match exactly", f"write {close}"
        )
    elif wanted is not None and said in AUDIENCES.values() and said != wanted:
        yield problem(
            mark, f"in the cloud {cloud} tokens are for {wanted}", f"write audience: {wanted}"
        )


def _folded(audience: str) -> str:
    return audience.rstrip("/").lower()
