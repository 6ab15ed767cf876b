"""What each refusal of Graph is to us, by operation, status and Graph's own words."""

from __future__ import annotations

from typing import Any

import pytest

from provision.errors import Conflict, Forbidden, GraphError, NotFound, NotYetVisible, Throttled
from provision.graph import operations
from provision.graph.refusals import Operation, failure, is_done, said
from provision.graph.reply import Reply

TAKEN = "Another object with the same value for property uniqueName already exists."
NO_APPLICATION = (
    "The appId 'x' of the service principal does not reference a valid application object."
)
NOT_LOCAL = (
    "When using this permission, the backing application of the service principal being "
    "created must in the local tenant"
)
NO_REFERENCE = "Not a valid reference update."
NO_PASSWORD = "No password credential found with keyId x."
HAS_PERMISSION = "Permission being assigned already exists on the object"
HAS_SCOPES = "Permission entry already exists."
HAS_OWNER = (
    "One or more added object references already exist for the following modified properties: "
    "'owners'."
)
SAME_URI = "Another object with the same value for property identifierUris already exists."
SAME_SUBJECT = "The combination of issuer and subject must be unique for the application."
NO_SCOPE = (
    "Property api.preAuthorizedApplications.delegatedPermissionIds has a Permission Id that "
    "cannot be found in the AppPermissions sets."
)
ENABLED = "CannotDeleteOrUpdateEnabledEntitlement"
CONCURRENT = "Directory_ConcurrencyViolation"
MSA = "Error_MsaAppDoesNotExist"
BAD, GONE, DENIED = "Request_BadRequest", "Request_ResourceNotFound", "Authorization_RequestDenied"
SAME_KEY = "Request_MultipleObjectsWithSameKeyValue"


def a_refusal(status: int, code: str = "", message: str = "", *, attempts: int = 1) -> Reply:
    body = {"error": {"code": code, "message": message}}
    return Reply(status=status, body=body, attempts=attempts)


def kind_of(reply: Reply, operation: Operation) -> type[GraphError] | None:
    """None where the refusal says that all is done."""
    if is_done(reply, operation):
        return None
    return type(failure(reply, action="do it", operation=operation))


