"""One manifest in several places: the environment that is meant, its variables, and common defaults."""

from __future__ import annotations

import pytest

from provision.manifest.marks import MAX_NODES
from tests.written import HEAD, read, refusals

PLACES = """\
version: 1
name: abc
tenant: ${TENANT:-sandbox}
cloud: public
environments:
  dev: {variables: {suffix: " (dev)"}}
  prod:
    tenant: ${PROD_TENANT}
    cloud: usgov
    variables: {suffix: "", PROD_TENANT: contoso.com}
applications:
  app: {displayName: "App${suffix}"}
"""


def test_an_environment_gives_owner_tenant_cloud_and_variables():
    dev, prod = read(PLACES, env="dev"), read(PLACES, env="prod")

    assert (dev.name, dev.owner, dev.environment) == ("abc", "abc.dev", "dev")
    assert (dev.tenant, dev.cloud) == ("sandbox", "public")
    assert dev.applications[0].properties["displayName"] == "App (dev)"
    assert (prod.owner, prod.tenant, prod.cloud) == ("abc.prod", "contoso.com", "usgov")
    assert prod.applications[0].properties["displayName"] == "App"


@pytest.mark.parametrize(
    ("env", "text", "refusal"),
    [
        (None, PLACES, "5:1: the manifest has environments, and none is chosen: dev, prod - write --env dev"),
        ("de", PLACES, '5:1: --env chooses "de", and there is no such environment - did you mean "dev"?'),
        ("x", PLACES, '5:1: --env chooses "x", and there is no such environment - choose from dev, prod'),
        ("dev", f"{HEAD}applications: {{}}", '1:1: --env chooses "dev", and the manifest has no environments - leave --env away, or write environments: into the manifest'),
        ("dev", f"{HEAD}environments: {{}}\napplications: {{}}", '1:1: --env chooses "dev", and the manifest has no environments - leave --env away, or write environments: into the manifest'),
        ("dev", f"{HEAD}environments: [dev]\napplications: {{}}", "3:15: a mapping is wanted here, not a list"),
        ("dev", f"{HEAD}environments: {{dev: }}\napplications: {{}}", "3:16: a mapping is wanted here, and nothing is written"),
        ("dev", f"{HEAD}environments: {{dev: {{}}, prod: 1}}\napplications: {{}}", "3:31: a mapping is wanted here, not the number 1"),
        ("Dev", f"{HEAD}environments: {{Dev: {{}}}}\napplications: {{}}", '3:16: "Dev" is no environment name: 1 to 20 of a-z, 0-9 and -'),
        ("dev", f"{HEAD}environments: {{dev: {{tennant: x}}}}\napplications: {{}}", '3:22: "tennant" is not a key of the environment - did you mean "tenant"?'),
        ("dev", f"{HEAD}environments: {{dev: {{login: x}}}}\napplications: {{}}", '3:22: "login" is no key: a manifest may name a cloud but never an endpoint - use --login and --graph on the command line'),
        ("dev", f"{HEAD}environments: {{dev: {{}}, prod: {{tenant: nowhere}}}}\napplications: {{}}", '3:40: "nowhere" is no tenant - write a tenant id, a verified domain or sandbox'),
        ("dev", f"{HEAD}environments: {{dev: {{variables: {{1x: a}}}}}}\napplications: {{}}", '3:34: "1x" is no variable name: letters, digits and _, beginning with a letter or _'),
        ("dev", f"{HEAD}environments: {{dev: {{variables: {{x: 1}}}}}}\napplications: {{}}", '3:37: text is wanted here, not the number 1 - put it in quotes: "1"'),
        ("dev", f"{HEAD}environments: {{dev: {{variables: [x]}}}}\napplications: {{}}", "3:33: a mapping is wanted here, not a list"),
    ],
)  # fmt: skip
def test_an_environment_that_is_not_clear_is_refused(env, text, refusal):
    assert refusals(text, env=env) == [refusal]


