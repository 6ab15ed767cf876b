"""Every text that people read, at usual and at narrow widths, as it was reviewed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import get_args

import pytest
from golden_files import comparing

from auth.errors import AuthError, TokenRefused
from provision.document import document
from provision.errors import GraphError, ProvisionError
from provision.plan import Plan, Step
from provision.render import markdown, text
from provision.render.look import Look
from tests.build import a_manifest
from tests.failures import FAILURES
from tests.samples import DESIRED, EFFECTS, FINDINGS, ID, PLAN, RATINGS, RECEIPT

Golden = Callable[[str, str], None]
WIDTHS = pytest.mark.parametrize("width", [120, 80, 40])


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return comparing(request.config)


@WIDTHS
def test_a_plan_with_every_kind_of_step_reads_as_reviewed(golden: Golden, width: int) -> None:
    look = Look(width=width)

    said = text.plan_text(PLAN, DESIRED, explain=EFFECTS.get, risk=RATINGS.get, look=look)

    golden(f"plan-{width}", said)


def test_a_plan_for_a_pull_request_reads_as_reviewed(golden: Golden) -> None:
    body = document(PLAN, DESIRED, a_manifest(), tenant_id=ID)

    said = markdown.plan_markdown(
        PLAN,
        DESIRED,
        body=body,
        explain=EFFECTS.get,
        risk=RATINGS.get,
        warnings=["the operator may not list deleted applications"],
    )

    golden("plan-markdown", said)


def test_no_kind_of_step_is_without_a_reviewed_text() -> None:
    assert {type(step) for step in PLAN.steps} == set(get_args(Step))


def test_an_empty_plan_reads_as_reviewed(golden: Golden) -> None:
    said = text.plan_text(Plan(owner="hello", steps=()), DESIRED, explain=EFFECTS.get, look=Look())

    golden("plan-empty", said)


@WIDTHS
def test_a_receipt_with_a_failure_reads_as_reviewed(golden: Golden, width: int) -> None:
    said = text.receipt_text(RECEIPT, Look(width=width))

    golden(f"receipt-{width}", said)


@WIDTHS
def test_all_four_results_of_a_proof_read_as_reviewed(golden: Golden, width: int) -> None:
    said = text.findings_text(FINDINGS, Look(width=width))

    golden(f"findings-{width}", said)


@WIDTHS
def test_every_failure_reads_as_reviewed(golden: Golden, width: int) -> None:
    said = "\n".join(text.failure_text(error, Look(width=width)) for error in FAILURES)

    golden(f"failures-{width}", said)


def _kinds(root: type[Exception]) -> Iterator[type[Exception]]:
    yield root
    for kind in root.__subclasses__():
        yield from _kinds(kind)


@pytest.mark.parametrize("root", [ProvisionError, AuthError])
def test_no_failure_class_is_without_a_reviewed_text(root: type[Exception]) -> None:
    ours = {kind for kind in _kinds(root) if kind.__module__.startswith(("provision.", "auth."))}

    assert ours - {type(error) for error in FAILURES} == set()


def test_every_reviewed_failure_says_what_to_do_and_what_support_will_ask_for() -> None:
    """A mistake in a manifest carries its hint in its own line."""
    unhelpful = [
        type(error).__name__
        for error in FAILURES
        if isinstance(error, ProvisionError | AuthError)
        and not (error.hint or getattr(error, "problems", ()))
    ]
    nameless = [
        type(error).__name__
        for error in FAILURES
        if (isinstance(error, GraphError) and not error.request_id)
        or (isinstance(error, TokenRefused) and not (error.aadsts and error.trace_id))
    ]

    assert unhelpful == []
    assert nameless == []
