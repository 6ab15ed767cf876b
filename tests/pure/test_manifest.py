"""A manifest is read completely, or every mistake in it is told with its place and the way out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from provision.errors import ManifestError
from provision.manifest import json_schema, parse
from provision.manifest.spec import ApplicationSpec, Manifest, Mark, PermissionSpec, SecretSpec
from provision.model import Call
from provision.places import DotenvStore

FOLDER = Path("/manifests")

FULL = """\
version: 1
name: contoso
tenant: sandbox/two
cloud: usgov
applications:
  sync:
    displayName: Sync
    description: Copies users.
    signInAudience: AzureADMyOrg
    tags: [team:x, on]
    permissions:
      Microsoft Graph: {application: [User.Read.All, Group.Read.All]}
    consent: request
    credentials:
      ci:
        secret:
          lifetime: P10D
          renewBefore: 2d
          overlap: 90m
          store: {dotenv: secrets/../.env, prefix: SYNC_}
    verify:
      calls: [GET /users?$top=1, HEAD /groups]
  bare: {displayName: Bare}
"""


def read(text: str, environ: Mapping[str, str] | None = None, **variables: str) -> Manifest:
    return parse(text, file="m.yaml", folder=FOLDER, environ=environ or {}, variables=variables)


def refusals(text: str, environ: Mapping[str, str] | None = None, **variables: str) -> list[str]:
    with pytest.raises(ManifestError) as refused:
        read(text, environ, **variables)
    return [line.removeprefix("m.yaml:") for line in refused.value.lines()]


def test_everything_that_a_manifest_says_is_read():
    manifest = read(FULL)

    assert replace(manifest, source={}) == Manifest(
        file="m.yaml",
        folder=FOLDER,
        name="contoso",
        owner="contoso",
        tenant="sandbox/two",
        cloud="usgov",
        applications=(
            ApplicationSpec(
                key="sync",
                properties={
                    "displayName": "Sync",
                    "description": "Copies users.",
                    "signInAudience": "AzureADMyOrg",
                },
                tags=frozenset({"team:x", "on"}),
                permissions=(
                    PermissionSpec(
                        resource="Microsoft Graph",
                        value="User.Read.All",
                        mark=Mark(line=12, column=39),
                    ),
                    PermissionSpec(
                        resource="Microsoft Graph",
                        value="Group.Read.All",
                        mark=Mark(line=12, column=54),
                    ),
                ),
                grant=False,
                secrets=(
                    SecretSpec(
                        name="ci",
                        lifetime=timedelta(days=10),
                        renew_before=timedelta(days=2),
                        overlap=timedelta(minutes=90),
                        store=DotenvStore(path=FOLDER / ".env", prefix="SYNC_"),
                        mark=Mark(line=15, column=7),
                    ),
                ),
                calls=(
                    Call(method="GET", path="/users?$top=1"),
                    Call(method="HEAD", path="/groups"),
                ),
                mark=Mark(line=6, column=3),
            ),
            ApplicationSpec(
                key="bare",
                properties={"displayName": "Bare"},
                tags=frozenset(),
                permissions=(),
                grant=True,
                secrets=(),
                calls=(),
                mark=Mark(line=23, column=3),
            ),
        ),
    )


def test_tenant_and_cloud_may_stay_open():
    manifest = read("version: 1\nname: abc\napplications: {}")

    assert (manifest.tenant, manifest.cloud, manifest.applications) == (None, None, ())


def test_anchors_and_merges_share_what_applications_have_in_common():
    manifest = read(
        "version: 1\nname: abc\napplications:\n"
        "  one: &one {displayName: One, tags: [t], consent: request}\n"
        "  two: {<<: *one, displayName: Two}\n"
    )

    assert [each.properties["displayName"] for each in manifest.applications] == ["One", "Two"]
    assert [each.tags for each in manifest.applications] == [frozenset({"t"})] * 2


def test_all_mistakes_are_told_in_reading_order():
    text = (
        'version: "1"\n'
        "nmae: abc\n"
        "tenant: nowhere\n"
        "applications:\n"
        "  Bad: {displayName: x}\n"
        "  other: {displayNme: 1}\n"
        "  app:\n"
        "    displayName: ${UNSET}\n"
        "    tags: [a, a]\n"
        "    permissions: {Microsoft Graph: [User.Raed.All, User.Read]}\n"
        "    credentials: {ci: {secret: {lifetime: 10d, store: {dotenv: .env}}}}\n"
    )

    assert refusals(text) == [
        '1:1: the key "name" is missing',
        '1:10: a number is wanted here, not the text "1" - write 1 without quotes',
        '2:1: "nmae" is not a key of the manifest - did you mean "name"?',
        '3:9: "nowhere" is no tenant - write a tenant id, a verified domain or sandbox',
        '5:3: "Bad" is no application key: 1 to 40 of a-z, 0-9 and -',
        '6:3: the key "displayName" is missing',
        '6:11: "displayNme" is not a key of the application - did you mean "displayName"?',
        "8:18: the variable UNSET is not set - give it with --var UNSET=VALUE, "
        "set PROVISION_VAR_UNSET, or write ${UNSET:-default}",
        '9:15: the tag "a" stands here for the second time - the first is at 9:12',
        '10:37: "User.Raed.All" is no known application permission of Microsoft Graph - '
        'did you mean "User.Read.All"?',
        '10:52: "User.Read" exists only as a delegated permission, and a workload signs in '
        'without a user - did you mean "User.Read.All"?',
        "11:33: renewBefore (30d if not said) must be shorter than lifetime (10d) - "
        "the order is overlap < renewBefore < lifetime",
    ]


@pytest.mark.parametrize("text", ["[]", "x", "1", "null", "--- \n"])
def test_a_manifest_is_a_mapping(text):
    (refusal,) = refusals(text)

    assert "a manifest is a mapping that begins with version: 1" in refusal


@pytest.mark.parametrize("key", ["login", "graph", "authority", "endpoint", "url", "authorityHost"])
def test_an_endpoint_is_refused_with_the_way_out(key):
    text = f"version: 1\nname: abc\n{key}: https://evil.example\napplications: {{}}"

    assert refusals(text) == [
        f'3:1: "{key}" is no key: a manifest may name a cloud but never an endpoint - '
        "use --login and --graph on the command line"
    ]


@pytest.mark.parametrize("line", ["cloud: https://evil.example", "tenant: https://evil.example"])
def test_an_address_is_neither_a_cloud_nor_a_tenant(line):
    (refusal,) = refusals(f"version: 1\nname: abc\n{line}\napplications: {{}}")

    assert "a manifest may name a cloud but never an endpoint" in refusal


@pytest.mark.parametrize(
    "tenant",
    [
        *("sandbox", "sandbox/two", "contoso.com", "a.b-c.onmicrosoft.com"),
        "12345678-90ab-cdef-1234-567890ABCDEF",
    ],
)
def test_a_tenant_is_an_id_a_domain_or_the_sandbox(tenant):
    assert read(f"version: 1\nname: abc\ntenant: {tenant}\napplications: {{}}").tenant == tenant


@pytest.mark.parametrize(
    "tenant", ["common", "sandbox/", "sandbox/../x", "a.com/x", "a..com", "-a.com", "a.com?x", "''"]
)
def test_what_could_change_the_address_of_the_token_service_is_no_tenant(tenant):
    (refusal,) = refusals(f"version: 1\nname: abc\ntenant: {tenant}\napplications: {{}}")

    assert "is no tenant" in refusal


@pytest.mark.parametrize("name", ["ab", "a" * 31, "Abc", "a_b", "a.b", "äbc"])
def test_a_name_that_cannot_be_an_owner_is_refused(name):
    (refusal,) = refusals(f"version: 1\nname: {name}\napplications: {{}}")

    assert f'2:7: "{name}" is no manifest name' in refusal


def test_another_version_is_refused():
    assert refusals("version: 2\nname: abc\napplications: {}") == [
        '1:10: "2" is no version that this tool reads - write version: 1'
    ]


def test_what_is_missing_is_told():
    assert refusals("{}") == [
        '1:1: the key "applications" is missing',
        '1:1: the key "name" is missing',
        '1:1: the key "version" is missing - write version: 1',
    ]


def test_every_known_key_is_described_for_editors():
    schema = json_schema()

    shapes = [schema, *schema["$defs"].values()]
    assert all(each["additionalProperties"] is False for each in shapes)
    assert [
        name
        for shape in shapes
        for name, facts in shape["properties"].items()
        if not facts.get("description")
    ] == []


def test_the_schema_cannot_be_changed_by_who_reads_it():
    json_schema().clear()

    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_reading_loads_no_network_module():
    code = (
        "import sys; from pathlib import Path; from provision.manifest import parse\n"
        "parse('version: 1\\nname: abc\\napplications: {a: {displayName: x, permissions: "
        "{Microsoft Graph: [Mail.Send]}}}', file='m', folder=Path(), environ={}, variables={})\n"
        "bad = {'ssl', 'asyncio', 'http', 'httpx', 'requests', 'urllib3', 'aiohttp',\n"
        "       'msgraph', 'kiota_abstractions', 'azure', 'msal', 'auth', 'uvicorn', 'rich'}\n"
        "sys.stdout.write(' '.join(sorted(bad & set(sys.modules))))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == ""


def test_importing_the_package_waits_with_pydantic_and_yaml():
    code = (
        "import sys, provision.manifest.spec\n"
        "sys.stdout.write(' '.join({'pydantic', 'yaml'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == ""
