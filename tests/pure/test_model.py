"""A secret shows itself to nobody by accident; the nouns answer what they are asked."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from provision.places import DotenvStore
from provision.secret import Issued, Secret
from tests.build import GRAPH, MAIL, NOW, registered

VALUE = "canary~8Q.the-value"
HOLDER = Issued(key_id="k1", secret=Secret(VALUE), start=NOW, end=NOW)

SHOWN: dict[str, Callable[[Any], str]] = {
    "repr": repr,
    "str": str,
    "format": format,
    "f-string": lambda thing: f"{thing} {thing!r:>60}",
    "percent": lambda thing: "%s %r" % (thing, thing),  # noqa: UP031
    "str.format": lambda thing: "{0} {0!s} {0!r} {0!a}".format(thing),  # noqa: UP032
    "pprint": pprint.pformat,
    "json with a default": lambda thing: json.dumps(thing, default=str),
    "in a container": lambda thing: str([{"a": (thing,)}]),
    "in an exception": lambda thing: "".join(
        traceback.format_exception(ValueError(thing, [thing]))
    ),
}
REFUSED: dict[str, Callable[[Any], object]] = {
    "json": json.dumps,
    "format with a width": lambda thing: format(thing, ">40"),
    "vars": vars,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {n}": partial(pickle.dumps, protocol=n) for n in range(6)},
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN.keys())
@pytest.mark.parametrize("thing", [HOLDER.secret, HOLDER], ids=["alone", "in a dataclass"])
def test_a_secret_is_printed_without_its_value(show: Callable[[Any], str], thing: object) -> None:
    text = show(thing)

    assert VALUE not in text
    assert "Secret(…)" in text or r"Secret(\u2026)" in text


@pytest.mark.parametrize("show", REFUSED.values(), ids=REFUSED.keys())
def test_a_secret_is_neither_copied_nor_written(show: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError) as refused:
        show(Secret(VALUE))

    assert VALUE not in str(refused.value)


@pytest.mark.parametrize("take", [dataclasses.asdict, dataclasses.astuple, copy.deepcopy])
def test_a_secret_does_not_leave_a_dataclass_as_plain_data(take: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match="a secret cannot be serialised"):
        take(HOLDER)


def test_a_secret_reaches_no_log(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("test")

    with caplog.at_level(logging.DEBUG):
        logger.debug("%s %r", HOLDER.secret, HOLDER)
        logger.debug(HOLDER.secret)

    assert "Secret(…)" in caplog.text
    assert VALUE not in caplog.text + str([vars(record) for record in caplog.records])


def test_a_secret_is_equal_to_itself_only() -> None:
    """Comparing values would tell whether a guess is right."""
    secret, value = Secret(VALUE), cast(object, VALUE)

    assert secret == secret
    assert secret != Secret(VALUE)
    assert secret != value


def test_a_secret_reveals_itself_to_those_who_ask() -> None:
    assert Secret(VALUE).reveal() == VALUE


def test_a_replaced_dataclass_keeps_its_secret() -> None:
    assert replace(HOLDER, key_id="k2").secret is HOLDER.secret


@pytest.mark.parametrize(
    ("properties", "name"), [({"displayName": "Web"}, "Web"), ({"displayName": None}, ""), ({}, "")]
)
def test_an_application_is_called_by_its_display_name(
    properties: dict[str, Any], name: str
) -> None:
    assert registered(properties=properties).application.display_name == name


def test_a_resource_finds_its_roles_by_name() -> None:
    assert GRAPH.role("Mail.Send") == MAIL
    assert GRAPH.role("Mail.Sent") is None


def test_a_dotenv_store_is_named_as_the_manifest_has_it_and_never_by_its_folder_here() -> None:
    store = DotenvStore(path=Path("somewhere") / ".env.prod", prefix="CI_")

    assert store.address == ".env.prod (CI_*)"
    assert replace(store, written="../x/.env.prod").address == "../x/.env.prod (CI_*)"
