"""A path → the text of a manifest: never more than 5 MiB, never anything but a regular file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from provision.errors import ManifestError, Problem, ProvisionError

MAX_BYTES = 5 * 1024 * 1024
# A pipe would block the open, and Windows would translate line ends.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read(path: Path) -> str:
    """The file's text; whatever is no UTF-8 text file of sensible size is refused in words."""
    try:
        content = _content(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(content) > MAX_BYTES:
        raise _refused(path, "the file is larger than 5 MiB", "split the manifest")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise _refused(
            path, "this is not UTF-8 text", "save the file as UTF-8", line=line, column=column
        ) from error


def _content(path: Path) -> bytes:
    if path.is_dir():
        raise ProvisionError(f"{path} is a directory", hint="Name the manifest itself.")
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(path.parent)):
        # A stranger's link could make the messages tell what stands in a file elsewhere.
        raise ProvisionError(
            f"{path} is a link that leads out of its folder", hint="Name the file itself."
        )
    descriptor = os.open(path, _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ProvisionError(f"{path} is no regular file", hint="Name a file with YAML text.")
        return file.read(MAX_BYTES + 1)


def _unreadable(path: Path, error: OSError) -> ProvisionError:
    if isinstance(error, FileNotFoundError):
        return ProvisionError(
            f"There is no file {path}",
            hint=f"Check the path, or write a manifest with `provision init {path}`.",
        )
    return ProvisionError(
        f"{path} cannot be read: {error.strerror or error}", hint="Check its permissions."
    )


def _refused(
    path: Path, message: str, hint: str, *, line: int = 1, column: int = 1
) -> ManifestError:
    return ManifestError(str(path), [Problem(line=line, column=column, message=message, hint=hint)])
