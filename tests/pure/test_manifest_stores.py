"""Where values go: each kind of store as it is read, and what keeps one from being a place of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provision.manifest.spec import Manifest
from provision.places import CommandStore, DotenvStore, JsonStore, KeyVaultStore, StorePlace
from tests.written import FOLDER, HEAD, application, read, refusals, with_application

FORM = "{auth: {id: '{clientId}', v: ['{clientSecret}', 1, '{keyId} of {tenantId}']}}"


def store(said: str) -> StorePlace:
    (secret,) = application(f"credentials: {{ci: {{secret: {{store: {said}}}}}}}").secrets
    return secret.store


def mistakes(said: str) -> list[str]:
    return refusals(with_application(f"credentials: {{ci: {{secret: {{store: {said}}}}}}}"))


@pytest.mark.parametrize(
    ("said", "place", "address"),
    [
        ("{dotenv: a/../.env}", DotenvStore(path=FOLDER / ".env", prefix="AZURE_"), "a/../.env (AZURE_*)"),
        ("{json: s/c.json}", JsonStore(path=FOLDER / "s" / "c.json"), "s/c.json"),
        ("{json: c.json, key: my app}", JsonStore(path=FOLDER / "c.json", key="my app"), "c.json (my app)"),
        ("{keyVault: Kv-1, name: ci-secret}", KeyVaultStore(vault="Kv-1", name="ci-secret"), "Key Vault Kv-1/ci-secret"),
        ("{keyVault: a-b, name: '1'}", KeyVaultStore(vault="a-b", name="1"), "Key Vault a-b/1"),
        ("{command: {write: [./put, '{clientId}']}}", CommandStore(write=("./put", "{clientId}"), folder=FOLDER), "command ./put {clientId}"),
        (
            f"{{command: {{write: [put], read: [get, '{{{{raw}}}}'], remove: [rm, '{{keyId}}'], input: {FORM}, timeout: 2m}}}}",
            CommandStore(
                write=("put",),
                read=("get", "{{raw}}"),
                remove=("rm", "{keyId}"),
                input={"auth": {"id": "{clientId}", "v": ["{clientSecret}", 1, "{keyId} of {tenantId}"]}},
                timeout=timedelta(minutes=2),
                folder=FOLDER,
            ),
            "command put",
        ),
    ],
)  # fmt: skip
def test_a_store_is_the_place_that_it_names(said, place, address):
    found = store(said)

    assert found == place
    assert found.address == address


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("x", 'a mapping is wanted here, not the text "x"'),
        ("{prefix: A_}", "6:40: it is not said where the value goes - write one of dotenv, json, keyVault, command"),
        ("{dotenv: .env, json: a.json}", '6:55: a value has one store, and "json" beside "dotenv" is one too many'),
        ("{json: a.json, prefix: A_}", '6:55: "prefix" belongs to dotenv, not to json'),
        ("{dotenv: .env, key: a}", '6:55: "key" belongs to json, not to dotenv'),
        ("{dotenv: .env, name: a}", '6:55: "name" belongs to keyVault, not to dotenv'),
        ("{dotenv: .env, vault: a}", '6:55: "vault" is not a key of the store'),
        ("{json: ~/a}", '"~/a" begins with ~'),
        ("{json: a, key: ''}", '"" is no key: one visible line'),
        ("{json: [a]}", "text is wanted here, not a list"),
        ("{keyVault: kv1}", '6:41: the key "name" is missing - name the secret in the vault'),
        ("{keyVault: https://kv1.vault.azure.net, name: a}", "is an address: a manifest names a vault, never an endpoint - write the vault's bare name"),
        ("{keyVault: kv1.vault.azure.net, name: a}", "is an address"),
        ("{keyVault: ab, name: a}", '"ab" is no name of a vault'),
        ("{keyVault: a--b, name: a}", '"a--b" is no name of a vault'),
        ("{keyVault: abc-, name: a}", '"abc-" is no name of a vault'),
        ("{keyVault: 1abc, name: a}", '"1abc" is no name of a vault'),
        (f"{{keyVault: {'a' * 25}, name: a}}", "is no name of a vault: 3 to 24"),
        ("{keyVault: kv1, name: a_b}", '"a_b" is no name of a secret in a vault'),
        ("{keyVault: kv1, name: a/b}", '"a/b" is no name of a secret in a vault'),
        ("{command: {}}", 'the key "write" is missing'),
        ("{command: put}", "a mapping is wanted here"),
        ("{command: {write: put}}", "a list is wanted here"),
        ("{command: {write: []}}", "6:58: a command needs a program - write it as a list: [program, argument]"),
        ("{command: {write: [put], read: [], input: json}}", "6:71: a command needs a program"),
        ("{command: {write: ['']}}", '6:59: "" is no program'),
        ("{command: {write: ['{clientId}']}}", '"{clientId}" is no program'),
        ("{command: {write: [put, '{clientSecret}']}}", '6:64: "{clientSecret}" has {clientSecret} in it, and an argument never holds the value: a list of processes shows it - the value comes on standard input'),
        ("{command: {write: [put, 'v={clientCertificate}']}}", "an argument never holds the value"),
        ("{command: {write: [put, 'v={value}']}}", "an argument never holds the value"),
        ("{command: {write: [put, 'v={x}']}}", "has the unknown place {x} in it - known here: {tenantId}, {clientId}, {keyId}, {expires}; write {{x}} for a literal {x}"),
        ("{command: {write: [put, 1]}}", "text is wanted here, not the number 1"),
        ("{command: {write: [put], read: [get, '{clientId}'], input: json}}", "when it is read nothing is known yet"),
        ("{command: {write: [put], remove: [rm, '{keyId}']}}", "only `read` would tell it - add `read`, or leave that away"),
        ("{command: {write: [put], read: [get]}}", "6:65: a bare value does not say whose it is, so reading it back tells nothing - write input: json or env, or leave `read` away"),
        ("{command: {write: [put], input: xml}}", '"xml" is none of value, json, env'),
        ("{command: {write: [put], input: [a]}}", "is no input: write value, json, env, or a mapping of your own"),
        ("{command: {write: [put], input: {a: '{clientId}'}}}", '6:72: the value is nowhere in this input - write "{clientSecret}" where it belongs'),
        ("{command: {write: [put], input: {a: '{clientSecret}', b: ['x {y}']}}}", '"x {y}" has the unknown place {y} in it - known here: {clientSecret}, {tenantId}'),
        ("{command: {write: [put], input: {a: '{clientSecret}', b: '{clientCertificate}'}}}", "has the unknown place {clientCertificate} in it"),
        ("{command: {write: [put], read: [get], input: {a: '{clientSecret}', b: '{keyId}'}}}", "reading this back would not tell tenantId, clientId - add {tenantId}, {clientId}, or leave `read` away"),
        ("{command: {write: [put], timeout: 11m}}", '"11m" is no time limit for a command: between 1s and 10m'),
        ("{command: {write: [put], timeout: 0s}}", '"0s" is no time limit'),
        ("{command: {write: [put], timeout: 30}}", "a unit is missing"),
        ("{command: {write: [put], reed: [get]}}", 'did you mean "read"?'),
    ],
)  # fmt: skip
def test_a_store_that_cannot_be_is_refused_with_its_place(said, says):
    (found,) = mistakes(said)

    assert says in found


SHARED = [
    ("{json: a.json}", "{json: x/../a.json}", "another file or another key"),
    ("{json: a.json}", "{json: a.json, key: b}", "another file or another key"),
    ("{json: a.json, key: b}", "{json: a.json}", "another file or another key"),
    ("{json: a.json, key: b}", "{json: a.json, key: b}", "another file or another key"),
    ("{json: a.json, key: b}", "{dotenv: a.json}", "another file or another prefix"),
    ("{dotenv: a.json}", "{json: a.json, key: b}", "another file or another key"),
    ("{dotenv: a.json}", "{json: a.json}", "another file or another key"),
    ("{json: a.json}", "{dotenv: a.json}", "another file or another prefix"),
    ("{keyVault: kv1, name: n}", "{keyVault: KV1, name: N}", "another vault or another name"),
    ("{command: {write: [a, b]}}", "{command: {write: [a, b], input: json}}", "another command"),
]


@pytest.mark.parametrize(("one", "other", "hint"), SHARED)
def test_two_credentials_in_one_place_are_refused_whatever_its_kind(one, other, hint):
    (found,) = refusals(two(one, other))

    assert found.startswith('9:39: the store of "y" of "b" is the store of "x" of "a" too - ')
    assert f"the first is at 6:39; choose {hint}" in found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{json: a.json, key: b}", "{json: a.json, key: c}"),
        ("{dotenv: .env}", "{dotenv: .env, prefix: B_}"),
        ("{keyVault: kv1, name: n}", "{keyVault: kv2, name: n}"),
        ("{keyVault: kv1, name: n}", "{keyVault: kv1, name: m}"),
        ("{command: {write: [a, b]}}", "{command: {write: [a, c]}}"),
    ],
)
def test_two_credentials_may_share_what_keeps_them_apart(one, other):
    assert len(read(two(one, other)).applications) == 2


def two(one: str, other: str) -> str:
    return (
        f"{HEAD}applications:\n"
        f"  a:\n    displayName: A\n    credentials: {{x: {{secret: {{store: {one}}}}}}}\n"
        f"  b:\n    displayName: B\n    credentials: {{y: {{secret: {{store: {other}}}}}}}\n"
    )


def test_an_application_with_another_kind_of_store_has_nothing_of_the_default_one():
    manifest = read(
        f"{HEAD}defaults: {{credentials: {{ci: {{secret: {{store: {{dotenv: .env, prefix: D_}}}}}}}}}}\n"
        "applications:\n"
        "  a: {displayName: A, credentials: {ci: {secret: {store: {json: a.json}}}}}\n"
        "  b: {displayName: B, credentials: {ci: {secret: {store: {prefix: B_}}}}}\n"
    )

    assert places(manifest) == [
        JsonStore(path=FOLDER / "a.json"),
        DotenvStore(path=FOLDER / ".env", prefix="B_"),
    ]


def places(manifest: Manifest) -> list[StorePlace]:
    return [secret.store for app in manifest.applications for secret in app.secrets]


def test_variables_of_the_manifest_are_filled_in_before_the_places_of_a_command():
    text = with_application(
        "credentials: {ci: {secret: {store: {command: {write: [put, '${X}/{clientId}']}}}}}"
    )

    (place,) = places(read(text, given={"X": "{keyId}"}))

    assert isinstance(place, CommandStore)
    assert place.write == ("put", "{keyId}/{clientId}")


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ("env", "lines of a dotenv file cannot hold a certificate - write input: json"),
        ("{a: '{clientSecret}'}", '"{clientSecret}" has the unknown place {clientSecret} in it'),
        ("{a: '{clientId}'}", 'the value is nowhere in this input - write "{clientCertificate}"'),
    ],
)
def test_a_command_that_cannot_keep_a_certificate_is_refused(form, says):
    store = f"{{command: {{write: [put], input: {form}}}}}"

    found = refusals(with_application(f"credentials: {{ci: {{certificate: {{store: {store}}}}}}}"))

    assert any(says in each for each in found)
