"""The shipped catalogue answers by name and guesses what was meant."""

from __future__ import annotations

import pytest

from provision.permissions import Permission, catalogue, find, suggest


def test_the_catalogue_holds_every_permission_of_both_kinds():
    known = catalogue()

    assert (len(known.application), len(known.delegated)) == (716, 807)
    assert catalogue() is known


def test_a_permission_is_found_by_its_exact_name():
    assert find("User.Read.All") == Permission(
        id="df021288-bdef-4463-88db-98f22de89214",
        value="User.Read.All",
        kind="application",
        display_name="Read all users' full profiles",
        description="Allows the app to read user profiles without a signed in user.",
        admin=True,
    )
    assert find("user.read.all") is None


def test_one_name_may_exist_in_both_kinds():
    application, delegated = find("User.Read.All"), find("User.Read.All", kind="delegated")

    assert application
    assert delegated
    assert (delegated.kind, delegated.id) == ("delegated", "a154be20-db9c-4678-8ab7-66f6cc099a59")


def test_a_delegated_permission_is_no_application_permission():
    assert find("User.Read") is None
    assert find("User.Read", kind="delegated")


def test_whether_an_administrator_must_consent_is_known():
    permission = find("User.Read", kind="delegated")

    assert permission
    assert permission.admin is False


def test_entries_that_only_one_source_has_under_another_id_are_ignored():
    permission = find("Contacts-OnPremisesSyncBehavior.ReadWrite.All")

    assert permission
    assert permission.id != "1a997f7e-17c6-44c3-adc4-996e0712c777"


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("user.read.all", "User.Read.All"),
        ("UserReadAll", "User.Read.All"),
        ("User.Raed.All", "User.Read.All"),
        ("User.Read", "User.Read.All"),
        ("Mail.Sned", "Mail.Send"),
        ("Application.ReadWrite.Owned", "Application.ReadWrite.OwnedBy"),
        ("openid", None),
        ("", None),
        ("Something.Else", None),
        ("User.Read.All" + " " * 200, None),
    ],
)
def test_the_name_that_was_meant_is_suggested(wrong, meant):
    assert suggest(wrong) == meant
