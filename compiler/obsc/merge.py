"""Layers of raw trees → one tree, by the language's rules of merging. Leaves stay the very nodes they were.

    {a: 1, b: {c: 2}}  +  {b: {c: 3, d: 4}}          →  {a: 1, b: {c: 3, d: 4}}
    [{name: x, p: 1}]  +  [{name: x, p: 2}, {name: y}]  →  [{name: x, p: 2}, {name: y}]   (named items)
    [1, 2]             +  [3]                         →  [3]
    {a: 1}             +  {a: null}                   →  {}
    redact: [x]        +  redact: [y]                 →  redact: [x, y]    (lists of what must not leave)
"""

from __future__ import annotations

from dataclasses import replace

from obsc.source import Node, Path
from obsc.spec.service import ATOMIC, NAMED_LISTS, UNIONS


def merge(base: Node | None, over: Node, path: Path = ()) -> Node | None:
    """`over` on top of `base`; None where the word `null` removes the value."""
    if path[-2:] in UNIONS:
        return _union(base, over)
    if over.null_word:
        return _unremovable(base, path)
    if path and path[-1] in ATOMIC:
        return _whole(base, over)
    if isinstance(over.value, dict):
        return _mapping(base, over, path)
    if isinstance(over.value, tuple):
        return _sequence(base, over, path)
    return over


def without_nulls(node: Node) -> Node | None:
    """A tree as it stands alone: every `null` in it removes nothing, and goes."""
    return merge(None, node)


def present(node: Node, path: Path = ()) -> Node:
    """A merged tree without the named items that some layer switched off (`enabled: false`)."""
    if isinstance(node.value, dict):
        return replace(node, value={key: present(child, (*path, key)) for key, child in node.value.items()})
    if not isinstance(node.value, tuple):
        return node
    named = bool(path) and path[-1] in NAMED_LISTS
    items = tuple(item for item in node.value if not (named and _off(item)))
    return replace(node, value=tuple(present(item, (*path, index)) for index, item in enumerate(items)))


def _off(item: Node) -> bool:
    said = item.value.get("enabled") if isinstance(item.value, dict) else None
    return said is not None and said.value is False


def _mapping(base: Node | None, over: Node, path: Path) -> Node:
    assert isinstance(over.value, dict)
    below = base if base is not None and isinstance(base.value, dict) else None
    if below is not None and path[-1:] == ("runtime",) and _renamed(below, over):
        below = None
    values = dict(below.value) if below is not None and isinstance(below.value, dict) else {}
    keys = dict(below.keys or {}) if below is not None else {}
    for key, child in over.value.items():
        merged = merge(values.get(key), child, (*path, key))
        if merged is None:
            values.pop(key, None)
            keys.pop(key, None)
        else:
            values[key] = merged
            keys[key] = (over.keys or {}).get(key, child.place)
    place = over.place if over.value or below is None else below.place
    return Node(values, place, keys)


def _renamed(below: Node, over: Node) -> bool:
    assert isinstance(below.value, dict)
    assert isinstance(over.value, dict)
    old, new = below.value.get("name"), over.value.get("name")
    return old is not None and new is not None and old.value != new.value


def _sequence(base: Node | None, over: Node, path: Path) -> Node:
    assert isinstance(over.value, tuple)
    below = base.value if base is not None and isinstance(base.value, tuple) else ()
    if not over.value:
        return over
    if path and path[-1] in NAMED_LISTS and all(isinstance(item.value, dict) for item in over.value):
        return _by_name(below, over, path)
    items = (without_nulls(item) for item in over.value)
    return replace(over, value=tuple(item for item in items if item is not None))


def _union(base: Node | None, over: Node) -> Node | None:
    """What must not leave: a layer can add to it; `[]` empties it (which the platform must allow), `null` does nothing."""
    if over.null_word:
        return base
    below = base.value if base is not None and isinstance(base.value, tuple) else ()
    if not isinstance(over.value, tuple) or not over.value:
        return over
    seen = {item.value for item in below if isinstance(item.value, str)}
    new = tuple(item for item in over.value if not (isinstance(item.value, str) and item.value in seen))
    return replace(over, value=below + new)


def _unremovable(base: Node | None, path: Path) -> Node | None:
    """What `null` leaves of a value: the lists of what must not leave."""
    below = base.value if base is not None and isinstance(base.value, dict) else {}
    kept = {key: below[key] for block, key in UNIONS if path[-1:] == (block,) and key in below}
    return replace(base, value=kept) if base is not None and kept else None


def _whole(base: Node | None, over: Node) -> Node | None:
    """A mapping that is replaced and never merged. An empty one changes nothing: it would select everything."""
    if isinstance(over.value, dict) and all(child.null_word for child in over.value.values()):
        return base
    return over


def name_of(item: Node) -> str:
    """Name of an item of a named list: an item without a name is `default`."""
    assert isinstance(item.value, dict)
    name = item.value.get("name")
    return name.value if name is not None and isinstance(name.value, str) else "default"


def _by_name(below: tuple[Node, ...], over: Node, path: Path) -> Node:
    assert isinstance(over.value, tuple)
    items: dict[str, Node] = {name_of(item): item for item in below if isinstance(item.value, dict)}
    for item in over.value:
        name = name_of(item)
        merged = merge(items.get(name), item, (*path, 0))
        if merged is not None:
            items[name] = merged
    return replace(over, value=tuple(items.values()))
