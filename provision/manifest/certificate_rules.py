"""Certificates: made here or kept up elsewhere, never both; and credentials that take others over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from provision.errors import Problem
from provision.manifest.durations import out_of_order
from provision.manifest.marks import Node, shown
from provision.manifest.nodes import (
    child,
    credentials,
    entries,
    mark_of,
    place,
    problem,
    repeated,
    text,
    texts,
)
from provision.manifest.spec import Mark


def broken(application: Node, folder: Path) -> Iterator[Problem]:
    """Every mistake in the certificates of one application, and in what its credentials replace."""
    for _, credential, _ in credentials(application):
        certificate = child(credential, "certificate")
        if certificate is not None and isinstance(certificate.value, dict):
            yield from _unclear(certificate, mark_of(credential, "certificate"))
            yield from _out_of_order(certificate)
    yield from _trusted_twice(application, folder)
    replaced = [
        key_id
        for _, credential, _ in credentials(application)
        for kind in ("secret", "certificate")
        for key_id in texts(child(credential, kind, "replaces"))
    ]
    yield from repeated(replaced, "keyId", folded=True)


def _unclear(certificate: Node, mark: Mark) -> Iterator[Problem]:
    said = entries(certificate)
    if "generate" in said and "pem" in said:
        yield problem(
            mark_of(certificate, "pem"),
            "a certificate is either made here or read from a file",
            "write either generate or pem",
        )
    elif "generate" in said and "store" not in said:
        yield problem(
            mark_of(certificate, "generate"),
            'the key "store" is missing',
            "say where the value goes, such as store: {dotenv: .env}",
        )
    elif "pem" in said and "store" in said:
        yield problem(
            mark_of(certificate, "store"),
            "a certificate out of a file is kept there, and nothing is stored",
            "leave store away",
        )
    elif "generate" not in said and "pem" not in said:
        yield problem(
            mark, "it is not said where the certificate comes from", "add generate or pem"
        )


def _out_of_order(certificate: Node) -> Iterator[Problem]:
    """The end of one that is kept up elsewhere is nothing that the manifest says."""
    holders = {"overlap": certificate, "renewBefore": certificate}
    made = {"lifetime": child(certificate, "generate")} if "pem" not in certificate.keys else {}
    yield from out_of_order({**holders, **made}, certificate)


def _trusted_twice(application: Node, folder: Path) -> Iterator[Problem]:
    first: dict[str, tuple[str, Mark]] = {}
    for name, credential, mark in credentials(application):
        pem = child(credential, "certificate", "pem")
        written = text(pem)
        if pem is None or written is None or "\0" in written:
            continue
        path = os.path.normcase(os.path.normpath(folder / written))
        if path in first:
            other, where = first[path]
            # A file out of the defaults stands in one place for all.
            yield problem(
                mark if where == pem.mark else pem.mark,
                f'the certificate of "{shown(name)}" is the one of "{shown(other)}" too',
                f"the first is at {place(where)}",
            )
        first.setdefault(path, (name, pem.mark))
