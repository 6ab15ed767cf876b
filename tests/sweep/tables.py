"""What was swept, as tables: how many moments were disturbed, and how many of these ended well."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

Cells = dict[tuple[str, str, str], tuple[int, int]]


def tell(reporter: pytest.TerminalReporter) -> None:
    """Manifest by phase by fault, and store by stage by fault."""
    _tell_manifests(reporter, _cells(reporter, "swept"))
    _tell_stores(reporter, _cells(reporter, "lived"))


def _cells(reporter: pytest.TerminalReporter, kind: str) -> Cells:
    """What the tests recorded: of what, at which phase, which trouble; how many, and how many ended well."""
    cells: Cells = {}
    for reports in reporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == kind and report.when == "call":
                    of, phase, trouble, cases, passed = value
                    cells[of, phase, trouble] = (cases, passed)
    return cells


def _tell_manifests(reporter: pytest.TerminalReporter, cells: Cells) -> None:
    if not cells:
        return
    lines: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    columns = sorted({(manifest, phase) for manifest, phase, _ in cells})
    for (manifest, phase, trouble), cell in cells.items():
        lines[trouble][manifest, phase] = _cell(cell)
    reporter.section("swept: requests disturbed (passed/all where some did not)")
    heads = [f"{Path(manifest).stem} {phase}" for manifest, phase in columns]
    reporter.write_line(" | ".join([f"{'':14}", *heads]))
    for trouble, row in sorted(lines.items()):
        line = [
            f"{row.get(column, '-'):>{len(head)}}"
            for column, head in zip(columns, heads, strict=True)
        ]
        reporter.write_line(" | ".join([f"{trouble:14}", *line]))
    _tell_sum(reporter, cells)


def _tell_stores(reporter: pytest.TerminalReporter, cells: Cells) -> None:
    if not cells:
        return
    lines: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for (kind, stage, trouble), cell in cells.items():
        lines[kind, stage][trouble] = _cell(cell)
    reporter.section("lived: moments disturbed (passed/all where some did not)")
    heads = sorted({trouble for _, _, trouble in cells})
    wide = max(len(f"{kind}, {stage}") for kind, stage in lines)
    reporter.write_line(" | ".join(["".ljust(wide), *heads]))
    for (kind, stage), row in lines.items():
        line = [f"{row.get(head, '-'):>{len(head)}}" for head in heads]
        reporter.write_line(" | ".join([f"{kind}, {stage}".ljust(wide), *line]))
    _tell_sum(reporter, cells)


def _cell(cell: tuple[int, int]) -> str:
    cases, passed = cell
    return f"{passed}/{cases}" if passed < cases else str(cases)


def _tell_sum(reporter: pytest.TerminalReporter, cells: Cells) -> None:
    total, passed = (sum(cell[at] for cell in cells.values()) for at in (0, 1))
    reporter.write_line(f"{total} cases, {passed} passed")
