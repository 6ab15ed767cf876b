"""The command line: options in, one verb, its result rendered, an exit code."""

from __future__ import annotations


def main() -> None:
    """The command `provision`."""
    from provision.cli.program import program

    program()
