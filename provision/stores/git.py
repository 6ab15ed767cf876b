"""Asks git whether a file would travel to other machines."""

from __future__ import annotations

import os
import shutil
import subprocess
from enum import Enum, auto
from pathlib import Path

_TIME_LIMIT = 10
_NO, _YES, _FATAL = 1, 0, 128
# git needs these to start and to find its settings; it needs none of the operator's credentials,
# and a hook's GIT_DIR would make it answer for another repository.
_PASSED_ON = (
    "PATH",
    "HOME",
    "USERPROFILE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "XDG_CONFIG_HOME",
)


class Tracking(Enum):
    """What git does with a file."""

    OUTSIDE = auto()
    """No git here, or no repository."""
    IGNORED = auto()
    EXPOSED = auto()
    """In a repository and not ignored: the next `git add` takes it along."""
    TRACKED = auto()
    UNKNOWN = auto()
    """git is there, but did not answer."""


def tracking(path: Path) -> Tracking:
    """What git does with the file at this path, which need not exist."""
    program = shutil.which("git")
    if program is None:
        return Tracking.OUTSIDE
    listed, complaint = _ask(program, path, "--literal-pathspecs", "ls-files", "--error-unmatch")
    if listed == _YES:
        return Tracking.TRACKED
    if listed == _FATAL and "not a git repository" in complaint:
        return Tracking.OUTSIDE
    ignored = _ask(program, path, "check-ignore", "--quiet")[0] if listed == _NO else _FATAL
    return {_YES: Tracking.IGNORED, _NO: Tracking.EXPOSED}.get(ignored, Tracking.UNKNOWN)


def _ask(program: str, path: Path, *question: str) -> tuple[int, str]:
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        # Without fsmonitor: a repository's own settings must not start programs.
        answer = subprocess.run(  # noqa: S603 - a list, no shell, the file behind `--`
            [program, "-c", "core.fsmonitor=false", *question, "--", f"./{path.name}"],
            cwd=path.parent,
            env={**environment, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIME_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return -1, ""
    return answer.returncode, answer.stderr.decode("utf-8", "replace")
