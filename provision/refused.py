"""The words for what an operator was refused: on what, what it takes, what the operator holds, and who may."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import quote

from provision.errors import Forbidden
from provision.model import GRAPH_APP_ID
from provision.plan import (
    CONSENT,
    AddOwner,
    CreateApplication,
    DeleteApplication,
    GrantAppRole,
    GrantScopes,
    RevokeAppRole,
    RevokeScopes,
    Step,
)
from provision.receipt import Failed, Receipt
from provision.wording import words

OLD_GRAPH_APP_ID = "00000002-0000-0000-c000-000000000000"
"""Azure AD Graph: its roles are guarded as Microsoft Graph's are."""
DENIED = "Authorization_RequestDenied"
OWNED, ALL = "Application.ReadWrite.OwnedBy", "Application.ReadWrite.All"
GRANTS = "AppRoleAssignment.ReadWrite.All"
AS_USER = "Directory.AccessAsUser.All"
READS = ("Application.Read.All", ALL, "Directory.Read.All", "Directory.ReadWrite.All")
ADMINISTRATORS = (
    "Application Administrator",
    "Cloud Application Administrator",
    "Global Administrator",
)
CONSENTERS = ("Privileged Role Administrator", "Global Administrator")
TELLING = ("Application", "AppRoleAssignment", "DelegatedPermissionGrant", "Directory")
"""What permissions that matter here begin with: of many that are held, these are named first."""
MANY = 8