@pytest.mark.parametrize(
    ("operation", "reply", "kind"),
    [
        (operations.READ, a_refusal(401, "InvalidAuthenticationToken"), Forbidden),
        (operations.READ, a_refusal(403, DENIED), Forbidden),
        (operations.READ, a_refusal(404, GONE), NotFound),
        (operations.READ, a_refusal(409, SAME_KEY), Conflict),
        (operations.READ, a_refusal(409, CONCURRENT), NotYetVisible),
        (operations.READ, a_refusal(409, MSA), NotYetVisible),
        (operations.READ, a_refusal(429, "TooManyRequests"), Throttled),
        (operations.READ, a_refusal(400, BAD), GraphError),
        (operations.READ, a_refusal(500), GraphError),
        (operations.LOOK_UP, a_refusal(404, GONE), None),
        (operations.LOOK_UP, a_refusal(403, DENIED), Forbidden),
        (operations.READ_TENANT, a_refusal(403, DENIED), None),
        (operations.UPSERT_APPLICATION, a_refusal(400, BAD, TAKEN), Conflict),
        (operations.UPSERT_APPLICATION, a_refusal(400, BAD, TAKEN, attempts=2), NotYetVisible),
        (operations.UPSERT_APPLICATION, a_refusal(400, BAD, SAME_URI), Conflict),
        (operations.UPSERT_APPLICATION, a_refusal(400, BAD, SAME_URI, attempts=2), NotYetVisible),
        (operations.UPDATE_APPLICATION, a_refusal(400, BAD, SAME_URI), Conflict),
        (operations.UPDATE_APPLICATION, a_refusal(400, BAD, SAME_URI, attempts=2), Conflict),
        (operations.UPSERT_APPLICATION, a_refusal(404, GONE), NotYetVisible),
        (operations.UPSERT_APPLICATION, a_refusal(403, DENIED), Forbidden),
        (operations.UPDATE_APPLICATION, a_refusal(404, GONE), NotYetVisible),
        (operations.UPDATE_APPLICATION, a_refusal(400, BAD), GraphError),
        (operations.DELETE_APPLICATION, a_refusal(404, GONE), None),
        (operations.RESTORE, a_refusal(404, GONE), NotYetVisible),
        (operations.RESTORE, a_refusal(404, GONE, attempts=2), None),
        (operations.PURGE, a_refusal(404, GONE), NotYetVisible),
        (operations.PURGE, a_refusal(404, GONE, attempts=2), None),
        (operations.CREATE_SERVICE_PRINCIPAL, a_refusal(400, BAD, NO_APPLICATION), NotYetVisible),
        (operations.CREATE_SERVICE_PRINCIPAL, a_refusal(403, DENIED, NOT_LOCAL), NotYetVisible),
        (operations.CREATE_SERVICE_PRINCIPAL, a_refusal(403, DENIED), Forbidden),
        (operations.CREATE_SERVICE_PRINCIPAL, a_refusal(409, SAME_KEY), None),
        (operations.CREATE_SERVICE_PRINCIPAL, a_refusal(409, CONCURRENT), NotYetVisible),
        (operations.GRANT, a_refusal(400, BAD, NO_REFERENCE), NotYetVisible),
        (operations.GRANT, a_refusal(404, "Directory_ObjectNotFound"), NotYetVisible),
        (operations.GRANT, a_refusal(400, BAD, HAS_PERMISSION), None),
        (operations.GRANT, a_refusal(400, BAD), GraphError),
        (operations.GRANT, a_refusal(403, DENIED), Forbidden),
        (operations.REVOKE, a_refusal(404, GONE), None),
        (operations.UPDATE_APPLICATION, a_refusal(400, ENABLED), GraphError),
        (operations.UPDATE_ENTITLEMENTS, a_refusal(400, ENABLED), NotYetVisible),
        (operations.UPDATE_ENTITLEMENTS, a_refusal(400, "InvalidValue", NO_SCOPE), NotYetVisible),
        (operations.UPDATE_ENTITLEMENTS, a_refusal(400, "InvalidValue"), GraphError),
        (operations.UPDATE_ENTITLEMENTS, a_refusal(403, DENIED), Forbidden),
        (operations.UPDATE_SERVICE_PRINCIPAL, a_refusal(404, GONE), NotYetVisible),
        (operations.ADD_OWNER, a_refusal(400, BAD, HAS_OWNER), None),
        (operations.ADD_OWNER, a_refusal(400, BAD), GraphError),
        (operations.ADD_OWNER, a_refusal(404, GONE), NotYetVisible),
        (operations.READ_GRANTS, a_refusal(404, GONE), NotYetVisible),
        (operations.GRANT_SCOPES, a_refusal(400, BAD, HAS_SCOPES), None),
        (operations.GRANT_SCOPES, a_refusal(409, SAME_KEY), None),
        (operations.GRANT_SCOPES, a_refusal(409, CONCURRENT), NotYetVisible),
        (operations.GRANT_SCOPES, a_refusal(404, "Directory_ObjectNotFound"), NotYetVisible),
        (operations.GRANT_SCOPES, a_refusal(400, BAD), GraphError),
        (operations.GRANT_SCOPES, a_refusal(403, DENIED), Forbidden),
        (operations.SET_SCOPES, a_refusal(404, GONE), NotYetVisible),
        (operations.DELETE_GRANT, a_refusal(404, GONE), None),
        (operations.FEDERATE, a_refusal(409, SAME_KEY), Conflict),
        (operations.FEDERATE, a_refusal(409, CONCURRENT), NotYetVisible),
        (operations.FEDERATE, a_refusal(400, BAD, SAME_SUBJECT), Conflict),
        (operations.FEDERATE, a_refusal(404, GONE), NotYetVisible),
        (operations.FEDERATE, a_refusal(403, DENIED), Forbidden),
        (operations.REMOVE_FEDERATED, a_refusal(404, GONE), None),
        (operations.ADD_PASSWORD, a_refusal(404, GONE), NotYetVisible),
        (operations.ADD_PASSWORD, a_refusal(409, CONCURRENT), NotYetVisible),
        (operations.REMOVE_PASSWORD, a_refusal(400, BAD, NO_PASSWORD), None),
        (operations.REMOVE_PASSWORD, a_refusal(404, GONE), None),
        (operations.REMOVE_PASSWORD, a_refusal(400, BAD), GraphError),
        (operations.REMOVE_FRESH_PASSWORD, a_refusal(400, BAD, NO_PASSWORD), NotYetVisible),
        (operations.REMOVE_FRESH_PASSWORD, a_refusal(404, GONE), NotYetVisible),
    ],
)
def test_a_refusal_means(operation: Operation, reply: Reply, kind: type[GraphError] | None) -> None:
    assert kind_of(reply, operation) is kind


