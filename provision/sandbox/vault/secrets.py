"""The secrets of a vault, one function an operation of Key Vault's REST interface."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from provision.sandbox.store import Store
from provision.sandbox.vault import refusals
from provision.sandbox.vault.cabinet import Cabinet, Kept, Version

_LARGEST_VALUE = 25 * 1024
_MOST_TAGS, _LONGEST_TAG = 15, 256
_LARGEST_PAGE = 25
KEPT_DAYS = 90
_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An operation on one vault of a tenant; `base` is the vault's address on this server."""

    store: Store
    cabinet: Cabinet
    tenant: str
    vault: str
    base: str
    name: str = ""
    version: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def now(self) -> int:
        """The tenant's present, in whole seconds."""
        return int(self.store.clock.now().timestamp())

    def found(self, name: str) -> Kept | None:
        """A secret, deleted or not; what was deleted long ago is purged."""
        kept = self.cabinet.get(self.tenant, self.vault, name)
        if kept is not None and kept.purged is not None and kept.purged <= self.now:
            self.cabinet.drop(self.tenant, self.vault, name)
            return None
        return kept

    def keep(self, kept: Kept) -> None:
        """Write it down."""
        self.cabinet.put(self.tenant, self.vault, kept)


def set_secret(request: Request) -> dict[str, Any]:
    """https://learn.microsoft.com/rest/api/keyvault/secrets/set-secret/set-secret"""
    body, now = _body(request), request.now
    value = body.get("value")
    if not isinstance(value, str):
        raise refusals.bad("Property  value is required")
    if len(value.encode("utf-8", "replace")) > _LARGEST_VALUE:
        raise refusals.bad(f"The value is larger than the maximum of {_LARGEST_VALUE} bytes.")
    kept = request.found(request.name)
    if kept is not None and kept.deleted is not None:
        raise refusals.in_the_bin(request.name)
    id = request.store.new_guid().replace("-", "")
    made = _changed(Version(id=id, value=value, created=now, updated=now), body)
    before = kept.versions if kept else ()
    kept = Kept(name=kept.name if kept else request.name, versions=(*before, made))
    request.keep(kept)
    return {"value": value, **_shown(request, kept, made)}


def get_secret(request: Request) -> dict[str, Any]:
    """https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret

    Neither `nbf` nor `exp` keeps a value back, only `enabled` does:
    https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#secret-attributes
    """
    kept = _live(request)
    version = _version(request, kept)
    if not version.enabled:
        raise refusals.disabled()
    return {"value": version.value, **_shown(request, kept, version)}


def update_secret(request: Request) -> dict[str, Any]:
    """https://learn.microsoft.com/rest/api/keyvault/secrets/update-secret/update-secret"""
    kept = _live(request)
    version = _version(request, kept)
    changed = replace(_changed(version, _body(request)), updated=request.now)
    versions = tuple(changed if each is version else each for each in kept.versions)
    request.keep(replace(kept, versions=versions))
    return _shown(request, kept, changed)


def get_secret_versions(request: Request) -> dict[str, Any]:
    """https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret-versions/get-secret-versions

    In the order of their names, which are random: the newest may be anywhere.
    """
    kept = request.found(request.name)
    versions = kept.versions if kept is not None and kept.deleted is None else ()
    rows = [(each.id, _shown(request, kept, each)) for each in versions if kept is not None]
    return _page(request, f"secrets/{request.name}/versions", iter(sorted(rows, key=_first)))


def get_secrets(request: Request) -> dict[str, Any]:
    """https://learn.microsoft.com/rest/api/keyvault/secrets/get-secrets/get-secrets"""
    rows = (
        (kept.name.lower(), _listed(request, kept))
        for kept in _all(request)
        if kept.deleted is None
    )
    return _page(request, "secrets", rows)


def delete_secret(request: Request) -> dict[str, Any]:
    """https://learn.microsoft.com/rest/api/keyvault/secrets/delete-secret/delete-secret"""
    kept, now = _live(request), request.now
    kept = replace(kept, deleted=now, purged=now + KEPT_DAYS * _DAY)
    request.keep(kept)
    return _shown_deleted(request, kept)


def get_deleted_secret(request: Request) -> dict[str, Any]:
    """https://learn.microsoft.com/rest/api/keyvault/secrets/get-deleted-secret/get-deleted-secret"""
    return _shown_deleted(request, _dead(request))


def get_deleted_secrets(request: Request) -> dict[str, Any]:
    """https://learn.microsoft.com/rest/api/keyvault/secrets/get-deleted-secrets/get-deleted-secrets"""
    rows = (
        (kept.name.lower(), {**_listed(request, kept), **_deletion(request, kept)})
        for kept in _all(request)
        if kept.deleted is not None
    )
    return _page(request, "deletedsecrets", rows)


def purge_deleted_secret(request: Request) -> None:
    """https://learn.microsoft.com/rest/api/keyvault/secrets/purge-deleted-secret/purge-deleted-secret"""
    _dead(request)
    request.cabinet.drop(request.tenant, request.vault, request.name)


def recover_deleted_secret(request: Request) -> dict[str, Any]:
    """https://learn.microsoft.com/rest/api/keyvault/secrets/recover-deleted-secret/recover-deleted-secret"""
    kept = replace(_dead(request), deleted=None, purged=None)
    request.keep(kept)
    return _shown(request, kept, kept.latest)


