"""The names of Entra's built-in directory roles, as far as administering applications goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

# Template ids are the same in every tenant, and they are what a token's `wids` lists:
# https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
DIRECTORY_ROLES: Mapping[str, str] = MappingProxyType(
    {
        "62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
        "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
        "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
        "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
        "cf1c38e5-3621-4004-a7cb-879624dced7c": "Application Developer",
        "f2ef992c-3afb-46b9-b7cf-a126ee74c451": "Global Reader",
        "88d8e3e3-8f55-4a1e-953a-9b9898b8876b": "Directory Readers",
        "9360feb5-f418-4baa-8175-e2a00bac4301": "Directory Writers",
        "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2": "Hybrid Identity Administrator",
        "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
        "fdd7a751-b60b-444a-984c-02652fe8fa1c": "Groups Administrator",
        "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator",
        "5d6b6bb7-de71-4623-b4af-96380a352509": "Security Reader",
        "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9": "Conditional Access Administrator",
        "c4e39bd9-1100-46d3-8c65-fb160da0071f": "Authentication Administrator",
        "7be44c8a-adaf-4e2a-84d6-ab2649e08a13": "Privileged Authentication Administrator",
        "729827e3-9c14-49f7-bb1b-9608f156bbb8": "Helpdesk Administrator",
    }
)


def names(template_ids: Iterable[str]) -> tuple[str, ...]:
    """The roles by name, in order; one that is not known here keeps its id."""
    return tuple(sorted(DIRECTORY_ROLES.get(each.lower(), each) for each in template_ids))
