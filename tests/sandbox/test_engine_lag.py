"""Replicas learn of a write at their own time: what a tenant shows to whom, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from provision.sandbox.lag import KINDS, PROFILES, Lag, delay, view_for
from provision.sandbox.store import Store
from provision.sandbox.tenant import Seen, Tenant

# So slow that the time which the test itself takes does not count.
SLOWED = 0.001
TRUTH = Seen.truth()

Open = Callable[..., Tenant]


@pytest.fixture
def tenant_with(tmp_path: Path) -> Iterator[Open]:
    """Opens a tenant in a store of its own with the lag given."""
    with ExitStack() as stack:

        def make(file: str = "one", **lag: object) -> Tenant:
            chosen = Lag(**{"profile": "typical", "scale": SLOWED, "seed": 7, **lag})  # type: ignore[arg-type]
            store = Store(tmp_path / file, lag=chosen)
            stack.callback(store.close)
            return store.add_tenant("default")

        yield make


def application(id: str = "a", **properties: object) -> dict[str, object]:
    return {"id": id, "appId": f"app-{id}", "deletedDateTime": None, "tags": [], **properties}


def views(tenant: Tenant, kind: str) -> list[dict[str, object] | None]:
    return [tenant.get("applications", "a", Seen(kind, view)) for view in range(3)]


@pytest.mark.parametrize("profile", ["typical", "slow", "adverse"])
@pytest.mark.parametrize("kind", KINDS)
def test_delays_lie_in_the_range_of_their_profile(profile: str, kind: str) -> None:
    low, high = PROFILES[profile][kind]

    drawn = [delay(Lag(profile=profile, seed=3), write, kind, 0) for write in range(200)]

    assert low <= min(drawn) < low + (high - low) / 5
    assert high - (high - low) / 5 < max(drawn) <= high


def test_the_strong_profile_has_no_delay() -> None:
    assert {delay(Lag(), write, kind, 0) for write in range(20) for kind in KINDS} == {0.0}


def test_the_scale_divides_every_delay() -> None:
    slow = delay(Lag(profile="slow", scale=1, seed=1), 5, "list", 2)

    fast = delay(Lag(profile="slow", scale=10, seed=1), 5, "list", 2)

    assert fast == pytest.approx(slow / 10)


def test_views_and_seeds_differ() -> None:
    drawn = {
        delay(Lag(profile="slow", seed=seed), 5, "list", view)
        for seed in range(3)
        for view in range(3)
    }

    assert len(drawn) == 9


def test_reads_meet_every_view() -> None:
    assert {view_for(Lag(seed=4), read) for read in range(50)} == {0, 1, 2}


@pytest.mark.parametrize("wrong", [{"profile": "quick"}, {"scale": 0}, {"views": 0}])
def test_a_lag_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"profile|scale"):
        Lag(**wrong)  # type: ignore[arg-type]


def test_a_fresh_object_is_in_no_view_but_in_the_truth(tenant_with: Open) -> None:
    tenant = tenant_with()

    tenant.put("applications", application())

    assert tenant.get("applications", "a", TRUTH) is not None
    assert views(tenant, "token_secret") == [None, None, None]


def test_every_view_has_an_object_when_the_longest_delay_is_over(tenant_with: Open) -> None:
    tenant = tenant_with()
    tenant.put("applications", application())

    tenant.clock.advance(timedelta(seconds=60 / SLOWED))

    assert all(shown for kind in KINDS for shown in views(tenant, kind))


def test_views_disagree_until_the_slowest_has_the_write(tenant_with: Open) -> None:
    tenant = tenant_with()
    tenant.put("applications", application())
    write = 1
    delays = sorted(delay(Lag(profile="typical", seed=7), write, "list", view) for view in range(3))

    tenant.clock.advance(timedelta(seconds=(delays[0] + delays[1]) / 2 / SLOWED))

    assert sorted(shown is not None for shown in views(tenant, "list")) == [False, False, True]


def test_a_change_shows_the_old_version_until_it_arrives(tenant_with: Open) -> None:
    tenant = tenant_with()
    tenant.put("applications", application(displayName="old"), lag="none")

    tenant.put("applications", application(displayName="new"))

    assert [shown and shown["displayName"] for shown in views(tenant, "reference")] == ["old"] * 3


def test_a_change_does_not_hold_back_the_change_before_it(tenant_with: Open) -> None:
    """Each version has its own clock: a busy object is late, but never frozen."""
    tenant = tenant_with()
    tenant.put("applications", application(displayName="first"))
    tenant.clock.advance(timedelta(seconds=20 / SLOWED))

    tenant.put("applications", application(displayName="second"))

    assert [s and s["displayName"] for s in views(tenant, "token_secret")] == ["first"] * 3


def test_a_settled_change_is_the_only_version(tenant_with: Open) -> None:
    tenant = tenant_with()
    for name in ("first", "second", "third"):
        tenant.put("applications", application(displayName=name))

    tenant.clock.advance(timedelta(seconds=60 / SLOWED))

    assert [shown and shown["displayName"] for shown in views(tenant, "list")] == ["third"] * 3


def test_a_deletion_is_shown_late(tenant_with: Open) -> None:
    tenant = tenant_with(profile="slow")
    tenant.put("applications", application(), lag="none")

    tenant.put("applications", application(deletedDateTime="2030-01-01T00:00:00Z"), lag="delete")

    assert all(shown is not None for shown in views(tenant, "directory"))
    assert tenant.get("applications", "a", TRUTH) is None


def test_a_deletion_goes_by_the_delay_of_deletions(tenant_with: Open) -> None:
    tenant = tenant_with()
    tenant.put("applications", application(), lag="none")
    tenant.put("applications", application(deletedDateTime="2030-01-01T00:00:00Z"), lag="delete")
    late = max(delay(Lag(profile="typical", seed=7), 2, "delete", view) for view in range(3))

    tenant.clock.advance(timedelta(seconds=(late + 0.1) / SLOWED))

    assert views(tenant, "directory") == views(tenant, "list") == [None, None, None]


def test_a_removed_object_is_shown_until_its_removal_arrives(tenant_with: Open) -> None:
    tenant = tenant_with()
    tenant.put("applications", application(), lag="none")

    tenant.remove("applications", "a")

    assert all(shown is not None for shown in views(tenant, "token_roles"))
    assert tenant.get("applications", "a", TRUTH, deleted=None) is None


def test_a_removed_object_is_forgotten_when_every_view_knows(tenant_with: Open) -> None:
    tenant = tenant_with()
    tenant.put("applications", application(), lag="none")
    tenant.remove("applications", "a")

    tenant.clock.advance(timedelta(seconds=60 / SLOWED))

    assert views(tenant, "token_roles") == [None, None, None]


def test_a_search_by_property_shows_what_its_view_has(tenant_with: Open) -> None:
    tenant = tenant_with()
    tenant.put("applications", application(tags=["blue"]), lag="none")
    tenant.put("applications", application(tags=["green"]))
    reference = Seen("reference", 0)

    found = {
        (tag, seen.kind)
        for tag in ("blue", "green")
        for seen in (reference, TRUTH)
        if tenant.find("applications", "tags", tag, seen)
    }

    assert found == {("blue", "reference"), ("green", "truth")}


def test_the_same_seed_gives_the_same_history(tenant_with: Open) -> None:
    def history(tenant: Tenant) -> list[bool]:
        tenant.put("applications", application())
        tenant.clock.advance(timedelta(seconds=9 / SLOWED))
        return [tenant.get("applications", "a", tenant.seen("list")) is not None for _ in range(40)]

    first, second = history(tenant_with("one")), history(tenant_with("two"))

    assert first == second
    assert set(first) == {True, False}


def test_an_unknown_kind_of_reader_is_refused(tenant_with: Open) -> None:
    with pytest.raises(ValueError, match="unknown kind of reader 'directroy'"):
        tenant_with().seen("directroy")
