"""YAML text becomes a tree with places, and hostile text is refused before it costs anything."""

from __future__ import annotations

import pytest

from provision.errors import Problem
from provision.manifest import marks
from provision.manifest.marks import Node, compose, shown


def tree(text: str) -> Node:
    problems: list[Problem] = []
    node = compose(text, problems)
    assert problems == []
    assert node is not None
    return node


def plain(node: Node) -> object:
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain(child) for child in node.value]
    return node.value


def refusals(text: str) -> list[str]:
    problems: list[Problem] = []
    compose(text, problems)
    return [f"{p.line}:{p.column}: {p.message}" for p in problems]


@pytest.mark.parametrize(
    "text",
    [
        *("on", "off", "yes", "no", "y", "012", "0o14", "0x1F", "22:22", "2026-01-01", "1_000"),
        *(".inf", ".nan", "tRue", "nULL", "+", ".", "1e", "12345678901234567890", '"1"', "'true'"),
    ],
)
def test_what_older_yaml_takes_for_something_else_stays_text(text):
    assert plain(tree(f"a: {text}")) == {"a": text.strip("'\"")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("true", True), ("True", True), ("TRUE", True), ("false", False), ("FALSE", False)),
        *(("null", None), ("~", None), ("", None), ("0", 0), ("-12", -12), ("+7", 7)),
        *(("1.5", 1.5), ("1.", 1.0), (".5", 0.5), ("-1e3", -1000.0), ("1.10", 1.1)),
        *(("!!str 12", "12"), ("!!int 12", 12), ("!!float 1", 1), ("!!bool true", True)),
        ("!!null ~", None),
    ],
)
def test_yaml_1_2_scalars_have_their_types(text, value):
    found = tree(f"a: {text}").value["a"].value  # type: ignore[index,call-overload]

    assert (found, type(found)) == (value, type(value))


def test_every_value_and_every_key_knows_its_place():
    root = tree("é: 1\nb:\n  - x\n  - {c: y}\n")

    assert isinstance(root.value, dict)
    items = root.value["b"].value
    assert isinstance(items, tuple)
    assert [(mark.line, mark.column) for mark in root.keys.values()] == [(1, 1), (2, 1)]
    assert (root.value["é"].mark.line, root.value["é"].mark.column) == (1, 4)
    assert [(item.mark.line, item.mark.column) for item in items] == [(3, 5), (4, 5)]
    assert (items[1].keys["c"].line, items[1].keys["c"].column) == (4, 6)


def test_a_byte_order_mark_does_not_shift_columns():
    assert tree("\ufeffa: 1").keys["a"].column == 1


def test_keys_are_text_whatever_they_look_like():
    assert plain(tree("on: 1\n012: 2\n1: 3\nnull: 4\n")) == {"on": 1, "012": 2, "1": 3, "null": 4}


def test_an_alias_is_the_value_it_names():
    assert plain(tree("a: &x [1, 2]\nb: *x\n")) == {"a": [1, 2], "b": [1, 2]}


def test_a_merge_fills_in_what_is_not_written():
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], x: 0}\nd: {<<: *b}\n"

    assert plain(tree(text))["c"] == {"x": 0, "y": 2, "z": 4}  # type: ignore[index]
    assert plain(tree(text))["d"] == {"y": 3, "z": 4}  # type: ignore[index]


def test_a_quoted_merge_sign_is_a_key():
    assert plain(tree('"<<": 1')) == {"<<": 1}


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("a: 1\nb: 2\na: 3", '3:1: the key "a" stands here for the second time'),
        (
            "a: !!python/object:os.system x",
            '1:4: a manifest has no type "!!python/object:os.system"',
        ),
        ("a: !secret x", '1:4: a manifest has no type "!secret"'),
        ("a: !x [1]", '1:4: a manifest has no type "!x"'),
        ("a: !!set {x}", '1:4: a manifest has no type "!!set"'),
        ("a: !!int x", '1:4: "x" is no !!int'),
        ("[a]: 1", "1:1: a key must be a word, not a list or a mapping"),
        ("{<<: 1}", "1:6: << merges mappings, and this is something else"),
        ("{<<: [1]}", "1:7: << merges mappings, and this is something else"),
        ("a: *b", "1:4: *b refers to &b, which is not defined above it"),
        ("a: &b [*b]", "1:8: *b stands inside &b: a value cannot contain itself"),
        ("a: 1\n---\nb: 1", "2:1: a second document starts here, and a manifest is one document"),
        ("", "1:1: the file is empty"),
        ("# only a comment\n", "1:1: the file is empty"),
        ("a:\n\tb: 1", "2:1: a tab stands where YAML wants spaces"),
        ("a:\n  \tb: c: 1", "2:3: a tab stands where YAML wants spaces"),
        ("a: \x00", "1:4: this is a binary file, not YAML text"),
        ("a:\n b: \x07", "2:5: the character U+0007 may not stand in YAML text"),
        ("a: \ud800", "1:4: the character U+D800 may not stand in YAML text"),
    ],
)
def test_a_mistake_is_told_with_its_place(text, refusal):
    assert refusals(text) == [refusal]


