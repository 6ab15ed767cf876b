"""Secrets of applications that are new or restored, and of credentials that left the manifest."""

from __future__ import annotations

from provision.life import facts_of
from provision.model import Held
from provision.plan import AddSecret, RemoveSecret
from provision.renewal import Rotation, diff_stored
from tests.build import (
    NOW,
    OWNER,
    a_key,
    a_password,
    a_record,
    a_secret,
    an_app,
    registered,
)

LEFT = "no longer in the manifest"


def test_a_new_application_gets_every_secret_in_the_manifests_order() -> None:
    wanted = an_app(secrets=[a_secret("web"), a_secret("ci")])

    steps = list(diff_stored(wanted, None, owner=OWNER, now=NOW, rotation=Rotation()))

    assert steps == [
        AddSecret(app="web", credential=name, reason="first secret", rotation=False)
        for name in ("web", "ci")
    ]


def test_a_restored_application_gets_new_secrets_before_the_old_ones_go() -> None:
    wanted = an_app(secrets=[a_secret()])
    passwords = [a_password("k2"), a_password("k1"), a_password("kx", credential="gone")]
    there = registered(
        passwords=passwords, tags=[a_record("k1")], held={"ci": Held(readable=True, key_id="k1")}
    )

    steps = list(diff_stored(wanted, there, owner=OWNER, now=NOW, rotation=Rotation(restored=True)))

    old = "from before the deletion"
    assert steps == [
        AddSecret(app="web", credential="ci", reason="the application is restored", rotation=False),
        RemoveSecret(app="web", credential="ci", key_id="k1", reason=old),
        RemoveSecret(app="web", credential="ci", key_id="k2", reason=old),
        RemoveSecret(app="web", credential="gone", key_id="kx", reason=LEFT),
    ]


def test_a_credential_that_left_the_manifest_goes_with_its_records() -> None:
    """A record whose secret is gone is what a run leaves that dies between the two."""
    passwords = [a_password("k2", credential="b"), a_password("k1", credential="a")]
    records = [a_record("k1", credential="a"), a_record("k0", credential="a")]
    there = registered(passwords=passwords, tags=records)

    steps = list(diff_stored(an_app(), there, owner=OWNER, now=NOW, rotation=Rotation()))

    assert steps == [
        RemoveSecret(app="web", credential="a", key_id="k0", reason=LEFT),
        RemoveSecret(app="web", credential="a", key_id="k1", reason=LEFT),
        RemoveSecret(app="web", credential="b", key_id="k2", reason=LEFT),
    ]


def test_secrets_and_records_that_are_not_of_our_making_are_left_alone() -> None:
    names = (
        "by hand",
        "",
        "provision:fabrikam:ci:0",
        "provision:contoso:ci",
        "xprovision:contoso:ci:0",
    )
    passwords = [a_password(f"k{index}", name=name) for index, name in enumerate(names)]
    tags = ["provision:stored:", "provision:stored:ci", "provision:stored:ci::1", "provision:x:y:1"]
    there = registered(passwords=passwords, tags=tags)

    steps = list(diff_stored(an_app(), there, owner=OWNER, now=NOW, rotation=Rotation()))

    assert steps == []


def test_what_is_known_of_a_credential_does_not_mix_with_its_neighbours() -> None:
    passwords = [a_password("k1"), a_password("k2", credential="web")]
    there = registered(
        passwords=passwords,
        tags=[a_record("k1"), a_record("k2", credential="web")],
        held={"web": Held(readable=True, key_id="k2")},
    )

    facts = facts_of(there, owner=OWNER, credential="ci")

    assert (set(facts.listed), facts.current, facts.held.readable) == ({"k1"}, "k1", False)


def test_a_record_without_any_secret_means_that_it_is_not_the_first() -> None:
    there = registered(tags=[a_record("gone")])

    facts = facts_of(there, owner=OWNER, credential="ci")

    assert (facts.first, facts.current, facts.active) == (False, None, None)


def test_another_manifests_certificate_and_the_record_of_it_are_left_alone() -> None:
    """Two manifests may adopt one application, and each call a credential of theirs `ci`."""
    theirs = a_key("c1", name="provision:fabrikam:ci:0a1b2c3d")
    there = registered(keys=[theirs], tags=[a_record("c1")])

    left = list(diff_stored(an_app(), there, owner=OWNER, now=NOW, rotation=Rotation()))
    facts = facts_of(there, owner=OWNER, credential="ci")

    assert left == []
    assert facts.first
