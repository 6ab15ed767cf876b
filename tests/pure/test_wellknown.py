"""Microsoft's own resources as shipped, for tenants that have not met them."""

from __future__ import annotations

from provision import wellknown
from provision.model import GRAPH_APP_ID, AppRole


def test_a_resource_is_found_by_its_name_and_offers_what_is_shipped() -> None:
    (app_id,) = wellknown.named("Microsoft Graph")
    found = wellknown.resource(app_id)

    assert app_id == GRAPH_APP_ID
    assert found is not None
    assert (found.id, found.app_id, found.display_name) == (None, app_id, "Microsoft Graph")


def test_microsoft_graph_offers_what_its_catalogue_lists() -> None:
    found = wellknown.resource(GRAPH_APP_ID)

    assert found is not None
    assert found.role("User.Read.All") == AppRole(
        resource=GRAPH_APP_ID, id="df021288-bdef-4463-88db-98f22de89214", value="User.Read.All"
    )
    assert found.scope("openid") is not None


def test_another_resource_offers_what_is_listed_with_it() -> None:
    (app_id,) = wellknown.named("Office 365 SharePoint Online")
    found = wellknown.resource(app_id)

    assert found is not None
    role, scope = found.role("Sites.FullControl.All"), found.scope("AllSites.Read")
    assert role
    assert scope
    assert role.resource == scope.resource == app_id


def test_what_nobody_ships_is_not_known() -> None:
    assert wellknown.resource("no such appId") is None
    assert wellknown.named("No Such Resource") == ()
