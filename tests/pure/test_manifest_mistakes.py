"""What an application says is read, or refused with the place of the mistake and the way out."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from provision.errors import ManifestError
from provision.manifest import parse
from provision.manifest.spec import ApplicationSpec, Manifest

FOLDER = Path("/manifests")


def read(text: str) -> Manifest:
    return parse(text, file="m.yaml", folder=FOLDER, environ={}, variables={})


def refusals(text: str) -> list[str]:
    with pytest.raises(ManifestError) as refused:
        read(text)
    return [line.removeprefix("m.yaml:") for line in refused.value.lines()]


def with_application(lines: str) -> str:
    indented = "".join(f"    {line}\n" for line in lines.splitlines())
    return f"version: 1\nname: abc\napplications:\n  app:\n    displayName: x\n{indented}"


def application(lines: str) -> ApplicationSpec:
    (found,) = read(with_application(lines)).applications
    return found


def test_a_secret_has_defaults_for_everything_but_its_store():
    (secret,) = application("credentials: {ci: {secret: {store: {dotenv: .env}}}}").secrets

    assert (secret.lifetime, secret.renew_before) == (timedelta(days=90), timedelta(days=30))
    assert (secret.overlap, secret.store.prefix) == (timedelta(hours=24), "AZURE_")


def test_a_list_of_permissions_means_application_permissions():
    found = application("permissions: {Microsoft Graph: [Mail.Send]}")

    assert [each.value for each in found.permissions] == ["Mail.Send"]


@pytest.mark.parametrize(
    ("lines", "refusal"),
    [
        ("tags: x", "6:11: a list is wanted here, not the text \"x\" - write [x]"),
        ("tags: {a: b}", "6:11: a list is wanted here, not a mapping"),
        ("tags:", "6:5: a list is wanted here, and nothing is written"),
        ("tags: [1]", '6:12: text is wanted here, not the number 1 - put it in quotes: "1"'),
        ("tags: [[a]]", "6:12: text is wanted here, not a list"),
        ("description: 1.10", '6:18: text is wanted here, not the number 1.10 - put it in quotes: "1.10"'),
        ("description: true", '6:18: text is wanted here, not true (true or false) - put it in quotes: "true"'),
        ("verify: [x]", "6:13: a mapping is wanted here, not a list"),
        ("credentials: x", '6:18: a mapping is wanted here, not the text "x"'),
        ("credentials: {ci: }", "6:19: a mapping is wanted here, and nothing is written"),
        ("credentials: {ci: {}}", "6:19: it is not said how the workload signs in - add secret, certificate or federated"),
        ("permissions: {Microsoft Graph: 1}", "6:36: a list of permission names is wanted here, not the number 1 - write [1]"),
        ("permissions: {Microsoft Graph: {application: x}}", '6:50: a list is wanted here, not the text "x" - write [x]'),
        ("permissions: {Microsoft Graph: [1]}", '6:37: text is wanted here, not the number 1 - put it in quotes: "1"'),
        ("permissions: {Microsoft Graph: {applications: [], application: []}}", '6:37: "applications" is not a key of the resource - did you mean "application"?'),
        ("permissions: {Microsoft Graph: [Mail.Send, Mail.Send]}", '6:48: the permission "Mail.Send" stands here for the second time - the first is at 6:37'),
        ("consent: Grant", '6:14: "Grant" is none of grant, request - did you mean "grant"?'),
        ("signInAudience: x", '6:21: "x" is none of AzureADMyOrg, AzureADMultipleOrgs, AzureADandPersonalMicrosoftAccount, PersonalMicrosoftAccount'),
        ("verify: {zz: 1}", '6:14: "zz" is not a key of the verify - known here: calls'),
        ("tags: [a b]", '6:12: "a b" is no tag: 1 to 256 characters without white space'),
        ('tags: [""]', '6:12: "" is no tag: 1 to 256 characters without white space'),
        ("tags: [Provision:owner:x]", '6:12: "Provision:owner:x" begins with provision:, which is reserved for our own marks'),
        ("credentials: {CI: {secret: {store: {dotenv: .env}}}}", '6:19: "CI" is no credential name: 1 to 20 of a-z, 0-9 and -'),
        (f"description: {'x' * 1025}", f'6:18: "{"x" * 57}..." is too long: 1025 characters, and 1024 are allowed'),
    ],
)  # fmt: skip
def test_a_mistake_in_an_application_is_told(lines, refusal):
    assert refusals(with_application(lines)) == [refusal]


@pytest.mark.parametrize(
    ("secret", "refusal"),
    [
        ("lifetime: 5m", '6:43: "5m" is no lifetime for a secret: between 1h and 3650d'),
        ("lifetime: 3651d", '6:43: "3651d" is no lifetime for a secret: between 1h and 3650d'),
        ("lifetime: 90", "6:43: text is wanted here, not the number 90 - a unit is missing: write 90d, 24h, 30m, 45s or 2w"),
        ("lifetime: 90 days", '6:43: "90 days" is no duration - write 90d, 24h, 30m, 45s or 2w'),
        ("overlap: P1Y", '6:42: "P1Y" is no duration - write 90d, 24h, 30m, 45s or 2w'),
        ("renewBefore: 90d", "6:33: renewBefore (90d) must be shorter than lifetime (90d if not said) - the order is overlap < renewBefore < lifetime"),
        ("overlap: 30d", "6:33: overlap (30d) must be shorter than renewBefore (30d if not said) - the order is overlap < renewBefore < lifetime"),
        ("renewBefore: 1h", "6:33: overlap (24h if not said) must be shorter than renewBefore (1h) - the order is overlap < renewBefore < lifetime"),
        ("lifetme: 1d", '6:33: "lifetme" is not a key of the secret - did you mean "lifetime"?'),
    ],
)  # fmt: skip
def test_a_mistake_in_a_secret_is_told(secret, refusal):
    lines = f"credentials: {{ci: {{secret: {{{secret}, store: {{dotenv: .env}}}}}}}}"

    assert refusals(with_application(lines)) == [refusal]


@pytest.mark.parametrize(
    ("store", "says"),
    [
        ("{}", 'the key "dotenv" is missing'),
        ("{dotenv: ''}", '"" names no file'),
        ("{dotenv: secrets/}", '"secrets/" names no file'),
        ("{dotenv: 'a\\..'}", '"a\\.." names no file'),
        ("{dotenv: ~/.env}", '"~/.env" begins with ~, which is not expanded'),
        ('{dotenv: "a\\nb"}', '"a\\u000ab" is no path: it must be one line'),
        ('{dotenv: "a\\0b"}', "a text contains the control character U+0000"),
        ("{dotenv: .env, prefix: 1X}", '"1X" is no prefix: letters, digits and _'),
        ("{dotenv: .env, prefix: A-B}", '"A-B" is no prefix: letters, digits and _'),
    ],
)
def test_a_store_that_cannot_be_is_refused(store, says):
    (refusal,) = refusals(with_application(f"credentials: {{ci: {{secret: {{store: {store}}}}}}}"))

    assert says in refusal


def test_a_secret_without_a_store_is_refused():
    (refusal,) = refusals(with_application("credentials: {ci: {secret: {}}}"))

    assert refusal == (
        '6:24: the key "store" is missing - say where the value goes, such as store: {dotenv: .env}'
    )


def test_two_credentials_with_one_store_are_refused_naming_both():
    text = (
        "version: 1\nname: abc\napplications:\n"
        "  a: {displayName: A, credentials: {x: {secret: {store: {dotenv: .env}}}}}\n"
        "  b:\n    displayName: B\n    credentials:\n"
        "      y: {secret: {store: {dotenv: k/../.env, prefix: AZURE_}}}\n"
        "      z: {secret: {store: {dotenv: .env, prefix: Z_}}}\n"
    )

    assert refusals(text) == [
        '8:27: the store of "y" of "b" is the store of "x" of "a" too - '
        "the first is at 4:57; choose another file or another prefix"
    ]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("GET https://evil.example/x", "names a host: a verify call goes to the chosen cloud's"),
        ("GET //evil.example/x", "names a host"),
        ("GET evil.example/x", 'has no path beginning with "/"'),
        ("GET", 'has no path beginning with "/"'),
        ("GET javascript:x", "names a host"),
        ("GET /a//b", "has a path with //, .. or a backslash"),
        ("GET /a/../b", "has a path with //, .. or a backslash"),
        ("GET /a/%2e%2E/b", "has a path with //, .. or a backslash"),
        ("GET /a%252f%252fb", "has a path with //, .. or a backslash"),
        ("GET /%5cevil", "has a path with //, .. or a backslash"),
        ("GET /\\evil", "contains a backslash"),
        ("GET /a b", "write it percent-encoded"),
        ("GET /ü", "write it percent-encoded"),
        ("GET /a#b", "no fragment"),
        (f"GET /{'a' * 2048}", "at most 2048 characters"),
        ("GET /v1.0/users", "names a version of Microsoft Graph"),
        ("GET /Beta", "names a version of Microsoft Graph"),
        ("get /users", 'did you mean "GET"?'),
        ("DELETE /users/1", "is no request that proves something without changing it"),
        ("/users", "write GET or HEAD"),
    ],
)
def test_a_verify_call_goes_to_graph_and_nowhere_else(call, says):
    (refusal,) = refusals(with_application(f"verify: {{calls: ['{call}']}}"))

    assert says in refusal


def test_a_query_may_contain_what_a_path_may_not():
    call = "GET /applications?$filter=identifierUris/any(u:u%20eq%20'https://x/../y')"

    found = application(f'verify: {{calls: ["{call}"]}}')

    assert [each.path for each in found.calls] == [call.removeprefix("GET ")]


@pytest.mark.parametrize(
    ("display_name", "says"),
    [
        ("' '", "something must be visible"),
        ('"a\\nb"', "it must be one line"),
        ("x" * 257, "is too long: 257 characters, and 256 are allowed"),
    ],
)
def test_a_display_name_is_one_visible_line(display_name, says):
    (refusal,) = refusals(
        f"version: 1\nname: abc\napplications: {{a: {{displayName: {display_name}}}}}"
    )

    assert says in refusal


def test_more_permissions_than_an_application_may_ask_for_are_refused():
    names = ", ".join(f"X{n}.Read" for n in range(401))

    found = refusals(with_application(f"permissions: {{Microsoft Graph: [{names}]}}"))

    assert sum("may ask for 400 permissions" in each for each in found) == 1


def test_an_unknown_permission_is_a_warning_with_its_place():
    """The shipped catalogue ages: the tenant has the last word."""
    manifest = read(with_application("permissions: {Microsoft Graph: [User.Raed.All, Xyz]}"))

    assert manifest.warnings == (
        'm.yaml:6:37: "User.Raed.All" is no known application permission of Microsoft Graph - '
        'did you mean "User.Read.All"?',
        'm.yaml:6:52: "Xyz" is no known application permission of Microsoft Graph',
    )
    assert [each.value for each in manifest.applications[0].permissions] == ["User.Raed.All", "Xyz"]
