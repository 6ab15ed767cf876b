"""What people read: plans, receipts, proofs, tables and the line that says whose tenant this is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from provision.model import Desired
from provision.plan import Plan, Step
from provision.receipt import CallProof, Done, Failed, Finding, Receipt, Result
from provision.render import layout
from provision.render.failure import failure_lines, failure_text
from provision.render.layout import BLANK, Line, compose, line, say
from provision.render.look import Look, clean, look_at
from provision.render.planned import STYLES, Explain, Risk, names_of, plan_lines, summary
from provision.wording import resource, sign, words

__all__ = [
    "Look",
    "failure_text",
    "findings_text",
    "look_at",
    "plan_text",
    "receipt_text",
    "table_text",
]

_RESULT_STYLES = {
    Result.PROVEN: "green",
    Result.PENDING: "yellow",
    Result.UNPROVABLE: "yellow",
    Result.FAILED: "bold red",
}
_GOOD = range(200, 400)
"""As the proof counts them: Graph redirects to content that it has elsewhere."""


def plan_text(
    plan: Plan,
    desired: Desired | None,
    *,
    explain: Explain,
    look: Look,
    risk: Risk = lambda _: None,
) -> str:
    """The plan like a diff, and how much it is."""
    lines = plan_lines(plan, names_of(plan, desired, explain, risk))
    return compose([*lines, line(say(summary(plan), "bold"))], look)


def receipt_text(receipt: Receipt, look: Look, *, request_ids: bool = False) -> str:
    """What was done, what failed and why, and what is left to do.

    `request_ids` adds those of every write that was done; a failure tells its own in any case.
    """
    return compose(
        [*_receipt_lines(receipt, request_ids=request_ids), line(say(_total(receipt), "bold"))],
        look,
    )


def findings_text(findings: Sequence[Finding], look: Look) -> str:
    """What the proof found: each credential, its permissions and calls, and what to do."""
    if not findings:
        return compose([line(say("Nothing to prove: no credential is declared."))], look)
    width = max(len(_subject(finding)) for finding in findings)
    lines = [each for finding in findings for each in _finding_lines(finding, width)]
    counted = Counter(finding.result for finding in findings)
    said = ", ".join(f"{counted[result]} {result}" for result in Result if counted[result])
    return compose([*lines, BLANK, line(say(f"Proof: {said}.", "bold"))], look)


def table_text(headers: Sequence[str], rows: Sequence[Sequence[str]], look: Look) -> str:
    """A table, or blocks of lines where the screen is too narrow for one."""
    shown = [[clean(cell, look) for cell in row] for row in rows]
    if layout.fits(headers, shown, look.width):
        return compose(layout.table(headers, shown), look)
    return compose(layout.stacked(headers, shown), look)


def _receipt_lines(receipt: Receipt, *, request_ids: bool) -> Iterator[Line]:
    entries: dict[str, list[Done | Failed | Step]] = {}
    for done in receipt.done:
        entries.setdefault(done.step.app, []).append(done)
    for failed in receipt.failed:
        entries.setdefault(failed.app, []).append(failed)
    for step in receipt.left:
        entries.setdefault(step.app, []).append(step)
    for app, group in entries.items():
        yield line(say(app or "tenant", "bold"))
        for entry in group:
            yield from _entry_lines(entry, request_ids=request_ids)
        yield BLANK


def _entry_lines(entry: Done | Failed | Step, *, request_ids: bool) -> Iterator[Line]:
    margin = " " * 10
    if isinstance(entry, Done):
        said = words(entry.step) + (f": {entry.detail}" if entry.detail else "")
        yield line(say(said), lead=[say("  done    ", STYLES["+"])])
        for each in entry.request_ids if request_ids else ():
            yield line(say(f"request-id {each}", "dim"), lead=[say(margin)])
    elif isinstance(entry, Failed):
        what = words(entry.step) if entry.step else "stopped"
        yield line(say(what), lead=[say("  failed  ", "bold red")])
        yield from failure_lines(entry.error, margin=margin)
    else:
        yield line(say(words(entry)), lead=[say("  left    ", STYLES["~"])])


def _total(receipt: Receipt) -> str:
    if receipt.failed or receipt.left:
        return (
            f"Not finished: {len(receipt.done)} done, {len(receipt.failed)} failed, "
            f"{len(receipt.left)} not attempted. Run it again: it goes on where this run stopped."
        )
    if not receipt.done:
        return "Nothing had to be done."
    signs = Counter(sign(done.step) for done in receipt.done)
    return f"Done: {signs['+']} created, {signs['~']} changed, {signs['-']} destroyed."


def _finding_lines(finding: Finding, width: int) -> Iterator[Line]:
    took = f"  ({finding.seconds:.1f} s)" if finding.seconds else ""
    subject = say(f"{_subject(finding).ljust(width)}  ", "bold")
    yield line(subject, say(finding.result.value, _RESULT_STYLES[finding.result]), say(took))
    if finding.says:
        yield line(say(finding.says), lead=[say("  ")])
    for role in finding.roles:
        yield _proof_line(f"{role.value} of {resource(role.resource)}", good=role.present)
    for call in finding.calls:
        yield _proof_line(_called(call), good=call.status in _GOOD, bad="refused")
    for value in finding.extra:
        yield line(
            say(f"{value}: in the token, not in the manifest"), lead=[say("  extra    ", "yellow")]
        )
    if finding.hint:
        yield line(say(finding.hint), lead=[say("  Try:     ", "bold")])


def _proof_line(what: str, *, good: bool, bad: str = "missing") -> Line:
    mark = say("  ok       ", "green") if good else say(f"  {bad.ljust(9)}", "red")
    return line(say(what), lead=[mark])


def _called(call: CallProof) -> str:
    return f"{call.method} {call.path}: {call.status or 'no answer'}"


def _subject(finding: Finding) -> str:
    """`-` stands for no credential at all, such as a managed identity's."""
    none = finding.credential == "-"
    return finding.app if none else f"{finding.app}/{finding.credential}"
