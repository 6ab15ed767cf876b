"""The model that answers are checked against, and that the check would notice."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from schema import complaints as complaints_about_body
from schema import model

from provision.sandbox import arrival, edm

GRAPH = "https://localhost/v1.0/$metadata#"
ID = "11111111-2222-4333-8444-555555555555"
# What our tables have and the model has not, or the other way round, each for its reason.
BESIDE = {("servicePrincipal", "createdDateTime")}  # answers have it
WITHOUT = {
    ("application", "logo"),  # a stream, never part of JSON
    ("application", "oauth2RequirePostResponse"),  # refused by /v1.0
}


def an_application(**changes: Any) -> dict[str, Any]:
    return {"@odata.context": f"{GRAPH}applications/$entity", "id": ID, **changes}


def a_list(context: str, *values: Any) -> dict[str, Any]:
    return {"@odata.context": f"{GRAPH}{context}", "value": list(values)}


@pytest.mark.parametrize(
    "body",
    [
        an_application(),
        an_application(tags=["a"], web={"redirectUris": [], "homePageUrl": None}),
        an_application(createdDateTime="2026-02-13T10:17:06.1234567Z"),
        an_application(nativeAuthenticationApisEnabled="none"),
        an_application(owners=[{"@odata.type": "#microsoft.graph.user", "id": ID, "mail": None}]),
        a_list("applications(id)", {"id": ID}),
        a_list("directoryObjects", {"@odata.type": "#microsoft.graph.group", "id": ID}),
        a_list(f"applications('{ID}')/federatedIdentityCredentials", {"id": ID, "subject": None}),
        a_list("Collection(Edm.String)", ID),
    ],
)
def test_a_good_body_is_accepted(body: dict[str, Any]) -> None:
    assert list(complaints_about_body(body)) == []


@pytest.mark.parametrize(
    "body",
    [
        {"value": []},
        an_application(unheardOf=1),
        an_application(_secrets={}),
        an_application(displayName=5),
        an_application(tags=None),
        an_application(tags=[None]),
        an_application(tags="a"),
        an_application(web={"redirectUri": []}),
        an_application(web={"redirectUris": None}),
        an_application(isFallbackPublicClient="true"),
        an_application(tokenEncryptionKeyId="x"),
        an_application(createdDateTime="2026-02-13T10:17:06"),
        an_application(keyCredentials=[{"key": "no base64!"}]),
        an_application(nativeAuthenticationApisEnabled="some"),
        an_application(oauth2RequirePostResponse=False),
        an_application(**{"@odata.type": "#microsoft.graph.servicePrincipal"}),
        a_list("applications(id)", {"id": ID, "appId": ID}),
        a_list("frobnications", {"id": ID}),
        a_list("applications('x')/frobnications", {"id": ID}),
        a_list("Collection(Edm.String)", 5),
        {"error": {"code": "x", "message": "y"}},
        {
            "error": {
                "message": "y",
                "innerError": {"date": "2026-02-13T10:17:06", "request-id": ID},
            }
        },
        {"responses": [{"id": "1", "status": 200, "body": an_application(displayName=5)}]},
    ],
)
def test_a_bad_body_is_complained_about(body: dict[str, Any]) -> None:
    assert list(complaints_about_body(body))


def test_a_bad_answer_of_a_server_is_noticed(
    graph: httpx.Client, monkeypatch: pytest.MonkeyPatch, complaints: list[str]
) -> None:
    """The fixture that watches every test in this folder does watch."""
    monkeypatch.setattr(arrival, "json", _Forging())

    graph.get("/v1.0/organization")
    noticed = list(complaints)
    complaints.clear()

    assert ["organization has no property forged" in each for each in noticed] == [True]


class _Forging:
    """A JSON writer that adds what nobody declared."""

    @staticmethod
    def dumps(body: Any, **options: Any) -> str:
        return f'{{"@odata.context": "{GRAPH}organization/$entity", "forged": true}}'


@pytest.mark.parametrize(
    ("name", "collection"),
    [
        ("application", "applications"),
        ("servicePrincipal", "servicePrincipals"),
        ("appRoleAssignment", "appRoleAssignments"),
        ("oAuth2PermissionGrant", "oauth2PermissionGrants"),
        ("federatedIdentityCredential", "federatedIdentityCredentials"),
        ("delegatedPermissionClassification", "delegatedPermissionClassifications"),
        ("organization", "organization"),
        ("domain", "domains"),
        ("user", "users"),
        ("group", "groups"),
    ],
)
def test_every_property_of_the_model_is_imitated_with_its_type(name: str, collection: str) -> None:
    declared = {
        (name, key): (known.type.replace("graph.", "microsoft.graph."), known.nullable)
        for key, known in model().properties(name).items()
        if (name, key) not in WITHOUT
    }

    ours = {
        (name, key): (known.edm, known.nullable or known.collection)
        for key, known in edm.KINDS[collection].properties.items()
        if (name, key) not in BESIDE
    }

    assert set(ours) == set(declared)
    for key, (type, nullable) in declared.items():
        assert ours[key][0] == type, key
        assert ours[key][1] == nullable or type.startswith("Collection("), key


@pytest.mark.parametrize("name", sorted(model().types))
def test_every_complex_type_of_the_model_is_imitated(name: str) -> None:
    ours = edm.complex_type(name)
    if model().types[name].entity or name == "selfSignedCertificate":
        return

    assert ours is not None
    assert {key: known.edm.replace("microsoft.", "") for key, known in ours.items()} == {
        key: known.type for key, known in model().properties(name).items()
    }


@pytest.mark.parametrize("name", sorted(model().enums))
def test_every_enumeration_of_the_model_is_imitated(name: str) -> None:
    members, _ = model().enums[name]

    assert set(edm.members(name) or ()) == members - {"unknownFutureValue"}
