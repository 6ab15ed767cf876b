"""The two ways in which the imitated services say no, and the bodies in which they say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any


class Refusal(Exception):
    """Microsoft Graph says no: https://learn.microsoft.com/graph/errors"""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Sequence[Mapping[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = [dict(detail) for detail in details or ()]
        self.headers = dict(headers or {})


class TokenRefusal(Exception):
    """The token service says no: https://learn.microsoft.com/entra/identity-platform/reference-error-codes"""

    def __init__(self, status: int, error: str, aadsts: int, text: str) -> None:
        super().__init__(f"AADSTS{aadsts}: {text}")
        self.status = status
        self.error = error
        self.aadsts = aadsts
        self.text = text


def graph_body(
    refusal: Refusal, *, now: datetime, request_id: str, client_request_id: str
) -> dict[str, Any]:
    """The error envelope of Graph: https://learn.microsoft.com/graph/errors#json-representation"""
    error: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    if refusal.details:
        error["details"] = refusal.details
    date = now.strftime("%Y-%m-%dT%H:%M:%S")
    if refusal.status == 429:
        # https://learn.microsoft.com/graph/throttling#sample-response
        error["innerError"] = {
            "code": "429",
            "date": date,
            "message": "Please retry after",
            "request-id": request_id,
            "status": "429",
        }
        return {"error": error}
    error["innerError"] = {
        "date": date,
        "request-id": request_id,
        "client-request-id": client_request_id,
    }
    return {"error": error}


def token_body(
    refusal: TokenRefusal, *, now: datetime, trace_id: str, correlation_id: str, login: str
) -> dict[str, Any]:
    """The error body of the token service, its three trailing parts on the same line as today."""
    timestamp = now.strftime("%Y-%m-%d %H:%M:%SZ")
    return {
        "error": refusal.error,
        "error_description": f"AADSTS{refusal.aadsts}: {refusal.text} Trace ID: {trace_id}"
        f" Correlation ID: {correlation_id} Timestamp: {timestamp}",
        "error_codes": [refusal.aadsts],
        "timestamp": timestamp,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
        "error_uri": f"{login}/error?code={refusal.aadsts}",
    }


def resource_not_found(identifier: str) -> Refusal:
    """The object is missing, or this replica does not have it yet."""
    return Refusal(
        404,
        "Request_ResourceNotFound",
        f"Resource '{identifier}' does not exist or one of its queried reference-property"
        " objects are not present.",
    )


def segment_not_found(segment: str) -> Refusal:
    """The address names something that the model does not have."""
    return Refusal(400, "BadRequest", f"Resource not found for the segment '{segment}'.")
