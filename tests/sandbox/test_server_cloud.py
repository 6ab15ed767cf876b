"""What Azure CLI and Terraform ask of a cloud before they sign in, and of its Resource Manager."""

from __future__ import annotations

import httpx
import pytest

from provision.sandbox.server import Server

METADATA = "/metadata/endpoints"


@pytest.mark.parametrize("version", ["2022-09-01", "2023-11-01"])
def test_terraform_reads_one_object(http: httpx.Client, version: str) -> None:
    told = http.get(f"{METADATA}?api-version={version}").json()

    assert isinstance(told, dict)
    assert told["name"] == "Sandbox"


@pytest.mark.parametrize("query", ["", "?api-version=2015-01-01", "?api-version=2019-05-01"])
def test_azure_cli_reads_a_list(http: httpx.Client, query: str) -> None:
    told = http.get(f"{METADATA}{query}").json()

    assert isinstance(told, list)
    assert [cloud["name"] for cloud in told] == ["Sandbox"]


def test_the_addresses_are_what_their_readers_can_use(server: Server, http: httpx.Client) -> None:
    told = http.get(f"{METADATA}?api-version=2022-09-01").json()

    assert told["authentication"]["loginEndpoint"] == server.url
    assert told["authentication"]["audiences"] == [f"{server.url}/"]
    assert told["microsoftGraphResourceId"] == told["resourceManager"] == f"{server.url}/"
    assert {"keyVaultDns", "storage", "acrLoginServer", "sqlServerHostname"} <= set(
        told["suffixes"]
    )


def test_the_addresses_bear_the_name_that_was_asked(server: Server, http: httpx.Client) -> None:
    host = server.url.replace("127.0.0.1", "graph.microsoft.com").removeprefix("https://")

    told = http.get(METADATA, headers={"host": host}).json()[0]

    assert told["resourceManager"] == f"https://{host}/"


def test_there_are_no_subscriptions(graph: httpx.Client) -> None:
    answer = graph.get("/subscriptions?api-version=2022-12-01")

    assert (answer.status_code, answer.json()["value"]) == (200, [])


def test_the_tenant_of_the_caller_is_listed(server: Server, graph: httpx.Client) -> None:
    told = graph.get("/tenants?api-version=2022-12-01").json()["value"]

    assert [tenant["tenantId"] for tenant in told] == [server.operator()["tenantId"]]


@pytest.mark.parametrize("path", ["/subscriptions", "/tenants", "/subscriptions/x/providers/y"])
def test_the_resource_manager_wants_a_token(http: httpx.Client, path: str) -> None:
    answer = http.get(path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AuthenticationFailed")


def test_the_resource_manager_refuses_a_token_of_others(http: httpx.Client) -> None:
    answer = http.get("/tenants", headers={"Authorization": "Bearer a.b.c"})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (401, "InvalidAuthenticationToken")


def test_what_belongs_to_a_subscription_is_not_there(graph: httpx.Client) -> None:
    answer = graph.get("/subscriptions/0/resourceGroups?api-version=2022-12-01")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SubscriptionNotFound")
