"""What programs read: one JSON document per command, its keys always in the same order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from auth.errors import AuthError, TokenRefused
from provision.document import camel, stored_facts
from provision.errors import GraphError, ManifestError, Problem, ProvisionError
from provision.model import AppRole, Desired, Owner, PermissionScope, PreAuthorized
from provision.plan import Change, Plan, Step
from provision.receipt import Finding, Receipt
from provision.roster import Row
from provision.status import Consent, Standing, Whole
from provision.wording import permission, resource, sign, words

VERSION = 1
"""Raised when a document changes in a way that its readers would notice."""

_ACTIONS = {"+": "create", "~": "change", "-": "destroy"}


def plan_json(
    plan: Plan, desired: Desired | None = None, *, body: Mapping[str, Any] | None = None
) -> str:
    """`provision/plan`: the summary, every step, and the notes; of the plan's canonical form its digest."""
    about = (
        {key: body[key] for key in ("tenantId", "environment", "only", "digest")} if body else {}
    )
    return _document("plan", {**_plan(plan, desired), **about})


def apply_json(
    receipt: Receipt, findings: Sequence[Finding] | None, *, tenant_id: str, owner: str
) -> str:
    """`provision/apply`: what was done, failed and left, and the proof if there was one."""
    return _document(
        "apply",
        {
            "tenantId": tenant_id,
            "owner": owner,
            "done": [
                {
                    **_step(done.step),
                    "detail": done.detail,
                    "requestIds": list(done.request_ids),
                }
                for done in receipt.done
            ],
            "failed": [
                {
                    "app": failed.app,
                    "step": _step(failed.step) if failed.step else None,
                    "error": error_fields(failed.error),
                }
                for failed in receipt.failed
            ],
            "left": [_step(step) for step in receipt.left],
            "findings": None if findings is None else [_finding(each) for each in findings],
        },
    )


def verify_json(findings: Sequence[Finding], *, tenant_id: str, owner: str) -> str:
    """`provision/verify`: what the proof of each credential found."""
    found = [_finding(finding) for finding in findings]
    return _document("verify", {"tenantId": tenant_id, "owner": owner, "findings": found})


def status_json(standing: Standing, *, tenant_id: str) -> str:
    """`provision/status`: each application with its consent, its drift and its credentials; never a secret."""
    rows = standing.by_app()
    return _document(
        "status",
        {
            "tenantId": tenant_id,
            "owner": standing.owner,
            "at": _moment(standing.at),
            "due": bool(standing.due),
            "applications": [
                _whole(each, rows.get(each.app, ())) for each in standing.applications
            ],
        },
    )


def output_json(
    applications: Mapping[str, Mapping[str, str | None]], *, tenant_id: str, owner: str
) -> str:
    """`provision/output`: the ids of each application; never a secret."""
    listed = [{"app": app, **ids} for app, ids in applications.items()]
    return _document("output", {"tenantId": tenant_id, "owner": owner, "applications": listed})


def import_json(
    text: str, applications: Mapping[str, str], *, left: Mapping[str, Sequence[str]]
) -> str:
    """`provision/import`: the manifest's text, its keys with their appIds, and what it leaves as it is."""
    listed = [
        {"app": app, "clientId": app_id, "left": list(left.get(app, ()))}
        for app, app_id in applications.items()
    ]
    return _document("import", {"manifest": text, "applications": listed})


def validate_json(
    problems: Mapping[str, Iterable[Problem]], warnings: Mapping[str, Iterable[str]]
) -> str:
    """`provision/validate`: for each file its mistakes and warnings."""
    files = [
        {
            "file": file,
            "problems": [_problem(each) for each in sorted(problems.get(file, ()))],
            "warnings": list(warnings.get(file, ())),
        }
        for file in dict.fromkeys([*problems, *warnings])
    ]
    return _document(
        "validate", {"valid": not any(each["problems"] for each in files), "files": files}
    )


def error_json(error: Exception) -> str:
    """`provision/error`: why there is no other document."""
    return _document("error", error_fields(error))


