"""GitHub's subjects in both formats, and what looks wrong in a federated credential."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth import clouds
from provision.manifest.federation_doubts import AUDIENCES
from tests.written import HEAD, application, read, refusals, with_application

GITHUB = "https://token.actions.githubusercontent.com"
IDS = "ownerId: 12, repositoryId: 345"
SUBJECT = re.compile(
    r"repo:(?P<owner>[^/@]+)(@(?P<owner_id>\d+))?/(?P<name>[^:@]+)(@(?P<repository_id>\d+))?:(?P<job>.+)"
)


def credential(said: str) -> str:
    """A manifest with one federated credential, which stands in line 6."""
    return with_application(f"credentials: {{ci: {{federated: {{{said}}}}}}}")


def trusted(said: str) -> dict[str, str]:
    """The subjects that one credential trusts, by the name of the trust."""
    found = application(f"credentials: {{ci: {{federated: {{{said}}}}}}}")
    return {each.name: each.subject for each in found.federated}


def doubts(said: str, head: str = "") -> list[str]:
    found = read(credential(said).replace(HEAD, HEAD + head))
    return [each.removeprefix("m.yaml:") for each in found.warnings]


NAMES = {"ci": "repo:Octo/app:environment:prod"}
WITH_IDS = {"ci-ids": "repo:Octo@12/app@345:environment:prod"}


@pytest.mark.parametrize(
    ("said", "subjects"),
    [
        ("", NAMES),
        ("format: names", NAMES),
        (f"format: names, {IDS}", NAMES),
        (IDS, WITH_IDS),
        (f"format: ids, {IDS}", WITH_IDS),
        (f"format: both, {IDS}", NAMES | WITH_IDS),
    ],
)
def test_a_repository_is_trusted_by_names_by_numbers_or_by_both(said, subjects):
    more = f", {said}" if said else ""
    assert trusted(f"github: {{repository: Octo/app, environment: prod{more}}}") == subjects


@given(
    owner=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}", fullmatch=True),
    name=st.from_regex(r"[A-Za-z0-9._-]{1,100}", fullmatch=True),
    ids=st.tuples(st.integers(1, 10**18), st.integers(1, 10**18)),
    branch=st.from_regex(r"[a-z]{1,10}(/[a-z0-9.@:-]{1,20})?", fullmatch=True),
)
def test_a_subject_tells_what_it_was_made_of_in_either_format(owner, name, ids, branch):
    said = f"repository: '{owner}/{name}', ownerId: {ids[0]}, repositoryId: {ids[1]}"
    found = trusted(f"github: {{{said}, format: both, branch: '{branch}'}}")

    for trust, numbers in (("ci", (None, None)), ("ci-ids", tuple(map(str, ids)))):
        parts = SUBJECT.fullmatch(found[trust])
        assert parts is not None
        assert (parts["owner"], parts["name"]) == (owner, name)
        assert (parts["owner_id"], parts["repository_id"]) == numbers
        assert parts["job"] == f"ref:refs/heads/{branch}"


def test_the_numbers_may_come_from_variables():
    text = credential(
        "github: {repository: o/r, ownerId: '${OWNER_ID}', repositoryId: 2, branch: b}"
    )
    (found,) = read(text, given={"OWNER_ID": "77"}).applications

    assert found.federated[0].subject == "repo:o@77/r@2:ref:refs/heads/b"


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("ownerId: 1", '"ownerId" is nothing without "repositoryId": a token bears both numbers - ask for them: gh api repos/o/r --jq \'.owner.id, .id\''),
        ("repositoryId: 1", '"repositoryId" is nothing without "ownerId"'),
        ("format: both", 'format "both" needs ownerId and repositoryId - ask for them: gh api repos/o/r'),
        ("format: ids", 'format "ids" needs ownerId and repositoryId'),
        (f"format: numbers, {IDS}", "names, ids, both"),
        ("ownerId: 0, repositoryId: 1", '"0" is no number of GitHub\'s'),
        ("ownerId: true, repositoryId: 1", "is no number of GitHub's"),
        ("ownerId: 1, repositoryId: x", "\"x\" is no number of GitHub's - ask for it: gh api repos/"),
    ],
)  # fmt: skip
def test_numbers_that_do_not_fit_are_refused(said, says):
    (found,) = refusals(credential(f"github: {{repository: o/r, branch: b, {said}}}"))

    assert found.startswith("6:")
    assert says in found


def test_the_name_of_a_trust_in_numbers_may_not_be_taken():
    github = f"{{federated: {{github: {{repository: o/r, branch: b, {IDS}}}}}}}"
    other = "{federated: {issuer: https://i.example, subject: s}}"

    (found,) = refusals(with_application(f"credentials: {{ci: {github}, ci-ids: {other}}}"))

    assert 'makes a federated credential "ci-ids", and there is one of that name' in found
    assert "it stands at 6:19; rename one of the two" in found


def test_a_trust_in_both_formats_counts_twice_against_the_limit():
    both = [
        f"c{n}: {{federated: {{github: {{repository: o/r, branch: b{n}, format: both, {IDS}}}}}}}"
        for n in range(11)
    ]

    assert read(with_application(f"credentials: {{{', '.join(both[:10])}}}")).warnings == ()
    (found,) = refusals(with_application(f"credentials: {{{', '.join(both)}}}"))
    assert "may have 20 federated credentials, and here are more - format: both makes two" in found


def test_the_same_job_in_the_same_format_is_one_trust_too_many():
    one = f"{{federated: {{github: {{repository: o/r, branch: b, {IDS}}}}}}}"
    raw = f"{{federated: {{issuer: '{GITHUB}', subject: 'repo:o@12/r@345:ref:refs/heads/b'}}}}"

    (found,) = refusals(with_application(f"credentials: {{ci: {one}, raw: {raw}}}"))

    assert '"raw" trusts the same issuer and subject as "ci"' in found


def test_a_repository_without_numbers_is_doubted_unless_names_are_meant():
    (found,) = doubts("github: {repository: o/r, branch: b}")

    assert found == (
        "6:57: if o/r was created, renamed or transferred since 2026-07-15, or opted in, its tokens bear "
        "numbers too, and are not trusted - add ownerId and repositoryId (gh api repos/o/r --jq "
        "'.owner.id, .id'), or format: names if they bear none"
    )
    assert doubts("github: {repository: o/r, branch: b, format: names}") == []
    assert doubts(f"github: {{repository: o/r, branch: b, {IDS}}}") == []


CLUSTER = "0f8a9ed2-0000-0000-0000-00000000000a"
AKS = f"https://eastus.oic.prod-aks.azure.com/{CLUSTER}/{CLUSTER}"
EKS = "https://oidc.eks.eu-west-1.amazonaws.com/id/AB12"
GKE = "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c"
DEVOPS = f"https://vstoken.dev.azure.com/{CLUSTER}"
ENTRA = "https://login.microsoftonline.com/{tenantId}/v2.0"
STS = f"https://sts.windows.net/{CLUSTER}"


@pytest.mark.parametrize(
    ("issuer", "says"),
    [
        (AKS, "issuers of AKS end with a slash - az aks show"),
        (f"https://oidc.prod-aks.azure.com/{CLUSTER}", "issuers of AKS end with a slash"),
        (f"{EKS}/", "issuers of EKS end without a slash"),
        (f"{GKE}/", "issuers of GKE end without a slash"),
        (f"{DEVOPS}/", "issuers of Azure DevOps end with the organisation's id, without a slash"),
        ("https://vstoken.dev.azure.com/contoso", "end with the organisation's id"),
        (f"{ENTRA}/", "the tenant's own issuer ends with /v2.0, without a slash"),
        ("https://login.microsoftonline.com/x/oauth2", "ends with /v2.0"),
        (STS, "this issuer ends with a slash"),
        ("https://Issuer.example", "has capitals in its host"),
    ],
)
def test_an_issuer_that_is_not_quite_one_is_doubted(issuer, says):
    (found,) = doubts(f"issuer: '{issuer}', subject: s")

    assert found.startswith("6:44: ")
    assert says in found


@pytest.mark.parametrize(
    "issuer",
    [
        f"{AKS}/", EKS, GKE, DEVOPS, ENTRA, f"{STS}/", GITHUB, f"{GITHUB}/octo-enterprise",
        "https://gitlab.com", "https://accounts.google.com", "https://i.example/Path/",
    ],
)  # fmt: skip
def test_an_issuer_as_its_tokens_bear_it_is_not_doubted(issuer):
    assert doubts(f"issuer: '{issuer}', subject: s") == []


@pytest.mark.parametrize(
    "issuer",
    [
        "https://gitlab.com/",
        "https://accounts.google.com/",
        "https://App.terraform.io",
        f"{GITHUB}/",
    ],
)
def test_an_issuer_that_is_one_address_for_everybody_must_be_that(issuer):
    (found,) = refusals(credential(f"issuer: {issuer}, subject: s"))

    assert "issuer, and it must match exactly - write https://" in found


def test_the_issuer_of_a_cluster_is_doubted_too():
    (found,) = doubts(f"kubernetes: {{issuer: '{AKS}', namespace: n, serviceAccount: s}}")

    assert "issuers of AKS end with a slash" in found


@pytest.mark.parametrize(
    ("issuer", "subject", "says"),
    [
        ("https://i.example", "repo:o/*", "has a *, which stands for nothing but itself"),
        ("https://i.example", "system:serviceaccount:n", "is no service account"),
        (GITHUB, "repo:o/r:refs/heads/b", "a branch is told as :ref:refs/heads/NAME"),
    ],
)
def test_a_subject_that_no_token_bears_is_doubted(issuer, subject, says):
    (found,) = doubts(f"issuer: '{issuer}', subject: '{subject}'")

    assert says in found


def test_a_subject_out_of_a_template_of_the_repositorys_own_is_taken_as_it_is():
    subject = "repository_owner_id:12:repository_id:345:job_workflow_ref:o/w@refs/heads/main"

    assert doubts(f"issuer: '{GITHUB}', subject: 'repo:o/r:ref:refs/heads/main'") == []
    assert len(doubts(f"issuer: '{GITHUB}', subject: '{subject}'")) == 0


@pytest.mark.parametrize(
    ("cloud", "audience", "says"),
    [
        ("usgov", "", "in the cloud usgov tokens are for api://AzureADTokenExchangeUSGov"),
        ("china", "", "write audience: api://AzureADTokenExchangeChina"),
        ("public", "api://AzureADTokenExchangeChina", "write audience: api://AzureADTokenExchange"),
        ("", "api://azureadtokenexchange", "not quite the audience"),
        ("", "api://AzureADTokenExchange/", "not quite the audience"),
        ("", "fb60f99c-7a34-4190-8149-302f77469936", "is not taken as an audience"),
    ],
)
def test_an_audience_of_another_cloud_or_almost_one_is_doubted(cloud, audience, says):
    head = f"cloud: {cloud}\n" if cloud else ""
    said = f", audience: '{audience}'" if audience else ""

    (found,) = doubts(f"issuer: https://i.example, subject: s{said}", head)

    assert says in found


def test_an_audience_of_ones_own_and_the_clouds_own_are_not_doubted():
    own = "issuer: https://i.example, subject: s, audience: "

    assert doubts(f"{own}mine", "cloud: usgov\n") == []
    assert doubts(f"{own}'api://AzureADTokenExchangeUSGov'", "cloud: usgov\n") == []


def test_each_cloud_is_known_by_the_audience_that_its_tokens_have():
    assert {name: each.exchange_audience for name, each in clouds.CLOUDS.items()} == AUDIENCES
