"""What reaches the user: results on stdout, everything else on stderr, failures as text or JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import typer

from provision.cli.options import Options

if TYPE_CHECKING:
    import logging

    from provision.errors import UsageError
    from provision.render.look import Look

INTERRUPTED, TERMINATED = 130, 143


def look(stream: TextIO, options: Options) -> Look:
    """The screen behind a stream, with the user's wish about colours."""
    from provision.render.look import look_at

    return look_at(stream, os.environ, color=not options.no_color)


def say(text: str, *, options: Options | None = None) -> None:
    """A line for people, on stderr, with nothing hidden in it."""
    from provision.render.layout import compose, line
    from provision.render.layout import say as words

    rendered = [line(words(each), wrap=sys.stderr.isatty()) for each in text.split("\n")]
    tell(compose(rendered, look(sys.stderr, options or Options())))


def tell(rendered: str) -> None:
    """Rendered text for people, on stderr."""
    typer.echo(rendered, err=True, nl=not rendered.endswith("\n"))


def show(rendered: str) -> None:
    """The result, on stdout."""
    typer.echo(rendered, nl=not rendered.endswith("\n"))


def wrong_usage(message: str, *, hint: str) -> UsageError:
    """What the command line lacks, as a failure."""
    from provision.errors import UsageError

    return UsageError(message, hint=hint)


@contextmanager
def telling_failures(options: Options) -> Iterator[None]:
    """Turn expected failures into words and exit codes; anything else is a bug and keeps its traceback."""
    from auth.errors import AuthError
    from provision.errors import ProvisionError

    try:
        with logging_to(options):
            yield
    except (ProvisionError, AuthError) as error:
        tell_failure(error, options)
        raise typer.Exit(getattr(error, "exit_code", 1)) from error
    except KeyboardInterrupt:
        say("Interrupted.")
        raise typer.Exit(INTERRUPTED) from None


def tell_failure(error: Exception, options: Options) -> None:
    """Say what failed and what to try; with --json, say it as the document on stdout."""
    from provision.render import jsonout
    from provision.render.failure import failure_text

    if options.json:
        show(jsonout.error_json(error))
    tell(failure_text(error, look(sys.stderr, options)))


@contextmanager
def logging_to(options: Options) -> Iterator[None]:
    """Silence by default; --debug logs to stderr, --log-file to a file. Bodies and headers are never logged."""
    import logging

    ours = logging.getLogger("provision")
    theirs = [logging.getLogger(name) for name in ("azure", "msal")]
    before = [(logger, logger.level) for logger in (ours, *theirs)]
    handlers = list(_handlers(options))
    for logger in theirs:
        logger.setLevel(logging.CRITICAL)
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        ours.addHandler(handler)
    ours.setLevel(logging.DEBUG if handlers else logging.WARNING)
    try:
        yield
    finally:
        for handler in handlers:
            ours.removeHandler(handler)
            handler.close()
        for logger, level in before:
            logger.setLevel(level)


def _handlers(options: Options) -> Iterator[logging.Handler]:
    import logging

    if options.debug:
        yield logging.StreamHandler(sys.stderr)
    if options.log_file:
        try:
            yield logging.FileHandler(options.log_file, encoding="utf-8")
        except OSError as error:
            raise wrong_usage(
                f"The log file {options.log_file} cannot be written: {error.strerror}",
                hint="Name another one with --log-file.",
            ) from error
