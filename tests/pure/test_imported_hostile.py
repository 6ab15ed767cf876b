"""Whatever texts stand in a tenant, they become neither YAML nor comments of their own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.imported.yamltext import key, scalar
from tests.existing import a_password, a_trust, existing, source, unchanged

HOSTILE = (
    st.text(max_size=30)
    | st.text(alphabet=" \n\r\t\"'\\#:{}[]&*!|>%@`,?-$~\x00\x85\u2028\u202e😀aé", max_size=30)
    | st.sampled_from(
        [
            "on",
            "off",
            "yes",
            "No",
            "null",
            "~",
            "012",
            "0x1f",
            "1e3",
            "2026-01-01",
            "1:30",
            ".inf",
            "${HOME}",
            "$${X}",
            "@x",
            "a: b",
            "- a",
            "# a",
            "{a}",
            "[a]",
            "a\nb: c",
            "a\n# b",
            "---",
            "lone \ud800",
        ]
    )
)


@given(HOSTILE.filter(lambda text: not any(0xD800 <= ord(each) <= 0xDFFF for each in text)))
def test_every_text_is_a_scalar_that_reads_back(text: str) -> None:
    import yaml

    lines = f"a: {scalar(text)}\n{key(text)}: b\n"

    assert yaml.safe_load(lines) == {"a": text.replace("${", "$${"), text: "b"}


@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "displayName": HOSTILE,
            "description": HOSTILE,
            "notes": HOSTILE,
            "groupMembershipClaims": HOSTILE,
            "web": st.fixed_dictionaries(
                {"redirectUris": st.lists(HOSTILE, max_size=2), "logoutUrl": HOSTILE}
            ),
            "publicClient": st.fixed_dictionaries(
                {"redirectUris": st.lists(HOSTILE.map(lambda text: f"app:{text}"), max_size=2)}
            ),
            "identifierUris": st.lists(HOSTILE, max_size=2),
            "optionalClaims": st.fixed_dictionaries(
                {"idToken": st.lists(st.fixed_dictionaries({"name": HOSTILE}), max_size=2)}
            ),
        }
    ),
    st.lists(HOSTILE, max_size=3),
    HOSTILE,
)
def test_whatever_a_tenant_holds_is_written_so_that_it_stays(
    properties: dict[str, Any], tags: list[str], value: str
) -> None:
    role = {
        "id": "r",
        "value": value,
        "displayName": value,
        "description": value,
        "allowedMemberTypes": ["Application"],
        "isEnabled": True,
    }
    scope = {"id": "s", "value": value, "type": "User", "isEnabled": True}
    texts = {"adminConsentDisplayName": value, "adminConsentDescription": value}
    app = existing(
        properties={
            **properties,
            "appRoles": [role],
            "api": {"oauth2PermissionScopes": [{**scope, **texts, "value": f"{value}.x"}]},
        },
        tags=tags,
        passwords=[a_password(value)],
        federated=[a_trust(value)],
        more={"info": {"supportUrl": value}, "samlMetadataUrl": value},
    )

    imported, manifest = unchanged(source(app))

    (spec,) = manifest.applications
    for name in ("displayName", "description", "notes"):
        assert spec.properties.get(name, properties[name]) == properties[name]
    assert spec.tags <= set(tags)
    assert not spec.secrets
    assert all(each.isprintable() or each == "\n" for each in imported.text)


@pytest.mark.parametrize(
    "name", ["lone \ud800", "a\nadopt: {}", "\x00", "\u2028# x", "\x85b: c", ""]
)
def test_a_name_that_no_manifest_may_give_is_left_as_it_is(name: str) -> None:
    _, manifest = unchanged(source(existing(properties={"displayName": name}, tags=[name])))

    assert manifest.applications[0].properties.get("displayName", name) == name
    assert "\n" not in manifest.applications[0].properties.get("displayName", "")