def test_a_reason_may_stand_in_the_details_only() -> None:
    detail = {"code": "NoBackingApplicationObject", "message": "…", "target": "appId"}
    reply = Reply(status=400, body={"error": {"code": BAD, "message": "…", "details": [detail]}})

    assert kind_of(reply, operations.CREATE_SERVICE_PRINCIPAL) is NotYetVisible


@pytest.mark.parametrize(
    ("code", "reason", "way_out"),
    [
        ("CredentialInvalidLifetimeAsPerAppPolicy", "live that long", "Lower its `lifetime`"),
        ("CredentialTypeNotAllowedAsPerAppPolicy", "forbids new client secrets", "a certificate"),
    ],
)
def test_a_policy_says_what_it_forbids_and_which_ways_out_there_are(
    code: str, reason: str, way_out: str
) -> None:
    refused = failure(a_refusal(400, code), action="do it", operation=operations.ADD_PASSWORD)

    assert str(refused).startswith("Microsoft Graph refused to do it: the tenant's app management")
    assert reason in str(refused)
    assert way_out in refused.hint
    assert "Cloud Application Administrator" in refused.hint


def test_a_full_tenant_is_no_missing_permission() -> None:
    reply = a_refusal(403, "Directory_QuotaExceeded")

    assert kind_of(reply, operations.UPSERT_APPLICATION) is GraphError


def test_a_403_that_may_pass_says_what_it_is_if_it_stays() -> None:
    reply = a_refusal(403, DENIED, NOT_LOCAL)

    lag = failure(reply, action="do it", operation=operations.CREATE_SERVICE_PRINCIPAL)

    assert "the permission is missing: Application.ReadWrite.OwnedBy" in lag.hint


def test_a_missing_permission_is_named_by_what_the_operation_needs() -> None:
    refused = failure(a_refusal(403), action="do it", operation=operations.GRANT)

    assert "AppRoleAssignment.ReadWrite.All" in refused.hint


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, ("", "", ())),
        ({}, ("", "", ())),
        ({"error": "invalid_request"}, ("invalid_request", "", ())),
        ({"error": {"code": 7, "message": None}}, ("", "", ())),
        ({"error": {"code": "A", "message": {"lang": "en", "value": "B"}}}, ("A", "B", ())),
        ({"error": {"code": "A", "details": {"code": "C"}}}, ("A", "", ("C", ""))),
        ({"error": {"code": "A", "details": ["odd"]}}, ("A", "", ())),
    ],
)
def test_reasons_are_read_from_any_shape(body: dict[str, Any] | None, expected: object) -> None:
    told = said(Reply(status=400, body=body))

    assert (told.code, told.message, told.details) == expected
