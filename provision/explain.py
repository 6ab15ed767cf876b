"""Puts what a run was refused into words: for this operator, in this cloud, with the way to an approval."""

from __future__ import annotations

from provision import refused
from provision.errors import Forbidden
from provision.manifest.spec import ApplicationSpec, Manifest
from provision.model import Observed
from provision.plan import CreateApplication
from provision.receipt import Receipt
from provision.target import Target


def refusals(receipt: Receipt, manifest: Manifest, observed: Observed, target: Target) -> Receipt:
    """The receipt, each refusal of Microsoft Graph with what it takes, what is held, and who may."""
    if not any(isinstance(failed.error, Forbidden) for failed in receipt.failed):
        return receipt
    ids = {key: seen.application.app_id for key, seen in observed.deleted.items()}
    ids |= {key: seen.application.app_id for key, seen in observed.applications.items()}
    ids |= {
        done.step.app: done.detail
        for done in receipt.done
        if isinstance(done.step, CreateApplication)
    }
    specs = {spec.key: spec for spec in manifest.applications}
    approvals = {
        app: _approval(manifest, specs.get(app), app_id, target) for app, app_id in ids.items()
    }
    return refused.explained(receipt, target.operator, approvals)


def _approval(
    manifest: Manifest, spec: ApplicationSpec | None, app_id: str, target: Target
) -> refused.Approval:
    cloud = target.cloud
    redirects = (spec.properties.get("web.redirectUris") if spec else None) or []
    return refused.Approval(
        command=refused.consent_command(manifest.file),
        page=refused.permission_page(cloud.portal, app_id) if cloud.portal else None,
        url=refused.consent_url(cloud.login, target.tenant_id, app_id, str(redirects[0]))
        if redirects
        else None,
    )