def error_fields(error: Exception) -> dict[str, Any]:
    """A failure's kind, words and ids; a kind's own fields only where it has them."""
    told: dict[str, Any] = {
        "kind": type(error).__name__,
        "message": str(error),
        "hint": error.hint if isinstance(error, ProvisionError | AuthError) else "",
    }
    if isinstance(error, ManifestError):
        told |= {"file": error.file, "problems": [_problem(each) for each in error.problems]}
    if isinstance(error, GraphError):
        told |= {
            "status": error.status,
            "code": error.code,
            "detail": error.detail,
            "requestId": error.request_id,
        }
    if isinstance(error, TokenRefused):
        told |= {
            "code": f"AADSTS{error.aadsts}" if error.aadsts else "",
            "traceId": error.trace_id,
            "correlationId": error.correlation_id,
        }
    return told


def _plan(plan: Plan, desired: Desired | None) -> dict[str, Any]:
    made, changed, gone = plan.count()
    return {
        "owner": plan.owner,
        "summary": {"create": made, "change": changed, "destroy": gone},
        "steps": [{**_step(step), **stored_facts(step, desired)} for step in plan.steps],
        "notes": [{"app": note.app, "says": note.says} for note in plan.notes],
    }


def _step(step: Step) -> dict[str, Any]:
    """A step's own fields after what every step has."""
    own = {camel(each.name): _plain(getattr(step, each.name)) for each in fields(step)}
    return {
        "step": type(step).__name__,
        "action": _ACTIONS[sign(step)],
        "app": own.pop("app"),
        "words": words(step),
        **own,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "app": finding.app,
        "credential": finding.credential,
        "result": finding.result.value,
        "says": finding.says,
        "hint": finding.hint,
        "roles": [
            {"resource": resource(role.resource), "value": role.value, "present": role.present}
            for role in finding.roles
        ],
        "calls": [
            {"method": call.method, "path": call.path, "status": call.status}
            for call in finding.calls
        ],
        "extra": list(finding.extra),
        "seconds": round(finding.seconds, 3),
    }


def _whole(whole: Whole, rows: Iterable[Row]) -> dict[str, Any]:
    return {
        "app": whole.app,
        "kind": whole.kind,
        "exists": whole.exists,
        "says": whole.says,
        "changes": whole.changes,
        "consent": _consent(whole.consent) if whole.consent else None,
        "credentials": [_row(row) for row in rows],
    }


def _consent(consent: Consent) -> dict[str, Any]:
    return {
        "state": consent.state.value,
        "granted": consent.granted,
        "asked": consent.asked,
        "missing": [permission(each) for each in consent.missing],
    }


def _row(row: Row) -> dict[str, Any]:
    """A credential's own name is null for somebody else's, which has only what they called it."""
    return {
        "credential": row.credential or None,
        "name": row.name,
        "kind": row.kind,
        "state": row.state.value,
        "due": row.due,
        "keyId": row.key_id,
        "store": row.store,
        "held": row.kept.value if row.kept else None,
        "created": _moment(row.created),
        "expires": _moment(row.expires),
        "until": _moment(row.until),
        "lastProof": _moment(row.proven),
        "issuer": row.issuer,
        "subject": row.subject,
        "says": row.says,
    }


def _moment(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def _problem(problem: Problem) -> dict[str, Any]:
    return {each.name: getattr(problem, each.name) for each in fields(problem)}


def _plain(value: Any) -> Any:
    """Steps hold words, numbers, roles and Graph's own JSON; anything else is a mistake of ours."""
    if isinstance(value, AppRole | PermissionScope):
        return {
            "type": "Role" if isinstance(value, AppRole) else "Scope",
            "resource": value.resource,
            "id": value.id,
            "value": value.value,
            "words": permission(value),
        }
    if isinstance(value, Owner):
        return {"id": value.id, "name": value.name}
    if isinstance(value, PreAuthorized):
        return {"client": value.client, "scopes": _plain(value.scopes)}
    if isinstance(value, Change):
        before, after = _plain(value.before), _plain(value.after)
        return {"property": value.property, "before": before, "after": after}
    if isinstance(value, Mapping):
        return {str(key): _plain(value[key]) for key in sorted(value)}
    if isinstance(value, frozenset | set):
        return sorted(_plain(each) for each in value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _document(kind: str, body: Mapping[str, Any]) -> str:
    """ASCII only, so that no console can spoil it."""
    head = {"format": f"provision/{kind}", "version": VERSION}
    return json.dumps({**head, **body}, indent=2, ensure_ascii=True) + "\n"
