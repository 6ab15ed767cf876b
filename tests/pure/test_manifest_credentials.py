"""How a workload signs in without a secret, and what keeps a credential from being one thing."""

from __future__ import annotations

import pytest

from provision.manifest.spec import FederatedSpec, Mark
from tests.written import application, refusals, with_application

ID = "0000000a-0000-0000-0000-000000000001"

FEDERATED = [
    ("github: {repository: o/R.x, environment: 'a:b'}", "https://token.actions.githubusercontent.com", "repo:o/R.x:environment:a%3Ab"),
    ("github: {repository: o/r, branch: main}", "https://token.actions.githubusercontent.com", "repo:o/r:ref:refs/heads/main"),
    ("github: {repository: o/r, tag: v1}", "https://token.actions.githubusercontent.com", "repo:o/r:ref:refs/tags/v1"),
    ("github: {repository: o/r, pullRequest: true}", "https://token.actions.githubusercontent.com", "repo:o/r:pull_request"),
    ("kubernetes: {issuer: https://k.example/x/, namespace: n, serviceAccount: s.a}", "https://k.example/x/", "system:serviceaccount:n:s.a"),
    (f"managedIdentity: {{principalId: {ID.upper()}}}", "https://login.microsoftonline.com/{tenantId}/v2.0", ID),
    ("issuer: https://i.example, subject: s", "https://i.example", "s"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "issuer", "subject"), FEDERATED)
def test_a_federated_credential_is_the_trust_that_it_names(said, issuer, subject):
    found = application(f"credentials: {{ci: {{federated: {{{said}}}}}}}")

    assert found.secrets == ()
    assert found.federated == (
        FederatedSpec(
            name="ci",
            issuer=issuer,
            subject=subject,
            audience="api://AzureADTokenExchange",
            mark=Mark(line=6, column=19),
        ),
    )


def test_another_audience_may_be_named():
    found = application(
        "credentials: {ci: {federated: {issuer: https://i.example, subject: s, audience: mine}}}"
    )

    assert found.federated[0].audience == "mine"


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("", "6:24: nothing is trusted here - write one of github, kubernetes, managedIdentity, or issuer and subject"),
        ("issuer: https://i.example", '6:36: the key "subject" is missing'),
        ("subject: s", '6:36: the key "issuer" is missing'),
        ("issuer: https://i.example, github: {repository: o/r, branch: b}", '6:36: a credential trusts one issuer, and "issuer" is one too many - give each trust a credential of its own'),
        ("github: {repository: o/r, branch: b}, managedIdentity: {principalId: 00000000-0000-0000-0000-000000000001}", 'and "managedIdentity" is one too many'),
        ("issuer: http://i.example, subject: s", '6:44: "http://i.example" is no issuer: an address that begins with https://'),
        ("issuer: https://Token.actions.githubusercontent.com/, subject: s", "is not quite GitHub's issuer, and it must match exactly - write https://token.actions.githubusercontent.com"),
        (f"issuer: https://i.example/{'x' * 600}, subject: s", "is too long: 618 characters, and 600 are allowed"),
        ("issuer: https://i.example, subject: ' s'", '6:72: " s" has white space around it or is empty'),
        ("issuer: https://i.example, subject: s, audience: ''", '"" has white space around it or is empty'),
        ("github: {repository: o, branch: b}", '6:57: "o" is no repository - write OWNER/REPOSITORY'),
        ("github: {branch: b}", '6:36: the key "repository" is missing'),
        ("github: {repository: o/r}", "6:44: it is not said which jobs of the repository are trusted - add one of environment, branch, tag, pullRequest"),
        ("github: {repository: o/r, branch: b, tag: t}", '6:73: "tag" cannot stand beside "branch": a token tells one of them'),
        ("github: {repository: o/r, branch: refs/heads/b}", '6:70: "refs/heads/b" begins with refs/, which is added anyway - write the bare name'),
        ("github: {repository: o/r, branch: 'release/*'}", '"release/*" is no name: it must match exactly'),
        ("github: {repository: o/r, pullRequest: false}", "6:75: pullRequest can only be true - leave it away otherwise"),
        ("github: []", "6:44: a mapping is wanted here, not a list"),
        ("kubernetes: {issuer: https://k.example, namespace: N, serviceAccount: s}", '"N" is no namespace'),
        ("kubernetes: {issuer: https://k.example, namespace: n, serviceAccount: S}", '"S" is no service account'),
        ("kubernetes: {issuer: https://k.example, serviceAccount: s}", 'the key "namespace" is missing'),
        ("managedIdentity: {principalId: x}", '"x" is no id'),
        ("managedIdentity: {}", '6:36: the key "principalId" is missing'),
    ],
)  # fmt: skip
def test_a_federated_credential_that_trusts_nothing_certain_is_refused(said, says):
    (found,) = refusals(with_application(f"credentials: {{ci: {{federated: {{{said}}}}}}}"))

    assert says in found


@pytest.mark.parametrize(
    ("credentials", "says"),
    [
        ("{ci: x}", '6:23: a mapping is wanted here, not the text "x"'),
        ("{ci: {federated: x}}", "6:35: a mapping is wanted here"),
        ("{ci: {secret: {store: {dotenv: .env}}, federated: {issuer: https://i.example, subject: s}}}", "6:57: a credential is one of secret, certificate and federated - give each a name of its own"),
        ("{-x: {federated: {issuer: https://i.example, subject: s}}}", '6:19: "-x" is no name for a federated credential: it begins with -'),
        ("{a: {federated: {issuer: https://i.example, subject: s}}, b: {federated: {issuer: https://i.example, subject: s}}}", '6:76: "b" trusts the same issuer and subject as "a" - the first is at 6:19'),
        (f"{{a: {{federated: {{github: {{repository: o/r, environment: '{':' * 255}'}}}}}}}}", "6:19: the subject is too long: 600 characters are allowed"),
        (f"{{{', '.join(f'c{n}: {{federated: {{issuer: https://i.example, subject: s{n}}}}}' for n in range(21))}}}", "may have 20 federated credentials, and here are more"),
    ],
)  # fmt: skip
def test_a_credential_is_one_thing_of_its_own(credentials, says):
    (found,) = refusals(with_application(f"credentials: {credentials}"))

    assert says in found