class Holder(Protocol):
    """The operator, as the token says: application permissions, scopes, and directory roles by name."""

    @property
    def name(self) -> str: ...
    @property
    def person(self) -> bool: ...
    @property
    def roles(self) -> frozenset[str]: ...
    @property
    def scopes(self) -> frozenset[str]: ...
    @property
    def directory_roles(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Where somebody who may consent does it: by this tool, in the admin center, or on a consent page."""

    command: str
    page: str | None = None
    url: str | None = None

    def ways(self) -> str:
        """As the end of "ask somebody to …"."""
        pages = " or ".join(page for page in (self.page, self.url) if page)
        return f"run `{self.command}`" + (f", or to approve at {pages}" if pages else "")


def consent_command(file: str) -> str:
    """What an administrator runs to consent, and to change nothing else."""
    return f"provision apply --only consent {file}"


def permission_page(portal: str, app_id: str) -> str:
    """The application's API permissions in the Entra admin center."""
    view = "Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI"
    return f"{portal}/#view/{view}/appId/{app_id}"


def consent_url(login: str, tenant_id: str, app_id: str, redirect_uri: str) -> str:
    """The page that asks an administrator to consent; it ends at an address that the application must have.

    https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
    """
    address = redirect_uri.replace("{appId}", app_id).replace("{tenantId}", tenant_id)
    to = quote(address, safe="")
    return f"{login}/{tenant_id}/adminconsent?client_id={app_id}&redirect_uri={to}"


def held(holder: Holder) -> str:
    """What the operator may do, in a sentence without its full stop."""
    roles = _listed(holder.directory_roles)
    if not holder.person:
        permissions = _shortened(holder.roles) or "no permission of Microsoft Graph"
        also = f", and the directory role {roles}" if roles else ""
        return f"{holder.name} holds {permissions}{also}"
    said = f"the directory role {roles}" if roles else "no directory role"
    if AS_USER in holder.scopes:
        return f"{holder.name} holds {said}"
    # Without that scope a client may less than its user: then the sign-in is what is too narrow.
    scopes = _shortened(holder.scopes - {"email", "offline_access", "openid", "profile"})
    return f"{holder.name} holds {said}, and the sign-in allows {scopes or 'nothing'}"


def in_words(error: Forbidden, holder: Holder) -> Forbidden:
    """A refusal that ends the command, with what the operator holds."""
    if error.status != 403:
        return error
    message = _named(str(error))
    if holder.person or holder.roles or holder.directory_roles:
        return _again(error, message, f"{error.hint} {held(holder)}.")
    return _again(
        error,
        f"{message}: {holder.name} holds no permission of Microsoft Graph",
        f"Grant it application permissions: {OWNED} to manage applications of its own, and "
        f"{GRANTS} with {READS[0]} to consent. Or sign in as somebody else (--auth).",
    )


def explained(receipt: Receipt, holder: Holder, approvals: Mapping[str, Approval]) -> Receipt:
    """The receipt, its refusals in the manifest's words; what several have in common is said once."""
    told: set[tuple[str, str]] = set()
    failures = []
    for failed in receipt.failed:
        error, step = failed.error, failed.step
        if isinstance(error, Forbidden) and error.status == 403 and step is not None:
            if isinstance(step, CONSENT):
                once = (failed.app, _consenters(step))
                hint = (
                    "As said above."
                    if once in told
                    else _consent(failed, receipt, holder, approvals)
                )
                told.add(once)
            else:
                hint = _hint(failed, error, holder)
            failed = replace(failed, error=_again(error, _refused(failed.app, step, error), hint))
        failures.append(failed)
    return replace(receipt, failed=tuple(failures))


def _refused(app: str, step: Step, error: Forbidden) -> str:
    if _purging(step, error):
        return f"Microsoft Graph refused to purge the application of {app}: it is among the deleted items"
    match step:
        case GrantAppRole() | GrantScopes():
            to = "to"
        case RevokeAppRole() | RevokeScopes():
            to = "from"
        case _:
            to = "for"
    return f"Microsoft Graph refused to {words(step)} {to} {app}"


def _hint(failed: Failed, error: Forbidden, holder: Holder) -> str:
    app, known = failed.app, not isinstance(failed.step, CreateApplication)
    purging = failed.step is not None and _purging(failed.step, error)
    # To add an owner takes the right to read the directory, too: whose the application is may not be the matter.
    other = purging or (isinstance(failed.step, AddOwner) and not holder.person)
    if error.code == DENIED and known and not other and _only_its_own(holder):
        return _not_owner(app, holder)
    register = ""
    if holder.person and not known and _only_its_own(holder):
        register = (
            "This tenant lets only some of its users register applications: that takes the role "
            "Application Developer or Application Administrator. "
        )
    return f"{register or f'{error.hint} '}{held(holder)}."


def _purging(step: Step, error: Forbidden) -> bool:
    """Whether the deletion itself was done: emptying the bin takes more than putting something in."""
    return isinstance(step, DeleteApplication) and step.purge and "purge" in str(error)


def _only_its_own(holder: Holder) -> bool:
    """Whether the operator reaches no applications but those that it owns."""
    if set(holder.directory_roles) & set(ADMINISTRATORS):
        return False
    return holder.person or (OWNED in holder.roles and ALL not in holder.roles)


def _not_owner(app: str, holder: Holder) -> str:
    why = f"no role of an administrator ({held(holder)})" if holder.person else OWNED
    more = f"the role {ADMINISTRATORS[0]}" if holder.person else ALL
    return (
        f"Have {holder.name} made an owner of {app}: with {why}, only what one owns can be "
        f"changed, and somebody else made this one. Or sign in as someone who holds {more}."
    )


def _consent(
    failed: Failed, receipt: Receipt, holder: Holder, approvals: Mapping[str, Approval]
) -> str:
    step = failed.step
    approval = approvals.get(failed.app)
    ask = f"Ask somebody with the role {_consenters(step)} to "
    said = [ask + (approval.ways() if approval else "consent") + "."]
    lacking = [] if holder.person else _lacking(step, holder)
    if lacking:
        said.append(f"Or grant {holder.name} {' and '.join(lacking)}.")
    said.append(f"{held(holder)}.")
    if _rest_is_done(failed.app, receipt):
        said.append(f"The rest of {failed.app} is done.")
    return " ".join(said)


def _consenters(step: Step | None) -> str:
    """Who may, among people: application permissions of Microsoft Graph are kept from application administrators.

    https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent
    """
    guarded = isinstance(step, GrantAppRole | RevokeAppRole) and step.role.resource in (
        GRAPH_APP_ID,
        OLD_GRAPH_APP_ID,
    )
    return _listed(CONSENTERS if guarded else (*ADMINISTRATORS[:2], *CONSENTERS), last=" or ")


def _lacking(step: Step | None, holder: Holder) -> list[str]:
    """The application permissions that an application would need to consent, and does not hold."""
    if isinstance(step, GrantScopes | RevokeScopes):
        return ["DelegatedPermissionGrant.ReadWrite.All"]
    reads = [] if holder.roles & set(READS) else [READS[0]]
    return [name for name in (GRANTS, *reads) if name not in holder.roles]


def _rest_is_done(app: str, receipt: Receipt) -> bool:
    """Whether this run did something else for the application, and left nothing but consents."""
    some = any(done.step.app == app for done in receipt.done)
    others = (failed.step for failed in receipt.failed if failed.app == app)
    left = any(step.app == app for step in receipt.left)
    return some and not left and all(isinstance(step, CONSENT) for step in others)


def _shortened(permissions: Iterable[str]) -> str:
    """The ones that matter here first; of very many, not all."""
    ordered = sorted(permissions, key=lambda name: (not name.startswith(TELLING), name))
    more = len(ordered) - MANY
    shown = ordered[:MANY] if more > 0 else ordered
    return _listed([*shown, f"{more} more"] if more > 0 else shown)


def _listed(names: Iterable[str], last: str = " and ") -> str:
    *first, end = [*names] or [""]
    return f"{', '.join(first)}{last}{end}" if first else end


def _named(message: str) -> str:
    """The one appId that is the same everywhere, by name."""
    return message.replace(GRAPH_APP_ID, "Microsoft Graph")


def _again(error: Forbidden, message: str, hint: str) -> Forbidden:
    said = Forbidden(
        message,
        hint=hint,
        status=error.status,
        code=error.code,
        request_id=error.request_id,
        detail=error.detail,
    )
    said.__cause__ = error
    return said
