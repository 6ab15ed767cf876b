"""Every failure that a user can expect, each with what to do next.

    ProvisionError(message, *, hint)     what happened + what to try next; exit code 1
    ├── UsageError                       the command line is incomplete or contradicts itself; exit code 64
    ├── ManifestError                    .problems: all of them, with line:column and "did you mean"
    ├── PlanError                        the tenant is not in a state that may be changed
    │   ├── ForeignApplication           somebody else's application bears our uniqueName
    │   ├── ForeignCredential            somebody else's federated credential bears the name that we want
    │   ├── AdoptedMissing               the application to adopt is not there
    │   ├── NoSuchApplications           applications to import are not there
    │   ├── OwnedAlready                 an application to import stands in some manifest already
    │   ├── NotMade                      another application of the manifest, which this one refers to, is not there
    │   ├── DeletedNamesake              somebody else's deleted application occupies it
    │   ├── UnsafePlan                   it would delete; needs --allow-destroy
    │   └── OutdatedPlan                 it holds what nobody reviewed: another digest, or new steps
    ├── GraphError                       Microsoft Graph refused: code, request id
    │   ├── NotFound · Forbidden · Conflict · Throttled · Unreachable
    │   ├── AnswerLost                   a write may have taken effect: look before asking again
    │   └── NotYetVisible                the directory has not caught up; trying again is the answer
    ├── StoreError                       the value could not be stored; the credential was taken back
    │   ├── Unreadable                   it cannot be read from here: what it holds is not known
    │   └── Unconfirmed                  the value may have been stored or not
    ├── ProofError                       no token, or a token without what was declared
    └── Interrupted                      somebody pressed Ctrl-C or sent SIGTERM; exit code 130 or 143

`auth.errors.AuthError` stands beside this tree: sign-in knows nothing of provisioning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class ProvisionError(Exception):
    """An expected failure: `str()` says what happened, `hint` what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(ProvisionError):
    """The command line does not say what is needed."""

    exit_code = 64


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One mistake in a manifest, and where it stands; line and column count from 1."""

    line: int
    column: int
    message: str
    hint: str = ""


class ManifestError(ProvisionError):
    """The manifest cannot be used; `problems` lists every mistake in reading order."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems))
        count = len(self.problems)
        super().__init__(f"{file} has {count} mistake{'s' if count != 1 else ''}")

    def lines(self) -> list[str]:
        """One line a problem, in the form that editors and terminals make clickable."""
        return [
            f"{self.file}:{p.line}:{p.column}: {p.message}" + (f" - {p.hint}" if p.hint else "")
            for p in self.problems
        ]


class PlanError(ProvisionError):
    """The tenant is not in a state that this manifest may change."""


class ForeignApplication(PlanError):
    """An application bears our uniqueName, but not our owner tag: it is not ours to write."""

    def __init__(self, unique_name: str, app_id: str, *, owner: str | None) -> None:
        tag = f'it carries the owner tag "{owner}"' if owner else "it carries no owner tag"
        way_out = (
            f"let {owner} give it up first: provision forget"
            if owner
            else f"take that application over with `adopt: {{appId: {app_id}}}`"
        )
        super().__init__(
            f'An application named "{unique_name}" exists (appId {app_id}), and it is not ours: {tag}',
            hint=f"Nothing was written. Choose another manifest name or key, or {way_out}.",
        )


class ForeignCredential(PlanError):
    """A federated credential bears the name that we want, and somebody else made it."""

    def __init__(self, app: str, name: str) -> None:
        super().__init__(
            f'The application {app} has a federated credential "{name}" that this manifest did not make',
            hint="Nothing was written. Choose another name for the credential, or remove that one first.",
        )


class AdoptedMissing(PlanError):
    """The application that a manifest adopts does not exist in this tenant."""

    def __init__(self, key: str, app_id: str) -> None:
        super().__init__(
            f"There is no application with appId {app_id} in this tenant: {key} cannot adopt it",
            hint="Check the appId (the application's client id, not its object id) and the tenant.",
        )


class NoSuchApplications(PlanError):
    """Applications that were asked for by appId do not exist in this tenant."""

    def __init__(self, app_ids: Iterable[str]) -> None:
        super().__init__(
            f"There is no application with appId {', '.join(app_ids)} in this tenant",
            hint="Check the appId (the application's client id, not its object id) and the tenant.",
        )


class OwnedAlready(PlanError):
    """An application stands in some manifest already, and can stand in one only."""

    def __init__(self, app_id: str, owner: str) -> None:
        super().__init__(
            f'The application {app_id} belongs to the manifest "{owner}" already',
            hint="Change it there, or let that manifest give it up first: provision forget",
        )


class NotMade(PlanError):
    """An application of the manifest, which another one refers to, is not there or was not completed."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The application {key}, which this one refers to, is not there",
            hint=f"Apply {key} first, or both together without --target.",
        )


class DeletedNamesake(PlanError):
    """Somebody else's soft-deleted application occupies our uniqueName until it is purged."""

    def __init__(self, unique_name: str, object_id: str | None) -> None:
        where = f" (object id {object_id})" if object_id else ""
        super().__init__(
            f'A deleted application{where} still occupies the uniqueName "{unique_name}", and it is not ours',
            hint="Restore it or delete it permanently (Entra admin center > App registrations > Deleted applications), "
            "or choose another manifest name or key. A deleted application is purged after 30 days.",
        )


class UnsafePlan(PlanError):
    """The plan deletes applications, and nobody allowed that."""

    def __init__(self, names: Iterable[str]) -> None:
        listed = ", ".join(names)
        super().__init__(
            f"This would delete what is no longer in the manifest: {listed}",
            hint="If that is meant, run apply again with --allow-destroy.",
        )


class OutdatedPlan(PlanError):
    """What would be done now is more than, or something else than, what was reviewed."""

    def __init__(self, message: str, steps: Iterable[str] = ()) -> None:
        self.steps = tuple(steps)
        super().__init__(
            message + "".join(f"\n  {' '.join(step.split())}" for step in self.steps),
            hint="Nothing of this was done. Plan again, have that reviewed, and apply it.",
        )


class GraphError(ProvisionError):
    """Microsoft Graph refused or failed; `code` and `request_id` are its own words for support."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int = 0,
        code: str = "",
        request_id: str = "",
        detail: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.detail = detail


class NotFound(GraphError):
    """404: the object is not there, or not there yet."""


class Forbidden(GraphError):
    """403: the operator lacks a directory role or a Graph permission."""


class Conflict(GraphError):
    """409: somebody else holds the name, or writes at the same time."""


class Throttled(GraphError):
    """429 until patience ended."""


class Unreachable(GraphError):
    """No answer from Microsoft Graph: network, TLS or a dropped connection."""


class AnswerLost(GraphError):
    """A request that must not be repeated blindly got no answer: look whether it took effect."""


class NotYetVisible(GraphError):
    """The directory has not caught up with an earlier write: the same request will succeed later."""


class StoreError(ProvisionError):
    """A store cannot take or give the value."""


class Unreadable(StoreError):
    """A store's value cannot be read from here, though it may well be written."""


class Unconfirmed(StoreError):
    """A value may have been stored or not: what was to take it failed, or did not say."""


class ProofError(ProvisionError):
    """The token service refuses the workload, or its token lacks what was declared."""


class Interrupted(ProvisionError):
    """The run was asked to stop; the request in flight was finished first."""

    def __init__(self) -> None:
        super().__init__(
            "Stopped on request",
            hint="Run the same command again: it continues from where this one stopped.",
        )