def test_what_is_given_from_outside_comes_before_the_environments_own_variables():
    text = (
        f"{HEAD}environments: {{dev: {{variables: {{X: own, AZURE_TENANT_ID: own}}}}}}\n"
        "applications: {a: {displayName: '${X} ${AZURE_TENANT_ID}'}}"
    )
    outside = {"PROVISION_VAR_X": "process", "AZURE_TENANT_ID": "bare"}

    def shown(environ: dict[str, str] | None = None, given: dict[str, str] | None = None) -> str:
        (app,) = read(text, environ, env="dev", given=given).applications
        return str(app.properties["displayName"])

    assert shown() == "own own"
    assert shown({"AZURE_TENANT_ID": "bare"}) == "own own"
    assert shown(outside) == "process own"
    assert shown(outside, {"X": "option"}) == "option own"


def test_variables_of_an_environment_may_use_the_outer_world_and_not_each_other():
    text = (
        f"{HEAD}environments: {{dev: {{variables: {{A: 'a', B: '${{A}}', C: '${{D}}'}}}}}}\n"
        "applications: {a: {displayName: '${B}${C}'}}"
    )

    (unset,) = refusals(text, env="dev", given={"D": "d"})
    (app,) = read(text, env="dev", given={"A": "outer", "D": "d"}).applications

    assert unset.startswith("3:45: the variable A is not set")
    assert app.properties["displayName"] == "outerd"


def test_what_an_environment_leaves_unset_is_told_once_and_others_may_leave_it():
    text = (
        f"{HEAD}environments:\n"
        "  dev: {tenant: '${MISSING}', variables: {x: 'a ${ALSO}'}}\n"
        "  prod: {tenant: '${OTHER}', variables: {x: '${ELSE}'}}\n"
        "applications: {a: {displayName: '${x}'}}"
    )

    found = refusals(text, env="dev")

    assert [each.split(" - ")[0] for each in found] == [
        "4:17: the variable MISSING is not set",
        "4:46: the variable ALSO is not set",
    ]


def test_a_value_of_an_environment_is_not_told_in_a_mistake():
    text = (
        f"{HEAD}environments: {{dev: {{variables: {{x: 'Canary 7'}}}}}}\n"
        "applications: {a: {displayName: a, consent: '${x}'}}"
    )

    (found,) = refusals(text, env="dev")

    assert found.startswith('4:45: "${x}" is none of grant, request')


def test_defaults_stand_under_every_application():
    manifest = read(
        f"{HEAD}defaults:\n"
        "  notes: Managed.\n"
        "  tags: [a, b]\n"
        "  web: {logoutUrl: https://a.example, redirectUris: [https://a.example/x]}\n"
        "  servicePrincipal: {enabled: false}\n"
        "  credentials: {ci: {secret: {lifetime: 60d, store: {dotenv: .env}}}}\n"
        "applications:\n"
        "  one:\n"
        "    displayName: One\n"
        "    tags: [c]\n"
        "    web: {redirectUris: [https://b.example/x]}\n"
        "    credentials: {ci: {secret: {store: {prefix: ONE_}}}}\n"
        "  two: {displayName: Two, notes: Mine.}\n"
    )

    one, two = manifest.applications
    assert one.tags == {"c"}
    assert two.tags == {"a", "b"}
    assert one.properties == {
        "displayName": "One",
        "notes": "Managed.",
        "web.logoutUrl": "https://a.example",
        "web.redirectUris": ["https://b.example/x"],
    }
    assert two.properties["notes"] == "Mine."
    assert one.service_principal.enabled is False
    assert [each.store.prefix for app in (one, two) for each in app.secrets] == ["ONE_", "AZURE_"]
    assert {each.lifetime.days for app in (one, two) for each in app.secrets} == {60}


