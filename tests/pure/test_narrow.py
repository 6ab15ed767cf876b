"""A manifest narrowed by --target: the rest is left out, but for what it offers to the chosen."""

from __future__ import annotations

import pytest

from provision.desired import resolve
from provision.diff import diff
from provision.manifest.narrow import only, targets
from provision.manifest.spec import FederatedSpec, IdentitySpec, PreAuthorizedSpec
from tests.build import NOW, a_manifest, observed, registered
from tests.worlds import HERE, a_role_spec, a_scope_spec, a_spec, asks

API = a_spec(
    "api",
    app_roles=(a_role_spec("Read"),),
    scopes=(a_scope_spec("see"),),
    pre_authorized=(PreAuthorizedSpec(client="web", scopes=("see",), mark=HERE),),
    known_clients=("job",),
)
TRUST = FederatedSpec(name="main", issuer="i", subject="s", audience="a", mark=HERE)
WEB = a_spec("web", permissions=(asks("api", "Read"),), federated=(TRUST,))
JOB, FREE = a_spec("job"), a_spec("free")
FUNC = IdentitySpec(
    key="func", managed_identity="sp-func", permissions=(asks("api", "Read"),), mark=HERE
)
WHOLE = a_manifest(applications=(API, WEB, JOB, FREE), identities=(FUNC,))


@pytest.mark.parametrize(
    ("chosen", "applied", "others"),
    [
        ({"web"}, ["web"], ["api"]),
        ({"api"}, ["api"], ["web", "job"]),
        ({"api", "web"}, ["api", "web"], ["job"]),
        ({"free"}, ["free"], []),
        ({"func"}, [], ["api"]),
    ],
)
def test_what_the_chosen_refer_to_stays_known(
    chosen: set[str], applied: list[str], others: list[str]
) -> None:
    narrowed = only(WHOLE, chosen)

    assert [spec.key for spec in narrowed.applications] == applied
    assert [spec.key for spec in narrowed.others] == others
    assert [spec.key for spec in narrowed.identities] == (["func"] if "func" in chosen else [])
    assert narrowed.partial


def test_what_was_narrowed_once_can_be_narrowed_to_what_it_still_knows() -> None:
    again = only(only(WHOLE, {"web"}), {"api"})

    assert [spec.key for spec in again.applications] == ["api"]
    assert [spec.key for spec in again.others] == ["web"]


def test_targets_are_applications_identities_and_credentials() -> None:
    assert targets(WHOLE) == {"api", "web", "job", "free", "func", "web/main"}


def test_a_plan_for_one_application_does_nothing_to_the_others() -> None:
    narrowed = only(WHOLE, {"web"})
    seen = observed(registered("web"))

    plan = diff(resolve(narrowed, seen), seen, now=NOW)

    assert {step.app for step in plan.steps} == {"web"}
