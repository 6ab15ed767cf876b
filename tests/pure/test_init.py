"""What `init` writes is a manifest that loads, whatever was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.errors import UsageError
from provision.init import manifest_text
from provision.manifest import parse


def read(text: str):
    return parse(text, file="m.yaml", folder=Path("/m"), environ={}, variables={})


def test_the_manifest_says_what_was_asked_for():
    text = manifest_text(
        "contoso",
        "my-workload",
        ["User.Read.All", "Mail.Send"],
        store="out/.env",
        prefix="APP_",
        credential="deploy",
        tenant="contoso.com",
    )

    manifest = read(text)

    (application,) = manifest.applications
    (secret,) = application.secrets
    assert (manifest.name, manifest.tenant, application.key) == (
        "contoso",
        "contoso.com",
        "my-workload",
    )
    assert application.properties == {"displayName": "My Workload"}
    assert [each.value for each in application.permissions] == ["User.Read.All", "Mail.Send"]
    assert (secret.name, secret.store.path, secret.store.prefix) == (
        "deploy",
        Path("/m/out/.env"),
        "APP_",
    )
    assert [each.path for each in application.calls] == ["/users?$top=1"]
    assert manifest.warnings == ()


def test_editors_are_told_a_schema_that_exists_only():
    with_schema = manifest_text("abc", "app", [], schema="./schema.json")

    assert with_schema.startswith("# yaml-language-server: $schema=./schema.json\n#\n# What")
    assert "yaml-language-server" not in manifest_text("abc", "app", [])


def test_each_permission_is_explained():
    assert "- User.Read.All    # Read all users' full profiles\n" in manifest_text(
        "abc", "app", ["User.Read.All"]
    )


def test_a_permission_that_is_not_known_here_is_written_without_an_explanation():
    assert "- Foo.Read\n" in manifest_text("abc", "app", ["Foo.Read"])


def test_without_permissions_there_is_nothing_to_call():
    text = manifest_text("abc", "app", [])

    assert "verify" not in text
    assert read(text).applications[0].permissions == ()


def test_no_line_ends_with_a_space():
    assert [
        line
        for line in manifest_text("abc", "app", ["Mail.Send"]).split("\n")
        if line.endswith(" ")
    ] == []


@pytest.mark.parametrize("word", ["012", "on", "null", "true", "1e5", "-", "12"])
def test_words_that_yaml_might_mistake_are_read_back(word):
    text = manifest_text("abc", word, [], credential=word, display_name=word)

    (application,) = read(text).applications
    assert (application.key, application.secrets[0].name) == (word, word)
    assert application.properties["displayName"] == word


PRINTABLE = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Z"]), min_size=1
)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(PRINTABLE)
def test_any_display_name_is_read_back(display_name):
    text = manifest_text("abc", "app", [], display_name=display_name[:200])

    assert read(text).applications[0].properties["displayName"] == display_name[:200]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"name": "A"}, '"A" is no manifest name'),
        ({"app": "my app"}, '"my app" is no application key'),
        ({"permissions": ["User.Read"]}, 'delegated permission, and a workload signs in without a user - did you mean "User.Read.All"?'),
        ({"store": "~/.env"}, "which is not expanded"),
        ({"display_name": "a\nb"}, "it must be one line"),
        ({"tenant": "${X}"}, '"$${X}" is no tenant'),
    ],
)  # fmt: skip
def test_what_would_not_load_is_refused_before_it_is_written(options, says):
    with pytest.raises(UsageError) as refused:
        manifest_text(**{"name": "abc", "app": "app", "permissions": [], **options})

    assert says in str(refused.value)


def test_a_permission_that_leads_to_control_of_the_tenant_is_named_twice_with_the_reason():
    text = manifest_text("abc", "app", ["Application.ReadWrite.All", "User.Read.All"])

    assert (
        "    allowTier0:\n      - Application.ReadWrite.All    # it can add a secret to any application"
        in text
    )
    assert len(read(text).applications[0].permissions) == 2
