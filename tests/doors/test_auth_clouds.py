"""Clouds: the documented hosts, and what a host of one's own must look like."""

from __future__ import annotations

from pathlib import Path

import pytest
from kiota_abstractions.authentication import AllowedHostsValidator

from auth import clouds
from auth.errors import AuthError


@pytest.mark.parametrize(
    ("name", "login", "graph"),
    [
        ("public", "https://login.microsoftonline.com", "https://graph.microsoft.com"),
        ("usgov", "https://login.microsoftonline.us", "https://graph.microsoft.us"),
        ("usgov-dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
        ("china", "https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
    ],
)
def test_a_cloud_has_the_documented_hosts(name: str, login: str, graph: str) -> None:
    cloud = clouds.named(name)

    assert (cloud.login, cloud.graph, cloud.custom) == (login, graph, False)


def test_the_scope_is_all_that_graph_granted() -> None:
    assert clouds.named("china").scope == "https://microsoftgraph.chinacloudapi.cn/.default"


def test_an_unknown_cloud_is_answered_with_the_known_ones() -> None:
    with pytest.raises(AuthError) as failure:
        clouds.named("germany")

    assert "germany" in str(failure.value)
    assert "public, usgov, usgov-dod, china" in failure.value.hint


def test_a_cloud_of_ones_own_keeps_its_ports_and_loses_its_slashes() -> None:
    cloud = clouds.custom("https://localhost:8443/", "https://127.0.0.1:9443")

    assert (cloud.login, cloud.graph) == ("https://localhost:8443", "https://127.0.0.1:9443")
    assert cloud.custom


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.org",
        "login.example.org",
        "localhost:8443",
        "https://",
        "https://user:pass@login.example.org",
        "https://login.example.org/tenant",
        "https://login.example.org?x=1",
        "https://login.example.org:99999",
        "https://login.example.org:0",
        "https://[::1",
        "",
    ],
)
def test_tokens_go_to_no_address_but_an_https_origin(url: str) -> None:
    with pytest.raises(AuthError, match="login") as failure:
        clouds.custom(url, "https://graph.example.org")

    assert "https://login.example.org" in failure.value.hint


def test_a_ca_bundle_that_is_not_there_is_said_before_the_first_request(tmp_path: Path) -> None:
    with pytest.raises(AuthError, match="CA bundle"):
        clouds.custom("https://a.example", "https://b.example", tmp_path / "none.pem")


@pytest.mark.parametrize("graph", ["https://graph.example.org:8443", "https://[::1]:8443"])
def test_kiota_gives_tokens_to_the_hosts_of_the_cloud_and_to_no_other(graph: str) -> None:
    cloud = clouds.custom("https://login.example.org", graph)

    validator = AllowedHostsValidator(clouds.hosts(cloud))

    assert validator.is_url_host_valid(f"{cloud.graph}/v1.0/applications")
    assert not validator.is_url_host_valid("https://elsewhere.example.org/v1.0/applications")


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, []),
        ({"ARM_ENVIRONMENT": "public"}, [("public", "ARM_ENVIRONMENT")]),
        ({"ARM_ENVIRONMENT": "global"}, [("public", "ARM_ENVIRONMENT")]),
        ({"ARM_ENVIRONMENT": "USGovernmentL4"}, [("usgov", "ARM_ENVIRONMENT")]),
        ({"ARM_ENVIRONMENT": "dod"}, [("usgov-dod", "ARM_ENVIRONMENT")]),
        ({"ARM_ENVIRONMENT": "china"}, [("china", "ARM_ENVIRONMENT")]),
        (
            {"AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us/"},
            [("usgov", "AZURE_AUTHORITY_HOST")],
        ),
        (
            {"AZURE_AUTHORITY_HOST": "login.partner.microsoftonline.cn"},
            [("china", "AZURE_AUTHORITY_HOST")],
        ),
        ({"AZURE_AUTHORITY_HOST": "https://login.example.org"}, []),
        (
            {"AZURE_AUTHORITY_HOST": "login.microsoftonline.us", "ARM_ENVIRONMENT": "dod"},
            [("usgov-dod", "ARM_ENVIRONMENT")],
        ),
        (
            {"AZURE_AUTHORITY_HOST": "login.microsoftonline.us", "ARM_ENVIRONMENT": "china"},
            [("usgov", "AZURE_AUTHORITY_HOST"), ("china", "ARM_ENVIRONMENT")],
        ),
    ],
)
def test_both_families_of_settings_may_name_a_cloud(
    environ: dict[str, str], found: list[tuple[str, str]]
) -> None:
    assert clouds.in_settings(environ) == found


def test_a_cloud_that_terraform_does_not_know_is_answered_with_the_known_ones() -> None:
    with pytest.raises(AuthError, match='ARM_ENVIRONMENT names no cloud: "german"') as failure:
        clouds.in_settings({"ARM_ENVIRONMENT": "german"})

    assert "usgovernment" in failure.value.hint


@pytest.mark.parametrize(
    ("name", "portal"),
    [
        ("public", "https://entra.microsoft.com"),
        ("usgov", "https://entra.microsoft.us"),
        ("usgov-dod", "https://entra.microsoft.us"),
        ("china", "https://entra.microsoftonline.cn"),
    ],
)
def test_a_cloud_has_the_documented_admin_center(name: str, portal: str) -> None:
    assert clouds.named(name).portal == portal


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("public", "vault.azure.net"),
        ("usgov", "vault.usgovcloudapi.net"),
        ("usgov-dod", "vault.usgovcloudapi.net"),
        ("china", "vault.azure.cn"),
    ],
)
def test_a_cloud_has_vaults_of_its_own(name: str, suffix: str) -> None:
    cloud = clouds.named(name)

    assert cloud.vault("Contoso-kv1") == f"https://contoso-kv1.{suffix}"
    assert cloud.vault_scope == f"https://{suffix}/.default"


@pytest.mark.parametrize(
    "name", ["", "kv", "a.b", "evil.org/", "kv@evil.org", "kv\n", "x" * 25, "1kv", "kv-", "k--v"]
)
def test_a_vaults_name_never_leads_out_of_the_cloud(name: str) -> None:
    with pytest.raises(AuthError, match="cannot be the name of a Key Vault"):
        clouds.named("public").vault(name)


def test_a_cloud_of_ones_own_has_no_vaults() -> None:
    with pytest.raises(AuthError, match="no Key Vault that is known here"):
        clouds.custom("https://login.example", "https://graph.example").vault("contoso")
