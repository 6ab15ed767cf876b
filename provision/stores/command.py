"""Keeps a value by running programs: the value goes to their standard input, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from provision.errors import StoreError, Unconfirmed, Unreadable
from provision.places import CommandStore, filled
from provision.stores import (
    Belongs,
    Entry,
    Stored,
    assignments,
    documents,
    fields,
    redacting,
    running,
    whose,
)

_PRINTED = 16 * 1024
"""Bytes of what a program printed that are looked for in what it complains of."""


class Command:
    """The programs of one place; what they say is told without the value."""

    def __init__(self, place: CommandStore, *, replace: bool = False) -> None:
        self._place = place
        self._replace = replace

    def probe(self, owner: Belongs) -> tuple[str, ...]:
        """Prove that the programs are there, and that no other's value is; none is written to try it."""
        for argv in (self._place.write, self._place.read, self._place.remove):
            if argv:
                self._program(argv)
        _given(self._place.input, fields.likely(owner))
        if self._place.read and not self._replace:
            other = "another command"
            whose.refuse_others(self.read(), owner, place=self._place.address, other=other)
        return ()

    def read(self) -> Stored | None:
        """What the program prints, in the form that `write` gets; None when it prints nothing."""
        if not self._place.read:
            raise Unreadable(
                f"{self._place.address} cannot be read back",
                hint="Give it a `read` command in the manifest if it can print what it keeps.",
            )
        ended = self._ended(self._place.read, b"", failing=Unreadable)
        said = ended.output.decode("utf-8", "replace").removeprefix("\ufeff").strip()
        if not said:
            return None
        try:
            return documents.stored(self._place.input, said, whole=not ended.overflow)
        except documents.Unlike as error:
            # Not `from`: what was printed stands in the cause's frames.
            raise Unreadable(
                f"what {_shown(self._place.read)} prints cannot be read: {error}",
                hint="It must print what `write` gets on standard input, and nothing else.",
            ) from None

    def write(self, entry: Entry) -> None:
        """Hand the value to the program; it is kept when that ends with exit code 0.

        However else it ends, it may have kept it before: raises Unconfirmed. One that was never started kept nothing.
        """
        known = fields.of(entry)
        value = entry.secret.reveal()
        argv = [filled(each, _told(known)) for each in self._place.write]
        given = _given(self._place.input, entry)
        self._ended(argv, given, values=(value,), unfinished=Unconfirmed)

    def remove(self, app_id: str) -> bool:
        """Have it removed, if that can be done and nothing tells that it is another's."""
        if not self._place.remove:
            return False
        known: Mapping[str, str] = {"clientId": app_id}
        values: tuple[str, ...] = ()
        if self._place.read:
            held = self.read()
            if held is None or not whose.same(held.client_id, app_id):
                return False
            known, values = _known(held, app_id), (held.secret.reveal(),) if held.secret else ()
        argv = [filled(each, known) for each in self._place.remove]
        self._ended(argv, b"", values=values)
        return True

    def retire(self, key_id: str) -> None:
        """Nothing: what becomes of old values, the program knows."""

    def _program(self, argv: Sequence[str], failing: type[StoreError] = StoreError) -> str:
        found = running.program(argv[0], self._place.folder)
        if found is None:
            near = "/" in argv[0] or os.sep in argv[0]
            says = "below the manifest's folder" if near else "on the PATH"
            raise failing(
                f"There is no program {argv[0]} {says} that can be run",
                hint="Install it or make it executable, or name another store in the manifest.",
            )
        return found

    def _ended(
        self,
        argv: Sequence[str],
        given: bytes,
        *,
        values: Iterable[str] = (),
        failing: type[StoreError] = StoreError,
        unfinished: type[StoreError] | None = None,
    ) -> running.Ended:
        """Run it to a good end, or say what went wrong without the value: `unfinished` where it was begun."""
        seconds = self._place.timeout.total_seconds()
        program = self._program(argv, failing)
        try:
            ended = running.run(
                [program, *argv[1:]], folder=self._place.folder, given=given, seconds=seconds
            )
        except OSError as error:
            says = f"cannot run {argv[0]}: {error.strerror or error}"
            raise failing(says, hint="Run it by hand to see why.") from None
        if ended.code == 0:
            return ended
        # A `read` that fails may have printed a value, and may tell of it too.
        printed = ended.output[:_PRINTED].decode("utf-8", "replace").split()
        told = redacting.censored(ended.complaints, [*values, *(printed if not given else ())])
        if ended.code is None:
            says = f"{_shown(argv)} did not end within {seconds:g} s, and was ended"
            hint = "See whether it waits for an answer, or give it more time with `timeout`."
        else:
            says = f"{_shown(argv)} {_how(ended.code)}"
            hint = "Run it by hand to see why; what it gets is on its standard input."
        says += "".join(f"\n  {line}" for line in told.split("\n") if line)
        raise (unfinished or failing)(says, hint=hint)


def _given(form: str | Mapping[str, object], entry: Entry) -> bytes:
    """What the program gets on its standard input."""
    try:
        return documents.written(form, entry)
    except assignments.Unwritable:
        raise StoreError(
            "the value cannot be written as a line of a dotenv file",
            hint="Write input: json for this command in the manifest.",
        ) from None


def _told(known: Mapping[str, str]) -> dict[str, str]:
    """What may stand among a program's arguments: a list of processes shows them to everybody."""
    values = {fields.SECRET, fields.CERTIFICATE}
    return {name: value for name, value in known.items() if name not in values}


def _known(held: Stored, app_id: str) -> dict[str, str]:
    return {
        "tenantId": held.tenant_id or "",
        "clientId": app_id,
        "keyId": held.key_id or "",
        "expires": fields.until(held.expires) if held.expires else "",
    }


def _shown(argv: Sequence[str]) -> str:
    return f"command {argv[0]}"


def _how(code: int) -> str:
    return f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
