"""Faults in words, as the command line and the control route take them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from provision.sandbox.faults import Fault

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|min|s|m|h|d|w)")
_WHICH = re.compile(r"(\*/)?([1-9]\d*)")
_STATUS = re.compile(r"([45]\d\d)(-after)?")
_METHODS = re.compile(r"\*|[A-Za-z]+(\|[A-Za-z]+)*")
_WORDS = {"lag": "lag404", "drop": "drop_before", "drop-after": "drop_after", "down": "refuse_all"}


def parse(text: str) -> Fault:
    """One rule; a ValueError says which word is not understood."""
    words = text.split()
    if len(words) < 3:
        raise _wrong(text, "it needs a method, a path and an outcome")
    method, path, *rest = words
    if not _METHODS.fullmatch(method):
        raise _wrong(text, f'"{method}" is no method')
    fault = Fault(do="status", method="" if method == "*" else method.upper(), path=_regex(path))
    which = _WHICH.fullmatch(rest[0])
    if which is not None and len(rest) > 1 and _is_outcome(rest[1]):
        number = int(which[2])
        fault = replace(fault, every=number) if which[1] else replace(fault, nth=number)
        rest = rest[1:]
    fault = _outcome(fault, rest[0], text)
    for option in rest[1:]:
        fault = _option(fault, option, text)
    return fault


def duration(text: str) -> float:
    """The seconds in `2s`, `12h` or `31d`."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'"{text}" is no duration; 500ms, 2s, 30m, 12h and 31d are')
    return float(found[1]) * _UNITS[found[2]]


def _is_outcome(word: str) -> bool:
    return bool(_STATUS.fullmatch(word)) or word in _WORDS or word.startswith("delay:")


def _outcome(fault: Fault, word: str, text: str) -> Fault:
    if status := _STATUS.fullmatch(word):
        return replace(fault, do="status_after" if status[2] else "status", status=int(status[1]))
    if word.startswith("delay:"):
        return replace(fault, do="delay", seconds=duration(word.removeprefix("delay:")))
    if word in _WORDS:
        return replace(fault, do=_WORDS[word])  # type: ignore[arg-type]
    known = "a status from 400 to 599 (or STATUS-after), lag, delay:TIME, drop, drop-after, down"
    raise _wrong(text, f'"{word}" is no outcome: {known}')


def _option(fault: Fault, option: str, text: str) -> Fault:
    name, colon, value = option.partition(":")
    take = _OPTIONS.get(name)
    if take is None or not colon or not value:
        raise _wrong(text, f'"{option}" is no option: retry-after:SECONDS, code:CODE, run:NAME')
    return take(fault, value, text)


def _retry_after(fault: Fault, value: str, text: str) -> Fault:
    if not value.isdecimal():
        raise _wrong(text, "retry-after takes whole seconds")
    return replace(fault, retry_after=int(value))


_OPTIONS: dict[str, Callable[[Fault, str, str], Fault]] = {
    "retry-after": _retry_after,
    "code": lambda fault, value, _: replace(fault, code=value),
    "run": lambda fault, value, _: replace(fault, run=value),
}


def _regex(path: str) -> str:
    try:
        re.compile(path)
    except re.error as wrong:
        raise ValueError(f'the path "{path}" is no regular expression: {wrong}') from wrong
    return path


def _wrong(text: str, why: str) -> ValueError:
    return ValueError(f'the fault "{text}" is not understood: {why}')
