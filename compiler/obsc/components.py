"""A service's tree → the trees of its components, each as complete as a service of its own.

A pool (no `runtime.name`) takes over what the first component runs and how it is read, but not the name and selector
of its object; a component with a runtime of its own starts from the catalog.
"""

from __future__ import annotations

from dataclasses import replace

from obsc.merge import merge
from obsc.source import Node, at
from obsc.spec.components import OWN_IDENTITY, PART_KEYS, POOL_KEYS
from obsc.spec.service import UNIONS


def components(tree: Node) -> tuple[Node, ...]:
    """The items of `components` of a merged tree."""
    found = at(tree, ("components",))
    return tuple(one for one in found.value if isinstance(one.value, dict)) if found is not None and isinstance(found.value, tuple) else ()


def component_tree(tree: Node, item: Node) -> Node:
    """What a component is, in the form of a service: the service's own words, what a pool takes over, the component's own."""
    assert isinstance(item.value, dict)
    base = _with(_cut(tree, {*PART_KEYS, "components"}), _kept_private(tree))
    if at(item, ("runtime", "name")) is None:
        base = _with(base, {key: found for key in POOL_KEYS if (found := at(tree, (key,))) is not None})
        workload = at(tree, ("workload",))
        if workload is not None and isinstance(workload.value, dict):
            base = _with(base, {"workload": _cut(workload, set(OWN_IDENTITY))})
    team = item.value.get("team")
    if team is not None:
        metadata = at(tree, ("metadata",))
        base = _with(base, {"metadata": _with(metadata, {"team": team}) if metadata is not None else Node({"team": team}, team.place, {})})
    merged = merge(base, _cut(item, {"name", "team", "enabled"}))
    assert merged is not None
    return merged


def _kept_private(tree: Node) -> dict[str, Node]:
    """What must not leave the service leaves no component of it, whatever it runs."""
    found: dict[str, dict[str, Node]] = {}
    for block, key in sorted(UNIONS):
        node = at(tree, (block, key))
        if node is not None and block in PART_KEYS:
            found.setdefault(block, {})[key] = node
    return {block: Node(said, next(iter(said.values())).place, {key: node.place for key, node in said.items()})
            for block, said in found.items()}


def _cut(node: Node, keys: set[str]) -> Node:
    assert isinstance(node.value, dict)
    return replace(node, value={key: child for key, child in node.value.items() if key not in keys})


def _with(node: Node, values: dict[str, Node]) -> Node:
    assert isinstance(node.value, dict)
    keys = {key: (node.keys or {}).get(key, child.place) for key, child in values.items()}
    return replace(node, value={**node.value, **values}, keys={**(node.keys or {}), **keys})
