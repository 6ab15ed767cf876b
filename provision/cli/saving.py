"""Plans in files: written by `plan --out`, read back by `apply`, which then does nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.cli.options import Options
from provision.cli.output import say, wrong_usage
from provision.cli.session import read_manifest

if TYPE_CHECKING:
    from provision.flow import Limits, Planned
    from provision.manifest.spec import Manifest
    from provision.saved import Saved


class Only(StrEnum):
    """What `--only` takes."""

    CONSENT = "consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What `apply` was given: a manifest, perhaps from a saved plan, and how far to go."""

    file: Path
    manifest: Manifest
    saved: Saved | None
    consent_only: bool

    def limits(self, demanded: Sequence[Mapping[str, Any]] | None) -> Limits:
        """No further than the saved plan, or than the plan that has the demanded digest."""
        from provision.flow import Limits

        reviewed = self.saved.steps if self.saved else demanded
        return Limits(consent_only=self.consent_only, reviewed=reviewed)

    def check(self, body: Mapping[str, Any], demanded: str | None) -> None:
        """Refuse another tenant or owner than the saved plan's, or else another plan than the digest's."""
        from provision.saved import refuse_other_digest, refuse_other_owner, refuse_other_tenant

        if self.saved:
            refuse_other_tenant(self.saved, body["tenantId"], str(self.file))
            refuse_other_owner(self.saved, body["owner"], str(self.file))
        elif demanded is not None:
            refuse_other_digest(demanded, body["digest"])


def opened(file: Path, options: Options, only: Only | None, *, demanded: str | None) -> Source:
    """A manifest or a saved plan: which of them a file is, its content says.

    Another digest than the one demanded is refused here: to look at what a changed plan names may start programs.
    """
    from provision import saved
    from provision.manifest.file import read

    found = saved.recognised(read(file))
    if found is None:
        manifest = read_manifest(file, options)
        return Source(file=file, manifest=manifest, saved=None, consent_only=only is not None)
    plan = saved.read(found, str(file))
    if demanded is not None:
        saved.refuse_other_digest(demanded, plan.digest)
    return Source(
        file=file,
        manifest=_manifest_of(plan, file, options),
        saved=plan,
        consent_only=only is not None or plan.consent_only,
    )


def _manifest_of(plan: Saved, file: Path, options: Options) -> Manifest:
    """The manifest as it was when it was planned: variables and targets were chosen then."""
    from provision.manifest import narrow, parse_source

    settled = {"env": options.env, "target": options.target, "var": options.var}
    for option, given in settled.items():
        if given:
            raise wrong_usage(
                f"--{option} was settled when {file} was saved",
                hint=f"Plan again with another --{option}, or apply it without.",
            )
    folder = Path(os.path.abspath(file)).parent / plan.folder
    manifest = parse_source(
        plan.manifest,
        file=os.path.normpath(file.parent / plan.file),
        folder=Path(os.path.normpath(folder)),
        environment=plan.environment,
    )
    for warning in manifest.warnings:
        say(f"Warning: {warning}")
    return manifest if plan.targets is None else narrow.only(manifest, set(plan.targets))


def body_of(
    planned: Planned, manifest: Manifest, tenant_id: str, *, consent_only: bool
) -> dict[str, Any]:
    """The plan as the document that is saved, digested and compared."""
    from provision.document import CONSENT_ONLY, document

    only = CONSENT_ONLY if consent_only else None
    return document(planned.plan, planned.desired, manifest, tenant_id=tenant_id, only=only)


def write(out: Path, body: Mapping[str, Any], manifest: Manifest) -> None:
    """Save a plan; of the manifest's place it keeps only the way there from its own folder."""
    from provision.document import SHOWN, digest, written
    from provision.errors import ProvisionError

    here = Path(os.path.abspath(out)).parent
    source = Path(os.path.abspath(manifest.file))
    if source == Path(os.path.abspath(out)):
        raise wrong_usage(f"--out {out} is the manifest itself", hint="For example --out plan.json")
    try:
        folder = Path(os.path.relpath(manifest.folder, here)).as_posix()
        file = Path(os.path.relpath(source, here)).as_posix()
    except ValueError as error:  # Windows: two drives
        raise wrong_usage(
            f"--out {out} is on another drive than {manifest.file}",
            hint="Save the plan beside the manifest.",
        ) from error
    placed = {**body, "folder": folder, "file": file}
    placed["digest"] = digest(placed)
    try:
        out.write_text(written(placed), encoding="utf-8", newline="\n")
    except OSError as error:
        raise ProvisionError(
            f"{out} cannot be written: {error.strerror}", hint="Name another file with --out."
        ) from error
    say(f"Saved the plan: provision apply {out}")
    if placed["digest"] != body["digest"]:
        say(f"Its digest, with the way to the manifest's folder: {placed['digest'][:SHOWN]}")
