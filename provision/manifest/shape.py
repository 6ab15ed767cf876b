"""What all shapes of the manifest have in common: a fixed set of keys, and checked texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from provision.manifest import values

_VARIABLE = r"\$\{"


def facts(check: Callable[..., Any], extra: dict[str, Any]) -> tuple[Any, ...]:
    """A check, and what editors are told of it."""
    return AfterValidator(check), Field(json_schema_extra=extra)


def text(check: Callable[[str], str], pattern: str, **extra: Any) -> tuple[Any, ...]:
    """A checked text; the schema for editors also lets it hold a variable."""
    return facts(check, {"pattern": f"^({pattern})$|{_VARIABLE}", **extra})


def choice(check: Callable[[str], str], options: tuple[str, ...]) -> tuple[Any, ...]:
    """A text out of a few."""
    return facts(check, {"anyOf": [{"enum": list(options)}, {"pattern": _VARIABLE}]})


def key(check: Callable[[str], str], pattern: str) -> tuple[Any, ...]:
    """A key of the user's own choice; it is never filled with variables."""
    return facts(check, {"pattern": f"^{pattern}$"})


def short(check: Callable[[str], str], longest: int) -> tuple[Any, ...]:
    """A text for people."""
    return facts(check, {"minLength": 1, "maxLength": longest})


Guid = Annotated[str, *text(values.guid, values.GUID)]
Tag = Annotated[str, *text(values.tag, values.TAG)]
OwnerName = Annotated[str, *text(values.owner, values.OWNER)]
Line = Annotated[str, *short(values.line, 1024)]


class Shape(BaseModel):
    """A mapping with a fixed set of keys and no silent conversions."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        field_title_generator=lambda name, field: field.alias or to_camel(name),
    )


def absent() -> Any:
    """The default of a key whose absence means that nothing is said; readers ask `mentions`."""
    return None


def mentions(shape: Shape, name: str) -> bool:
    """Whether the manifest says anything of a key."""
    return name in shape.model_fields_set
