"""One manifest, several places: the environment that is meant, and what holds for every application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice

from provision.errors import Problem
from provision.manifest.application_shapes import DefaultsShape
from provision.manifest.marks import MAX_NODES, Node, shown
from provision.manifest.mistakes import meant
from provision.manifest.nodes import applications, child, entries, mark_of, problem, text
from provision.manifest.spec import Mark
from provision.manifest.store_shapes import KINDS
from provision.manifest.variables import Lookup, fill, lookup

_TOLD = 20


def unchosen(root: Node, wanted: str | None) -> Problem | None:
    """Why it is not clear which environment is meant."""
    holder = child(root, "environments")
    known = entries(holder)
    if holder is not None and not isinstance(holder.value, dict):
        return None  # which is a mistake of its own
    names = ", ".join(shown(name) for name in islice(known, _TOLD))
    if wanted is None and known:
        return problem(
            mark_of(root, "environments"),
            f"the manifest has environments, and none is chosen: {names}",
            f"write --env {shown(next(iter(known)))}",
        )
    if wanted is not None and not known:
        return problem(
            Mark(line=1, column=1),
            f'--env chooses "{shown(wanted)}", and the manifest has no environments',
            "leave --env away, or write environments: into the manifest",
        )
    if wanted is not None and wanted not in known:
        return problem(
            mark_of(root, "environments"),
            f'--env chooses "{shown(wanted)}", and there is no such environment',
            meant(wanted, known) or f"choose from {names}",
        )
    return None


def filled(
    root: Node,
    chosen: str | None,
    problems: list[Problem],
    *,
    environ: Mapping[str, str],
    variables: Mapping[str, str],
) -> Node:
    """The tree with the variables of the chosen environment and of the outer world in their places."""
    if not isinstance(root.value, dict):
        return root  # which is a mistake of its own
    holder = child(root, "environments")
    place = child(holder, chosen) if chosen is not None else None
    outer = lookup(environ, variables)
    own = child(place, "variables")
    given = fill(own, outer, problems) if own is not None else None
    values = {name: node.value for name, node in entries(given).items()}
    find = lookup(
        environ, variables, {name: each for name, each in values.items() if isinstance(each, str)}
    )
    rest = {name: node for name, node in root.value.items() if name != "environments"}
    whole = fill(replace(root, value=rest), find, problems)
    if holder is None:
        return whole
    if chosen is not None and place is not None:
        places = {name: _bare(node) for name, node in entries(holder).items() if name != chosen}
        places[chosen] = _place(place, given, find, problems)
        holder = replace(holder, value=places)
    return replace(whole, value={**entries(whole), "environments": holder})


def _place(place: Node, given: Node | None, find: Lookup, problems: list[Problem]) -> Node:
    """The chosen environment; its variables do not fill each other."""
    if not isinstance(place.value, dict):
        return place
    outside = {name: node for name, node in place.value.items() if name != "variables"}
    whole = fill(replace(place, value=outside), find, problems)
    inside = {} if given is None else {"variables": given}
    return replace(whole, value={**entries(whole), **inside})


def _bare(place: Node) -> Node:
    """Another environment, without the texts that only its own variables would complete."""
    if not isinstance(place.value, dict):
        return place
    known = {name: node for name, node in place.value.items() if "${" not in (text(node) or "")}
    return replace(place, value=known)


def merged(root: Node, problems: list[Problem]) -> Node | None:
    """The tree with the defaults under every application; None when it would be too large."""
    defaults, found = child(root, "defaults"), applications(root)
    if defaults is None or not isinstance(defaults.value, dict):
        return root
    if root.size + len(found) * defaults.size > MAX_NODES:
        problems.append(
            problem(
                mark_of(root, "defaults"),
                f"more than {MAX_NODES} values, counted with the defaults under every application",
                "split the manifest",
            )
        )
        return None
    if not found:
        return root
    holder = entries(root)["applications"]
    # What no default may say is a mistake of its own, and told there.
    known = {field.alias for field in DefaultsShape.model_fields.values()}
    said = {name: node for name, node in defaults.value.items() if name in known}
    defaults = replace(defaults, value=said)
    under = {
        key: _merged(defaults, node) if isinstance(node.value, dict) else node
        for key, node in found.items()
    }
    return replace(root, value={**entries(root), "applications": replace(holder, value=under)})


def _merged(below: Node, above: Node) -> Node:
    """Mappings key by key, but no two kinds of store; of anything else, what stands above."""
    low, high = below.value, above.value
    if not isinstance(low, dict) or not isinstance(high, dict):
        return above
    both = {
        name: node
        if name not in low or _another(name, low[name], node)
        else _merged(low[name], node)
        for name, node in high.items()
    }
    return replace(above, value={**low, **both}, keys={**below.keys, **above.keys})


def _another(name: str, below: Node, above: Node) -> bool:
    """Whether a store above is of another kind: then nothing of the one below holds for it."""
    low, high = (set(KINDS) & set(entries(each)) for each in (below, above))
    return name == "store" and bool(low and high) and low != high
