"""Variables fill text and nothing else, and a stranger's manifest reads nothing of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import ManifestError
from provision.manifest import parse


def display_name(text: str, environ: dict[str, str] | None = None, **variables: str) -> str:
    manifest = parse(
        f"version: 1\nname: abc\napplications: {{a: {{displayName: '{text}'}}}}",
        file="m.yaml",
        folder=Path("/manifests"),
        environ=environ or {},
        variables=variables,
    )
    return str(manifest.applications[0].properties["displayName"])


def refusals(text: str, environ: dict[str, str] | None = None, **variables: str) -> list[str]:
    with pytest.raises(ManifestError) as refused:
        display_name(text, environ, **variables)
    return refused.value.lines()


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${X}", "x"),
        ("a${X}b${X}", "axbx"),
        ("${X:-d}", "x"),
        ("${UNSET:-d e}", "d e"),
        ("${EMPTY:-d}", "d"),
        ("a${EMPTY}", "a"),
        ("a${UNSET:-}", "a"),
        ("$${X}", "${X}"),
        ("$X $ $$", "$X $ $$"),
        ("${LOOP}", "${X}"),
    ],
)
def test_a_variable_is_replaced_once(text, filled):
    assert display_name(text, X="x", EMPTY="", LOOP="${X}") == filled


def test_the_command_line_comes_first():
    environ = {"PROVISION_VAR_X": "environment", "X": "bare"}

    assert display_name("${X}", environ, X="option") == "option"
    assert display_name("${X}", environ) == "environment"


@pytest.mark.parametrize("name", ["AZURE_TENANT_ID", "ARM_TENANT_ID"])
def test_the_tenant_variables_are_read_as_they_are(name):
    assert display_name(f"${{{name}}}", {name: "t"}) == "t"
    assert display_name(f"${{{name}}}", {name: "t", f"PROVISION_VAR_{name}": "mine"}) == "mine"


@pytest.mark.parametrize("name", ["HOME", "AZURE_CLIENT_SECRET", "PROVISION_VAR_X"])
def test_nothing_else_of_the_environment_is_read(name):
    found = refusals(f"${{{name}}}", {name: "canary"})

    assert found == [
        f"m.yaml:3:33: the variable {name} is not set - give it with --var {name}=VALUE, "
        f"set PROVISION_VAR_{name}, or write ${{{name}:-default}}"
    ]


def test_an_unset_tenant_variable_names_itself_as_a_way_out():
    (found,) = refusals("${AZURE_TENANT_ID}")

    assert "set PROVISION_VAR_AZURE_TENANT_ID or AZURE_TENANT_ID, or" in found


@pytest.mark.parametrize("text", ["${1X}", "${}", "${X", "${X-Y}", "${X:?e}"])
def test_a_malformed_variable_is_refused(text):
    (found,) = refusals(text, X="x")

    assert found.endswith(
        f'"{text}" is not a variable - write ${{NAME}}, ${{NAME:-default}}, or $${{ for a literal ${{'
    )


def test_a_value_never_changes_the_structure():
    value = "x, tags: [y]}\n? - *a !!int 1"

    with pytest.raises(ManifestError) as refused:
        display_name("${X}", X=value)

    assert refused.value.lines() == ['m.yaml:3:33: "${X}" is no display name: it must be one line']


def test_a_value_never_changes_the_type():
    text = "version: ${V}\nname: abc\napplications: {}"

    with pytest.raises(ManifestError) as refused:
        parse(text, file="m", folder=Path("/m"), environ={}, variables={"V": "1"})

    assert refused.value.lines() == ['m:1:10: a number is wanted here, not the text "${V}"']


def test_keys_are_never_filled():
    text = "version: 1\nname: abc\napplications: {'${X}': {displayName: a}}"

    with pytest.raises(ManifestError) as refused:
        parse(text, file="m", folder=Path("/m"), environ={}, variables={"X": "x"})

    assert '"${X}" is no application key' in refused.value.lines()[0]


@pytest.mark.parametrize(
    "line",
    [
        *("name: ${X}", "tenant: ${X}", "cloud: ${X}", "version: ${X}"),
        "applications: {a: {displayName: a, signInAudience: '${X}', consent: '${X}'}}",
        "applications: {a: {displayName: a, permissions: {Microsoft Graph: ['${X}', '${X}']}}}",
        "applications: {a: {displayName: a, tags: ['${X}', '${X}'], verify: {calls: ['${X}']}}}",
        "applications: {a: {displayName: a, credentials: {c: {secret: {lifetime: '${X}', "
        "store: {dotenv: '${X}', prefix: '${X}'}}}}}}",
        "applications: {a: {displayName: a, credentials: {c: {secret: {lifetime: 1d, "
        "overlap: '${X}', store: {dotenv: '${X}'}}}}}}",
        "applications: {a: {displayName: a, identifierUris: ['${X}', '${X}'], owners: ['${X}', '${X}'], "
        "web: {redirectUris: ['${X}', '${X}'], logoutUrl: '${X}'}, adopt: {appId: '${X}'}}}",
        "applications: {a: {displayName: a, api: {preAuthorizedApplications: [{client: '${X}', scopes: "
        "['${X}', '${X}']}], knownClientApplications: ['${X}']}, permissions: {a: ['${X}'], Any: ['${X}']}}}",
        "applications: {a: {displayName: a, appRoles: {x: {type: '${X}', allowedMemberTypes: ['${X}', "
        "'${X}']}}, optionalClaims: {idToken: [{name: '${X}'}, {name: '${X}'}]}}}",
        "applications: {a: {displayName: a, credentials: {c: {federated: {github: {repository: '${X}', "
        "branch: ' ${X}'}}}, d: {federated: {issuer: '${X}', subject: '${X} '}}}}}",
        "defaults: {consent: '${X}', tags: ['${X}']}\napplications: {a: {displayName: a}}",
        "applications: {}\nidentities: {a: {managedIdentity: '${X}', permissions: {Microsoft Graph: ['${X}']}}}",
    ],
)
def test_a_mistake_tells_the_variable_and_not_its_value(line):
    """The value may be a secret that was set for another tool."""
    with pytest.raises(ManifestError) as refused:
        parse(
            f"{line}\n", file="m", folder=Path("/m"), environ={"PROVISION_VAR_X": "Canary 7 %"},
            variables={},
        )  # fmt: skip

    assert "anary" not in "".join(refused.value.lines())


def test_a_shared_value_is_refused_once():
    text = "version: 1\nname: abc\nx: &x {displayName: '${X}'}\napplications: {a: *x, b: *x}"

    with pytest.raises(ManifestError) as refused:
        parse(text, file="m", folder=Path("/m"), environ={}, variables={})

    assert [each.line for each in refused.value.problems].count(3) == 2


@pytest.mark.parametrize("value", ["a\0b", "a\x1bb", "a\rb", "a\ud800b", "a\x7fb"])
def test_a_control_character_in_a_value_is_refused(value):
    (found,) = refusals("${X}", X=value)

    assert "a text contains the control character U+" in found