def test_a_second_key_names_the_place_of_the_first():
    problems: list[Problem] = []

    compose("a: 1\n\n  \na: 2", problems)

    assert [p.hint for p in problems] == ["the first is at 1:1"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: b: c", "1:5: a second `key: value` on one line"),
        ("a: [1, 2", "this is not YAML: "),
        ('a: "x', "this is not YAML: "),
        ("a: @x", "1:4: this is not YAML: found character"),
    ],
)
def test_broken_yaml_is_told_as_a_sentence(text, says):
    (refusal,) = refusals(text)

    assert says in refusal


@pytest.mark.parametrize("text", ["a: [api://{appId}]", "a: {b: ${c}, d: e}"])
def test_a_place_to_fill_in_between_brackets_must_be_quoted(text):
    problems: list[Problem] = []

    compose(text, problems)

    assert [problem.hint for problem in problems] == [
        "between [ ] or { }, put a text that contains { or } in quotes"
    ]


def test_mistakes_before_broken_yaml_are_told_too():
    assert [each.partition(" ")[0] for each in refusals("{a: 1, a: 2}\n}")] == ["1:8:", "2:1:"]


def test_billions_of_laughs_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]

    (refusal,) = refusals("\n".join(lines))

    assert "more than 200000 values" in refusal


def test_merges_count_as_written_out():
    """Otherwise a chain of merges would unfold unseen."""
    keys = ", ".join(f"k{n}: 1" for n in range(300))
    lines = [f"a0: &a {{{keys}}}", *(f"b{n}: {{<<: *a}}" for n in range(400))]

    (refusal,) = refusals("\n".join(lines))

    assert "more than 200000 values" in refusal


def test_many_values_are_refused_before_all_are_read():
    (refusal,) = refusals("[" + "x," * 210_000)

    assert "more than 200000 values" in refusal


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 5_000])
def test_deep_nesting_is_refused(text):
    (refusal,) = refusals(text)

    assert "nested deeper than 40 levels" in refusal


def test_depth_is_counted_through_aliases():
    lines = ["a0: &a0 [[[[[[[[[[x]]]]]]]]]]"]
    lines += [f"a{n}: &a{n} [[[[[[[[[[*a{n - 1}]]]]]]]]]]" for n in range(1, 10)]

    (refusal,) = refusals("\n".join(lines))

    assert refusal == "4:19: *a2 unfolds to more than 40 levels"


def test_forty_levels_are_allowed():
    assert refusals("[" * 40 + "]" * 40) == []


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("x" * 80, "x" * 57 + "..."),
        ("a\nb", "a\\u000ab"),
        ("a\u202eb", "a\\u202eb"),
        ("\x1b[31m", "\\u001b[31m"),
        ("x" * 60, "x" * 60),
    ],
)
def test_text_from_a_manifest_cannot_disturb_a_terminal(text, safe):
    assert shown(text) == safe


def test_the_pure_python_parser_agrees(monkeypatch):
    """PyYAML is installed without its C part on some machines."""
    text = "é: &x [1, on, '2']\nb: {<<: {c: 1}, d: *x}\n"
    expected = tree(text)

    monkeypatch.setattr(marks, "_LOADER", marks.yaml.SafeLoader)

    assert tree(text) == expected


def test_an_escaped_surrogate_of_the_pure_python_parser_is_no_crash(monkeypatch):
    monkeypatch.setattr(marks, "_LOADER", marks.yaml.SafeLoader)

    assert plain(tree('a: "\\ud800"')) == {"a": "\ud800"}
