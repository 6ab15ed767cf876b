"""How a workload signs in: the keys below `credentials`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from provision.manifest import addresses, certificate_values, values
from provision.manifest.shape import Guid, Shape, absent, choice, facts, text
from provision.manifest.store_shapes import StoreShape

Duration = Annotated[str, *text(values.span, values.DURATION)]
Lifetime = Annotated[str, *text(values.lifetime, values.DURATION)]
Issuer = Annotated[str, *text(addresses.issuer, addresses.ISSUER)]
Trusted = Annotated[str, *text(addresses.trusted, r"\S(.*\S)?", maxLength=600)]
GitName = Annotated[str, *text(addresses.git_name, r"[^\s*]([^*]*[^\s*])?")]
RepositoryId = Annotated[
    str,
    BeforeValidator(addresses.repository_id),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": f"^({addresses.REPOSITORY_ID})$|\\$\\{{"},
            ]
        }
    ),
]
SubjectFormat = Annotated[str, *choice(addresses.subject_format, addresses.FORMATS)]


class SecretShape(Shape, title="secret"):
    """A client secret. The three durations must be in order: overlap < renewBefore < lifetime."""

    lifetime: Lifetime = Field(
        default=values.DEFAULTS["lifetime"],
        description="How long a secret works, 1h to 3650d; write 90d, 24h, 30m, 45s, 2w or P90D.",
    )
    renew_before: Duration = Field(
        default=values.DEFAULTS["renewBefore"],
        description="`apply` and `rotate` renew the secret when less than this is left of it.",
    )
    overlap: Duration = Field(
        default=values.DEFAULTS["overlap"],
        description="How long the old secret lives on after the new one is proven and stored.",
    )
    store: StoreShape = Field(description="Where the value goes. There is no default.")
    replaces: list[Guid] = Field(
        default_factory=list,
        description="keyIds of secrets or certificates that were made elsewhere: taken over, and retired `overlap` after "
        "this one is proven and stored.",
    )


class GenerateShape(Shape, title="generate"):
    """A certificate that is made here, with an RSA key that nobody else ever sees."""

    key_size: Annotated[
        int,
        *facts(certificate_values.key_size, {"enum": [*certificate_values.KEY_SIZES]}),
    ] = Field(default=2048, description="Bits of the RSA key; 2048 if not said.")
    subject: Annotated[str, *text(certificate_values.subject, certificate_values.SUBJECT)] = Field(
        default=absent(),
        description="The name in the certificate; CN= and the application's key if not said.",
    )
    lifetime: Annotated[str, *text(certificate_values.lifetime, values.DURATION)] = Field(
        default=values.DEFAULTS["lifetime"],
        description="How long a certificate is valid, 1h to 3650d; write 90d, 24h, 30m, 45s, 2w or P90D.",
    )


class CertificateShape(Shape, title="certificate"):
    """A certificate: made here (`generate`, with a `store`), or out of a file that others keep up (`pem`).

    The durations must be in order: overlap < renewBefore < lifetime.
    """

    generate: GenerateShape = Field(
        default=absent(), description="Make it here; {} if nothing is to be said of it."
    )
    pem: Annotated[str, *text(certificate_values.pem, r"[^~].*", minLength=1)] = Field(
        default=absent(),
        description="The path of a PEM file with the certificate, relative to the manifest; with its private key "
        "beside it, the certificate can be proven from here.",
    )
    renew_before: Duration = Field(
        default=values.DEFAULTS["renewBefore"],
        description="`apply` and `rotate` renew the certificate when less than this is left of it; one out of a "
        "file is warned of.",
    )
    overlap: Duration = Field(
        default=values.DEFAULTS["overlap"],
        description="How long the old certificate lives on after the new one is proven and stored.",
    )
    store: StoreShape = Field(
        default=absent(),
        description="Where private key and certificate go, as one PEM text; only with generate.",
    )
    replaces: list[Guid] = Field(
        default_factory=list,
        description="keyIds of secrets or certificates that were made elsewhere: taken over, and retired `overlap` after "
        "this one is proven and stored.",
    )


class GithubShape(Shape, title="github"):
    """A job of GitHub Actions: one repository, and one environment, branch or tag, or pull requests."""

    repository: Annotated[str, *text(addresses.repository, addresses.REPOSITORY)] = Field(
        description="OWNER/REPOSITORY, in upper and lower case as GitHub shows it."
    )
    owner_id: RepositoryId = Field(
        default=absent(),
        description="The owner's number, which tokens of repositories created, renamed or transferred "
        "since 2026-07-15 bear: gh api repos/OWNER/REPOSITORY --jq '.owner.id, .id'",
    )
    repository_id: RepositoryId = Field(
        default=absent(), description="The repository's own number; it goes with ownerId."
    )
    format: SubjectFormat = Field(
        default=absent(),
        description="How the tokens tell the repository: `names`, `ids` (names and numbers; what is meant "
        "where the numbers are said) or `both` while a repository moves from the one to the other. What "
        "trusts numbers is called NAME-ids in the tenant, so that nothing is interrupted. "
        "`gh api repos/OWNER/REPOSITORY/actions/oidc/customization/sub` tells how the subjects begin.",
    )
    environment: GitName = Field(
        default=absent(),
        description="Only jobs that name this environment: the narrowest, as it can have reviewers.",
    )
    branch: GitName = Field(default=absent(), description="Only jobs that run on this branch.")
    tag: GitName = Field(default=absent(), description="Only jobs that run on this tag.")
    pull_request: bool = Field(
        default=absent(),
        description="true: jobs of any pull request of the repository. Give it nothing that writes.",
    )


class KubernetesShape(Shape, title="kubernetes"):
    """A service account of a cluster that issues OpenID Connect tokens."""

    issuer: Issuer = Field(description="The cluster's issuer, exactly as the cluster tells it.")
    namespace: Annotated[str, *text(addresses.namespace, addresses.NAMESPACE)] = Field(
        description="The service account's namespace."
    )
    service_account: Annotated[str, *text(addresses.service_account, addresses.SERVICE_ACCOUNT)] = (
        Field(description="The service account's name.")
    )


class ManagedIdentityShape(Shape, title="managedIdentity"):
    """A user-assigned managed identity of the same tenant."""

    principal_id: Guid = Field(
        description="The object id of the managed identity's service principal; not its client id."
    )


class FederatedShape(Shape, title="federated"):
    """A trust in tokens of another issuer: github, kubernetes, managedIdentity, or issuer and subject."""

    github: GithubShape = Field(default=absent(), description="Jobs of GitHub Actions.")
    kubernetes: KubernetesShape = Field(
        default=absent(), description="A service account of Kubernetes."
    )
    managed_identity: ManagedIdentityShape = Field(
        default=absent(), description="A managed identity."
    )
    issuer: Issuer = Field(
        default=absent(), description="Any other issuer (`iss` of its tokens), letter by letter."
    )
    subject: Trusted = Field(
        default=absent(),
        description="With issuer: the `sub` of its tokens, letter by letter; also for a repository of "
        "GitHub that has a subject template of its own (include_claim_keys).",
    )
    audience: Trusted = Field(
        default=addresses.AUDIENCE,
        description="The `aud` of the tokens; another one only in clouds that have one of their own.",
    )


class CredentialShape(Shape, title="credential"):
    """A way for the workload to sign in: a secret, a certificate, or a trust without either."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    secret: SecretShape = Field(
        default=absent(), description="A client secret, whose value must be kept somewhere."
    )
    certificate: CertificateShape = Field(
        default=absent(),
        description="A certificate: what signs in is a statement signed with its private key.",
    )
    federated: FederatedShape = Field(
        default=absent(),
        description="A trust in tokens of another issuer. There is no value, so nothing can leak.",
    )