def _live(request: Request) -> Kept:
    kept = request.found(request.name)
    if kept is None or kept.deleted is not None:
        raise refusals.not_found(request.name)
    return kept


def _dead(request: Request) -> Kept:
    kept = request.found(request.name)
    if kept is None or kept.deleted is None:
        raise refusals.deleted_not_found(request.name)
    return kept


def _all(request: Request) -> Iterator[Kept]:
    for name in request.cabinet.names(request.tenant, request.vault):
        if (kept := request.found(name)) is not None:
            yield kept


def _version(request: Request, kept: Kept) -> Version:
    if not request.version:
        return kept.latest
    for version in kept.versions:
        if version.id == request.version.lower():
            return version
    raise refusals.not_found(request.name, request.version)


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        raise refusals.bad("The request body could not be read as JSON.") from None
    if not isinstance(body, dict):
        raise refusals.bad("The request body must be an object.")
    return body


def _changed(version: Version, body: Mapping[str, Any]) -> Version:
    """What the body says about a version; what it leaves out stays."""
    attributes = body.get("attributes")
    said = attributes if isinstance(attributes, dict) else {}
    tags, content_type = body.get("tags"), body.get("contentType")
    for moment in (said.get("nbf"), said.get("exp")):
        if moment is not None and (not isinstance(moment, int) or isinstance(moment, bool)):
            raise refusals.bad("A time is a number of seconds.")
    if tags is not None:
        _check_tags(tags)
    return replace(
        version,
        tags=version.tags if tags is None else dict(tags),
        content_type=version.content_type if content_type is None else str(content_type),
        enabled=version.enabled if said.get("enabled") is None else bool(said["enabled"]),
        not_before=said.get("nbf", version.not_before),
        expires=said.get("exp", version.expires),
    )


def _check_tags(tags: Any) -> None:
    """https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#secret-tags"""
    if not isinstance(tags, dict) or not all(isinstance(text, str) for text in tags.values()):
        raise refusals.bad("Tags are names with texts.")
    if len(tags) > _MOST_TAGS:
        raise refusals.bad(f"There are more than {_MOST_TAGS} tags.")
    if any(len(text) > _LONGEST_TAG for pair in tags.items() for text in pair):
        raise refusals.bad(f"A tag is longer than {_LONGEST_TAG} characters.")


def _shown(request: Request, kept: Kept | None, version: Version) -> dict[str, Any]:
    """A version as everybody may see it, without its value."""
    named = kept.name if kept else request.name
    attributes: dict[str, Any] = {
        "enabled": version.enabled,
        "created": version.created,
        "updated": version.updated,
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": KEPT_DAYS,
    }
    attributes |= {"nbf": version.not_before} if version.not_before is not None else {}
    attributes |= {"exp": version.expires} if version.expires is not None else {}
    shown = {
        "id": f"https://{request.vault}.vault.azure.net/secrets/{named}/{version.id}",
        "attributes": attributes,
        "tags": version.tags,
    }
    return shown | ({"contentType": version.content_type} if version.content_type else {})


def _listed(request: Request, kept: Kept) -> dict[str, Any]:
    """A secret in a list: the latest version's properties, without that version's name."""
    shown = _shown(request, kept, kept.latest)
    return {**shown, "id": shown["id"].rpartition("/")[0]}


def _deletion(request: Request, kept: Kept) -> dict[str, Any]:
    return {
        "recoveryId": f"https://{request.vault}.vault.azure.net/deletedsecrets/{kept.name}",
        "deletedDate": kept.deleted,
        "scheduledPurgeDate": kept.purged,
    }


def _shown_deleted(request: Request, kept: Kept) -> dict[str, Any]:
    return {**_deletion(request, kept), **_shown(request, kept, kept.latest)}


def _page(
    request: Request, path: str, rows: Iterator[tuple[str, dict[str, Any]]]
) -> dict[str, Any]:
    """So many rows behind the last page's end, and where the next page begins."""
    size, after = _page_size(request), _opened(request.query.get("$skiptoken", ""))
    page: list[tuple[str, dict[str, Any]]] = []
    more = False
    for row in rows:
        if row[0] <= after:
            continue
        if len(page) == size:
            more = True
            break
        page.append(row)
    link = None
    if more:
        token = base64.urlsafe_b64encode(page[-1][0].encode()).decode().rstrip("=")
        version = request.query.get("api-version", "")
        link = f"{request.base}/{path}?api-version={version}&$skiptoken={token}&maxresults={size}"
    return {"value": [shown for _, shown in page], "nextLink": link}


def _page_size(request: Request) -> int:
    wanted = request.query.get("maxresults")
    if wanted is None:
        return _LARGEST_PAGE
    if not wanted.isdecimal() or not 1 <= int(wanted) <= _LARGEST_PAGE:
        raise refusals.bad(f"maxresults is a number from 1 to {_LARGEST_PAGE}.")
    return int(wanted)


def _opened(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (binascii.Error, ValueError):
        raise refusals.bad("The $skiptoken is not one that was given out.") from None


def _first(row: tuple[str, dict[str, Any]]) -> str:
    return row[0]
