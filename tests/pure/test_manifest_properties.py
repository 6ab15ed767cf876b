"""Whatever stands in a file, reading it ends in a manifest or in mistakes with places."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from provision.errors import ManifestError
from provision.manifest import parse
from provision.manifest.spec import Manifest


def read(text: str, environment: str | None = None) -> Manifest:
    return parse(
        text,
        file="m.yaml",
        folder=Path("/manifests"),
        environ={},
        variables={},
        environment=environment,
    )


KEYS = re.findall(
    r"\S+",
    """name displayName tags permissions credentials verify secret store dotenv calls lifetime
    application ci delegated web redirectUris identifierUris api scopes appRoles allowedMemberTypes
    preAuthorizedApplications knownClientApplications client optionalClaims idToken federated github
    repository branch kubernetes issuer subject managedIdentity principalId owners servicePrincipal
    adopt appId allowTier0 enabled environments defaults identities variables tenant app
    json key keyVault command write read remove input timeout {clientSecret} prefix""",
)
SIGNS = re.findall(
    r"\S+",
    """version ${X} ${X:-1} $${ << *a &a !!str !x - 1 on null true .env [ ] { } , : ? | > ' " #
    %YAML --- ... \\0 User.Read.All""",
)
WORDS = st.sampled_from([*KEYS, *SIGNS, "", "\t", "\n", "Microsoft Graph"])
LINES = st.lists(
    st.tuples(st.integers(0, 4), st.lists(WORDS, max_size=4), st.sampled_from([":", "", ": "])),
    max_size=12,
)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.one_of(st.text(max_size=60), LINES))
def test_no_text_raises_anything_but_a_manifest_error(text):
    if not isinstance(text, str):
        text = "\n".join("  " * depth + " ".join(words) + end for depth, words, end in text)

    with suppress(ManifestError):
        read(text)


VALUES = st.recursive(
    st.sampled_from([None, True, 1, 1.5, "x", "${X}", "GET /users", ".env", "90d", "Mail.Send"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from([*KEYS, "Microsoft Graph"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(KEYS),
        VALUES,
    ),
    st.dictionaries(
        st.sampled_from(["environments", "defaults", "identities", "tenant", "applications"]),
        VALUES,
        max_size=2,
    ),
)
def test_no_wrong_type_raises_anything_but_a_manifest_error(found, top):
    whole = {"version": 1, "name": "abc", "applications": {"app": found}, **top}
    text = json.dumps(whole)

    for environment in (None, "ci"):
        with suppress(ManifestError):
            read(text, environment)


NAMES = st.from_regex(r"[a-z0-9-]{3,20}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(NAMES, st.dictionaries(NAMES, TEXTS, max_size=5))
def test_a_valid_manifest_reads_as_it_is_written_every_time(name, display_names):
    applications = {
        key: {"displayName": text.replace("${", "$${")} for key, text in display_names.items()
    }
    text = json.dumps(
        {"version": 1, "name": name, "applications": applications}, ensure_ascii=False
    )

    first, second = read(text), read(text)

    assert first == second
    assert {
        each.key: each.properties["displayName"] for each in first.applications
    } == display_names
