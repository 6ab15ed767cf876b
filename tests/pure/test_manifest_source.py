"""A manifest as plain JSON reads back as the same manifest, and nothing in it is filled in again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.errors import ManifestError
from provision.manifest import load, parse_source
from provision.manifest.marks import MAX_DEPTH
from provision.manifest.spec import Manifest, Mark
from tests.written import FOLDER, HEAD, read

EXAMPLES = Path(__file__).parent.parent.parent / "manifests"
START = Mark(line=1, column=1)


def unmarked(value: Any) -> Any:
    """The same data with every mark at the beginning, and without warnings, which tell places."""
    if isinstance(value, Mark):
        return START
    if isinstance(value, tuple):
        return tuple(unmarked(each) for each in value)
    if dataclasses.is_dataclass(value):
        changes = {
            each.name: unmarked(getattr(value, each.name)) for each in dataclasses.fields(value)
        }
        if isinstance(value, Manifest):
            changes["warnings"] = ()
        return dataclasses.replace(value, **changes)  # type: ignore[type-var]
    return value


def again(manifest: Manifest) -> Manifest:
    source = json.loads(json.dumps(manifest.source))
    return parse_source(
        source, file=manifest.file, folder=manifest.folder, environment=manifest.environment
    )


def test_environment_variables_and_defaults_are_filled_in():
    manifest = read(
        f"{HEAD}tenant: contoso.com\ncloud: usgov\n"
        "environments: {dev: {tenant: sandbox, variables: {x: y}}, prod: {tenant: '${no}'}}\n"
        "defaults: {notes: 'Of ${x}'}\n"
        "applications: {a: {displayName: 'A ${x} $${x}', tags: [t]}}\n"
        "identities: {i: {managedIdentity: 00000000-0000-0000-0000-000000000001}}\n",
        env="dev",
    )

    assert manifest.source == {
        "version": 1,
        "name": "abc",
        "tenant": "sandbox",
        "cloud": "usgov",
        "applications": {"a": {"notes": "Of y", "displayName": "A y ${x}", "tags": ["t"]}},
        "identities": {"i": {"managedIdentity": "00000000-0000-0000-0000-000000000001"}},
    }
    assert again(manifest) == unmarked(manifest)
    assert again(manifest).owner == "abc.dev"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_reads_back(path):
    environment = "prod" if path.stem == "environments" else None
    manifest = load(path, environ={}, variables={}, environment=environment)

    assert again(manifest) == unmarked(manifest)


KEYS = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="{"),
    min_size=1,
    max_size=8,
) | st.sampled_from(["${X}", "$${X}", "$${", "$", "on", "1", "null"])
VALUES = st.sampled_from(["Jobs.Run", "Jobs.Read", "x", "a:b"])
URIS = st.lists(st.integers(0, 9).map(lambda n: f"https://a.example/{n}"), unique=True, max_size=3)
SECRETS = st.fixed_dictionaries({"lifetime": st.sampled_from(["60d", "P90D"])})
APPLICATIONS = st.fixed_dictionaries(
    {"displayName": TEXTS},
    optional={
        "description": TEXTS,
        "tags": st.lists(st.sampled_from(["a", "b:c", "on"]), unique=True),
        "web": st.fixed_dictionaries({}, optional={"redirectUris": URIS}),
        "identifierUris": st.just(["api://{appId}"]),
        "permissions": st.sampled_from(
            [
                {"Microsoft Graph": ["User.Read.All", "Nothing.Known"]},
                {"Microsoft Graph": {"delegated": ["openid"]}, "Some API": ["Any"]},
                {},
            ]
        ),
        "appRoles": st.dictionaries(VALUES, st.just({}) | st.just({"enabled": False})),
        "api": st.just({"requestedAccessTokenVersion": 2, "scopes": {"Look": {"type": "User"}}}),
        "owners": st.just(["ana@contoso.com"]),
        "servicePrincipal": st.fixed_dictionaries({}, optional={"enabled": st.booleans()}),
        "consent": st.sampled_from(["grant", "request"]),
        "preserve": st.booleans(),
        "isFallbackPublicClient": st.booleans(),
    },
)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    st.dictionaries(KEYS, st.tuples(APPLICATIONS, st.none() | SECRETS), max_size=4),
    st.fixed_dictionaries({}, optional={"notes": TEXTS, "preserve": st.booleans()}),
    st.sampled_from([None, "dev"]),
)
def test_what_was_read_reads_back_as_the_same(found, defaults, environment):
    applications = {}
    for key, (application, secret) in found.items():
        applications[key] = dict(application)
        if secret is not None:
            store = {"dotenv": ".env", "prefix": f"{key.upper()}_"}
            applications[key]["credentials"] = {"ci": {"secret": {**secret, "store": store}}}
    whole: dict[str, Any] = {"version": 1, "name": "abc", "defaults": defaults}
    if environment:
        whole["environments"] = {environment: {"variables": {"X": "filled ${Y}"}}}
    text = json.dumps({**whole, "applications": applications}, ensure_ascii=False)

    manifest = read(text, env=environment, given={"X": "x", "Y": "y"})

    assert again(manifest) == unmarked(manifest)


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (None, "a manifest is a mapping that begins with version: 1"),
        ([], "a manifest is a mapping that begins with version: 1"),
        ({"version": 1, "name": "abc"}, 'the key "applications" is missing'),
        ({"version": True, "name": "abc", "applications": {}}, "not true (true or false)"),
        ({"version": 1.5, "name": "abc", "applications": {}}, "not the number 1.5"),
        ({"version": 1, "name": "a\x1bc", "applications": {}}, "the control character U+001B"),
        ({"version": 1, "name": "abc", "applications": {}, "x": object()}, '"x" is not a key'),
        (deep(MAX_DEPTH + 1), "more than 40 levels"),
        ([0] * 200_001, "more than 200000 values"),
    ],
)
def test_a_source_that_somebody_changed_is_checked_like_any_manifest(source, says):
    with pytest.raises(ManifestError) as refused:
        parse_source(source, file="plan.json", folder=FOLDER, environment=None)

    assert any(says in line for line in refused.value.lines())
    assert all(line.startswith("plan.json:1:1: ") for line in refused.value.lines())


def test_doubts_are_told_once_when_the_text_is_read():
    manifest = read(
        f"{HEAD}applications: {{a: {{displayName: A, permissions: {{Microsoft Graph: [Xy]}}}}}}"
    )

    assert manifest.warnings
    assert again(manifest).warnings == ()
