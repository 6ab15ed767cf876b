"""The sentences of the directory's refusals: https://learn.microsoft.com/graph/errors"""

from __future__ import annotations

from provision.sandbox.refusal import Refusal


def bad_request(message: str) -> Refusal:
    """400 with the directory's plain code."""
    return Refusal(400, "Request_BadRequest", message)


def denied(message: str = "Insufficient privileges to complete the operation.") -> Refusal:
    """403: the caller may not."""
    return Refusal(403, "Authorization_RequestDenied", message)


def invalid_value(name: str, resource: str) -> Refusal:
    """The value is empty, too long or malformed."""
    message = f"Invalid value specified for property '{name}' of resource '{resource}'."
    return _detailed("Request_BadRequest", message, "InvalidValue", name)


def required(name: str, resource: str) -> Refusal:
    """The property must be given."""
    return bad_request(f"A value is required for property '{name}' of resource '{resource}'.")


def read_only(name: str) -> Refusal:
    """The property is not the caller's to set."""
    return bad_request(f"Property '{name}' is read-only and cannot be set.")


def duplicate_values(name: str) -> Refusal:
    """One entry of a collection is there twice."""
    message = "Request contains a property with duplicate values."
    return _detailed("DuplicateValue", message, "DuplicateValue", name)


def already_taken(name: str) -> Refusal:
    """Another object, perhaps a deleted one, holds this unique value."""
    message = f"Another object with the same value for property {name} already exists."
    return _detailed("Request_BadRequest", message, "ObjectConflict", name)


def no_backing_application(app_id: str) -> Refusal:
    """No application has this appId, or the replica that was asked does not know it yet."""
    message = (
        f"The appId '{app_id}' of the service principal does not reference a valid application "
        "object."
    )
    return _detailed("Request_BadRequest", message, "NoBackingApplicationObject", "appId")


def name_in_use(app_id: str) -> Refusal:
    """Another service principal bears this name."""
    message = (
        "The service principal cannot be created, updated, or restored because the service "
        f"principal name {app_id} is already in use."
    )
    return multiple_objects(message, "servicePrincipalNames")


def multiple_objects(message: str, target: str) -> Refusal:
    """409: another object has the same key."""
    return Refusal(
        409,
        "Request_MultipleObjectsWithSameKeyValue",
        message,
        details=[{"code": "ObjectConflict", "message": message, "target": target}],
    )


def not_a_reference() -> Refusal:
    """The other end of a reference is missing, or not known yet."""
    return bad_request("Not a valid reference update.")


def not_convertible(edm_type: str) -> Refusal:
    """A JSON value of the wrong type."""
    return bad_request(
        f"Cannot convert a primitive value to the expected type '{edm_type}'. See the inner "
        "exception for more details."
    )


def _detailed(code: str, message: str, detail: str, target: str) -> Refusal:
    return Refusal(
        400, code, message, details=[{"code": detail, "message": message, "target": target}]
    )


def over_quota(
    message: str = "The directory object quota limit for the Principal has been exceeded. Please "
    "ask your administrator to increase the quota limit or delete objects to reduce the used quota.",
) -> Refusal:
    """403: there are too many already."""
    return Refusal(403, "Directory_QuotaExceeded", message)


def too_large() -> Refusal:
    """403: one object holds too much."""
    return Refusal(
        403,
        "Directory_ResourceSizeExceeded",
        "The size of the object has exceeded its limit. Please reduce the number of values and "
        "retry your request.",
    )
