"""A manifest narrowed to some of its applications, which still know what the others offer."""

from __future__ import annotations

from dataclasses import replace

from provision.manifest.spec import ApplicationSpec, Manifest


def targets(manifest: Manifest) -> set[str]:
    """What --target may name: applications, identities, and credentials as APP/CREDENTIAL."""
    named = {spec.key for spec in manifest.identities}
    for spec in manifest.applications:
        names = [each.name for each in (*spec.stored, *spec.federated)]
        named |= {spec.key, *(f"{spec.key}/{name}" for name in names)}
    return named


def only(manifest: Manifest, keys: set[str]) -> Manifest:
    """The manifest narrowed to some of its applications and identities; nothing else of it is changed."""
    specs = (*manifest.applications, *manifest.others)
    chosen = tuple(spec for spec in specs if spec.key in keys)
    named = {name for spec in chosen for name in _named_by(spec)}
    named |= {
        permission.resource
        for identity in manifest.identities
        if identity.key in keys
        for permission in identity.permissions
    }
    return replace(
        manifest,
        applications=chosen,
        others=tuple(spec for spec in specs if spec.key in named - keys),
        identities=tuple(each for each in manifest.identities if each.key in keys),
        partial=True,
    )


def _named_by(spec: ApplicationSpec) -> set[str]:
    """Keys that an application refers to, among other names."""
    clients = {each.client for each in spec.pre_authorized or ()}
    return {each.resource for each in spec.permissions} | clients | set(spec.known_clients or ())
