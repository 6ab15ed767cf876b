"""How much power a permission gives, and the reason that a reviewer reads."""

from __future__ import annotations

import pytest

from provision import permissions
from provision.risk import TIER0, tier


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("RoleManagement.ReadWrite.Directory", "application", 0),
        ("RoleManagement.ReadWrite.Directory", "delegated", "high"),
        ("Application.ReadWrite.OwnedBy", "application", "medium"),
        ("Sites.Selected", "application", "low"),
        ("SensitivityLabel.Read", "application", "low"),
        ("AgentIdentity.EnableDisable.All", "application", "high"),
        ("Mail.Read", "application", "high"),
        ("Mail.Send", "application", "high"),
        ("Files.Read.All", "application", "high"),
        ("Group.ReadWrite.All", "application", "high"),
        ("User.Read.All", "application", "medium"),
        ("Directory.Read.All", "application", "medium"),
        ("Unheard.Of", "application", "high"),
        ("openid", "delegated", "low"),
        ("User.Read", "delegated", "low"),
        ("User.Read.All", "delegated", "medium"),
        ("Group.ReadWrite.All", "delegated", "high"),
        ("Unheard.Of", "delegated", "medium"),
    ],
)
def test_a_permission_has_a_tier(value, kind, expected):
    assert tier(value, kind).tier == expected


def test_every_tier_has_a_reason_that_a_sentence_can_end_with():
    for kind in ("application", "delegated"):
        for value in getattr(permissions.catalogue(), kind):
            reason = tier(value, kind).reason
            assert reason
            assert not reason.endswith(".")


def test_what_is_tier_0_is_a_permission_that_exists():
    known = permissions.catalogue()

    assert [value for value in TIER0 if value not in known.application] == []
