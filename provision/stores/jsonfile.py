"""Keeps a value in a JSON file, or in an object below one key of it, among other people's keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provision.errors import StoreError
from provision.stores import Belongs, Entry, Stored, fields, files, jsontext, replacing, whose


class JsonFile:
    """The object in one JSON file, or below one key of it; a link is followed, never replaced."""

    def __init__(self, path: Path, *, key: str = "", replace: bool = False) -> None:
        self._file = files.Kept(path=path, kind="JSON")
        self._key = key
        self._replace = replace

    def probe(self, owner: Belongs) -> tuple[str, ...]:
        """Prove that the owner's value can be written, before there is one; says warnings."""
        with self._telling("prepare"):
            target = self._file.target
            replacing.make_folder(target.parent)
            warnings = self._file.tracked_by_git(target)
            with replacing.locked(target):
                content = self._content(target, owner)
                replacing.rehearse(target, self._changed(content, fields.likely(owner)))
        return warnings

    def read(self) -> Stored | None:
        """What the object says; None when that is nothing."""
        with self._telling("read"):
            whole = jsontext.whole(self._file.bytes(self._file.target))
            return fields.stored(self._ours(whole.value))

    def write(self, entry: Entry) -> None:
        """Put the value in, in one step: other keys and their order stay."""
        owner = Belongs(tenant_id=entry.tenant_id, client_id=entry.client_id)
        with self._telling("write"):
            target = self._file.target
            replacing.make_folder(target.parent)
            with replacing.locked(target):
                content = self._content(target, owner)
                replacing.replace(target, self._changed(content, entry))

    def remove(self, app_id: str) -> bool:
        """Take this application's value out; a file that held nothing else goes with it."""
        with self._telling("change"):
            target = self._file.target
            if not target.parent.is_dir():
                return False
            with replacing.locked(target):
                whole = jsontext.whole(self._file.bytes(target))
                ours = self._ours(whole.value)
                held = fields.stored(ours)
                if held is None or not whose.same(held.client_id, app_id):
                    return False
                rest = self._with(whole.value, _without(ours, fields.NAMES))
                if rest or self._file.path.is_symlink():
                    replacing.replace(target, whole.changed(rest))
                else:
                    target.unlink()
        return True

    def retire(self, key_id: str) -> None:
        """A file keeps no old value, but beside it may be what a run wrote that was killed."""
        with self._telling("change"), replacing.locked(self._file.target):
            pass  # who holds the lock has swept

    def _content(self, target: Path, owner: Belongs) -> jsontext.Whole:
        whole = jsontext.whole(self._file.bytes(target))
        held = fields.stored(self._ours(whole.value))
        if not self._replace:
            place = f"{self._file.path} ({self._key})" if self._key else str(self._file.path)
            whose.refuse_others(held, owner, place=place, other="another file or key")
        return whole

    def _changed(self, whole: jsontext.Whole, entry: Entry) -> bytes:
        """In place where a field stands, else after the others; the other kind's value goes."""
        wanted = fields.of(entry)
        ours = _without(self._ours(whole.value), set(fields.NAMES) - set(wanted))
        return whole.changed(self._with(whole.value, {**ours, **wanted}))

    def _ours(self, top: dict[str, Any]) -> dict[str, Any]:
        if not self._key:
            return top
        below = top.get(self._key)
        if below is None:
            return {}
        if not isinstance(below, dict):
            raise jsontext.Unusable(f'what stands there under "{self._key}" is no object')
        return below

    def _with(self, top: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
        if not self._key:
            return ours
        return {**top, self._key: ours} if ours else _without(top, {self._key})

    @contextmanager
    def _telling(self, verb: str) -> Iterator[None]:
        """Turn what went wrong into our words; none of them quotes the file."""
        with self._file.telling(verb):
            try:
                yield
            except (jsontext.Unusable, fields.Unfit) as error:
                # Not `from`: the file's text stands in the cause's frames.
                raise StoreError(
                    f"cannot {verb} {self._file.path}: {error}",
                    hint="It was not touched. Mend that file, or name another one in the manifest.",
                ) from None


def _without(found: dict[str, Any], names: Any) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in names}