@pytest.mark.parametrize(
    ("defaults", "found"),
    [
        ("{notse: x}", ['3:12: "notse" is not a key of the defaults - did you mean "notes"?']),
        ("{consent: no way}", ['3:21: "no way" is none of grant, request']),
        ("{tags: [a, a]}", ['3:22: the tag "a" stands here for the second time - the first is at 3:19']),
        ("{web: {redirectUris: 1}}", ["3:32: a list is wanted here, not the number 1 - write [1]"]),
        ("{permissions: {Microsoft Graph: [User.Read]}}", ['3:44: "User.Read" exists only as a delegated permission, and a workload signs in without a user - did you mean "User.Read.All"?']),
        ("[]", ["3:11: a mapping is wanted here, not a list"]),
        ("{notes: '${UNSET}'}", ["3:19: the variable UNSET is not set - give it with --var UNSET=VALUE, set PROVISION_VAR_UNSET, or write ${UNSET:-default}"]),
        ("{adopt: {appId: 00000000-0000-0000-0000-000000000001}}", None),
        ("{identifierUris: []}", None),
        ("{credentials: {ci: {secret: {lifetime: 60d}}}}", ['3:31: the key "store" is missing - say where the value goes, such as store: {dotenv: .env}']),
    ],
)  # fmt: skip
def test_a_mistake_in_the_defaults_is_told_once_with_its_own_place(defaults, found):
    text = f"{HEAD}defaults: {defaults}\napplications: {{a: {{displayName: A}}, b: {{displayName: B}}}}"

    told = refusals(text)

    if found is None:
        assert len(told) == 1
        assert " is not a key of the defaults - " in told[0]
    else:
        assert told == found


def test_defaults_are_checked_even_where_there_is_no_application():
    assert refusals(f"{HEAD}defaults: {{tags: x}}\napplications: {{}}") == [
        '3:18: a list is wanted here, not the text "x" - write [x]'
    ]


def test_an_incomplete_credential_in_the_defaults_is_completed_by_the_application():
    text = (
        f"{HEAD}defaults: {{credentials: {{ci: {{secret: {{lifetime: 60d}}}}}}}}\n"
        "applications: {a: {displayName: A, credentials: {ci: {secret: {store: {dotenv: .env}}}}}}"
    )

    (app,) = read(text).applications

    assert app.secrets[0].lifetime.days == 60


def test_two_applications_that_have_their_store_from_the_defaults_are_told_apart():
    text = (
        f"{HEAD}defaults: {{credentials: {{ci: {{secret: {{store: {{dotenv: .env}}}}}}}}}}\n"
        "applications: {a: {displayName: A}, b: {displayName: B}}"
    )

    (found,) = refusals(text)

    assert 'the store of "ci" of "b" is the store of "ci" of "a" too' in found


def test_defaults_cannot_blow_up_a_manifest():
    tags = ", ".join(["x"] * 1000)
    apps = ", ".join(f"a{number}: {{}}" for number in range(MAX_NODES // 1000))

    found = refusals(f"{HEAD}defaults: {{tags: [{tags}]}}\napplications: {{{apps}}}")

    assert found == [
        f"3:1: more than {MAX_NODES} values, counted with the defaults under every application - "
        "split the manifest"
    ]


def test_a_secret_has_a_name_that_fits_into_the_directory():
    """provision:OWNER:CREDENTIAL:NONCE has at most 90 characters."""
    head = f"version: 1\nname: {'n' * 30}\nenvironments: {{{'e' * 20}: {{}}}}\n"
    app = "applications: {{a: {{displayName: A, credentials: {{{name}: {{secret: {{store: {{dotenv: .env}}}}}}}}}}}}"

    fits = read(head + app.format(name="c" * 17), env="e" * 20)
    (found,) = refusals(head + app.format(name="c" * 18), env="e" * 20)

    assert fits.applications[0].secrets[0].name == "c" * 17
    assert f'4:50: "{"c" * 18}" is too long beside the name of manifest and environment' in found
