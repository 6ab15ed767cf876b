"""What programs read fits the JSON Schemas that are shipped, to the last property."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from provision.document import document, written
from provision.plan import Plan
from provision.receipt import Done, Failed, Receipt
from provision.render import jsonout
from provision.schemas import SCHEMAS, SHOWN_VERSION, apply_schema, plan_schema, saved_schema
from tests.build import a_manifest
from tests.failures import FAILURES
from tests.fitting import misfits
from tests.samples import DESIRED, FINDINGS, ID, PLAN

BODY = document(PLAN, DESIRED, a_manifest(), tenant_id=ID)
DATA = Path(str(resources.files("provision") / "data"))


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_shipped_schema_is_the_one_that_is_printed(
    name: str, request: pytest.FixtureRequest
) -> None:
    """A change of a document shows in a reviewed file; `pytest --golden` rewrites it."""
    file, text = DATA / f"{name}.schema.json", json.dumps(SCHEMAS[name](), indent=2) + "\n"
    if request.config.getoption("--golden"):
        file.write_text(text, encoding="utf-8", newline="\n")

    assert file.read_text(encoding="utf-8") == text


def test_a_plan_with_every_kind_of_step_fits_its_schema() -> None:
    said = jsonout.plan_json(PLAN, DESIRED, body=BODY)

    assert misfits(json.loads(said), plan_schema()) == []


def test_a_saved_plan_with_every_kind_of_step_fits_its_schema() -> None:
    said = written({**BODY, "folder": ".", "file": "hello.yaml"})

    assert misfits(json.loads(said), saved_schema()) == []


def test_a_receipt_of_every_step_and_every_failure_fits_its_schema() -> None:
    receipt = Receipt(
        done=tuple(Done(step=step, detail="x") for step in PLAN.steps),
        failed=tuple(Failed(app="a", step=PLAN.steps[0], error=error) for error in FAILURES),
        left=PLAN.steps,
    )

    said = jsonout.apply_json(receipt, FINDINGS, tenant_id=ID, owner="hello")

    assert misfits(json.loads(said), apply_schema()) == []


def test_a_receipt_without_a_proof_or_a_step_fits_its_schema() -> None:
    receipt = Receipt(failed=(Failed(app="a", step=None, error=TimeoutError()),))

    said = jsonout.apply_json(receipt, None, tenant_id=ID, owner="hello")

    assert misfits(json.loads(said), apply_schema()) == []


def test_what_is_printed_and_what_is_drawn_have_one_version() -> None:
    assert jsonout.VERSION == SHOWN_VERSION


@pytest.mark.parametrize(
    ("change", "misfit"),
    [
        ({"owner": 1}, "$.owner: 1 is no string"),
        ({"version": 2}, "$.version: 2 is not 1"),
        ({"only": "secrets"}, "$.only: 'secrets' is none of ['consent', None]"),
        ({"digest": "abc"}, "$.digest: 'abc' does not match ^[0-9a-f]{64}$"),
        ({"extra": 1}, "$: extra is not documented"),
        ({"steps": [{"step": "Unheard"}]}, "$.steps[0]: lacks "),
        (
            {"summary": {"create": -1, "change": True}},
            "$.summary: lacks destroy",
        ),
    ],
)
def test_a_document_that_does_not_fit_is_found_out(change: dict[str, Any], misfit: str) -> None:
    """The validator of these tests would otherwise prove nothing."""
    empty = jsonout.plan_json(Plan(owner="o", steps=()), DESIRED, body=BODY)

    found = misfits({**json.loads(empty), **change}, plan_schema())

    assert any(each.startswith(misfit) for each in found), found


def test_every_step_is_described_in_words() -> None:
    definitions = plan_schema()["$defs"]

    assert [
        name for name, each in definitions.items() if name[0].isupper() and not each["description"]
    ] == []
