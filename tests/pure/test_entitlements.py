"""What an application offers: ids that stay the same, whoever asks and however often."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from provision.entitlements import Offers, offered_by
from provision.manifest.spec import ApplicationSpec
from provision.model import AppRole, Observed, ObservedApplication, PermissionScope
from tests.build import OWNER, observed, registered
from tests.worlds import a_role_spec, a_scope_spec, a_spec

ROLE = {
    "id": "r",
    "value": "Read",
    "displayName": "Read",
    "description": "Read",
    "allowedMemberTypes": ["Application"],
    "isEnabled": True,
}
SCOPE = {"id": "s", "value": "see", "type": "User", "isEnabled": True}


def there(roles: Any = (), scopes: Any = ()) -> ObservedApplication:
    api = {"oauth2PermissionScopes": list(scopes)}
    return registered("api", properties={"appRoles": list(roles), "api": api})


def offers(spec: ApplicationSpec, seen: Observed | None = None, owner: str = OWNER) -> Offers:
    return offered_by(owner, spec, seen or observed())


def ids(found: Offers) -> list[str]:
    return [entry["id"] for entry in (*found.roles, *found.scopes)]


BOTH = a_spec("api", app_roles=(a_role_spec("Read"),), scopes=(a_scope_spec("see"),))


def test_what_the_tenant_has_keeps_its_id_also_while_it_is_deleted() -> None:
    found = there([ROLE], [SCOPE])

    assert ids(offers(BOTH, observed(found))) == ["r", "s"]
    assert ids(offers(BOTH, observed(buried=[found]))) == ["r", "s"]


def test_new_ids_are_made_of_names_and_always_the_same() -> None:
    role, scope = ids(offers(BOTH))

    assert ids(offers(BOTH)) == [role, scope]
    assert {UUID(role).version, UUID(scope).version} == {5}


def test_ids_of_other_values_kinds_applications_and_owners_differ() -> None:
    same_value = a_spec("api", app_roles=(a_role_spec("x"),), scopes=(a_scope_spec("x"),))
    elsewhere = a_spec("other", app_roles=(a_role_spec("x"),))

    found = [
        *ids(offers(BOTH)),
        *ids(offers(same_value)),
        *ids(offers(elsewhere)),
        *ids(offers(same_value, owner="contoso.dev")),
    ]

    assert len(set(found)) == len(found)


def test_entries_are_written_as_graph_spells_them() -> None:
    role = a_role_spec("Read", allowed_member_types=("User", "Application"), enabled=False)
    spec = a_spec("api", app_roles=(role,), scopes=(a_scope_spec("see", type="User"),))

    found = offers(spec, observed(there([ROLE], [SCOPE])))

    assert found.roles == (
        {**ROLE, "allowedMemberTypes": ["Application", "User"], "isEnabled": False},
    )
    texts = {"adminConsentDisplayName": "see", "adminConsentDescription": "see"}
    assert found.scopes == ({**SCOPE, **texts},)


def test_what_is_not_mentioned_is_offered_as_it_is() -> None:
    nameless = {**ROLE, "id": "n", "value": None}
    found = offers(a_spec("api"), observed(there([ROLE, nameless], [SCOPE])))

    assert found.resource.app_roles == {AppRole(resource="api", id="r", value="Read")}
    assert found.resource.scopes == {PermissionScope(resource="api", id="s", value="see")}
    assert offers(a_spec("api")).resource.app_roles == frozenset()


def test_only_what_is_enabled_and_open_to_applications_can_be_asked_for() -> None:
    roles = (
        a_role_spec("Off", enabled=False),
        a_role_spec("Users", allowed_member_types=("User",)),
    )
    spec = a_spec("api", app_roles=roles, scopes=(a_scope_spec("off", enabled=False),))

    found = offers(spec).resource

    assert (found.app_roles, found.scopes) == (frozenset(), frozenset())


def test_an_application_without_a_name_is_called_by_its_key() -> None:
    assert offers(a_spec("api", properties={})).resource.display_name == "api"
    assert offers(a_spec("api", properties={"displayName": "A"})).resource.display_name == "A"
