"""Reading and cutting trees of `Node`s. Nothing here recurses over a whole tree: aliases can make one deep."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from obsc.source import DEEPEST, Node, Path

_Cuts: TypeAlias = "dict[str | int, _Cuts | None]"


def to_python(node: Node, *, nulls: bool = False) -> object:
    """Plain data as strict pydantic takes it: lists are tuples. A key with the word `null` is as good as absent.

    With `nulls` it is there, with None.
    """
    order: list[Node] = []
    pending = [node]
    while pending:
        one = pending.pop()
        order.append(one)
        pending.extend(children(one))
    done: dict[int, object] = {}
    # Children come after every mention of their parent, so from the end each is ready before it is asked for.
    for one in reversed(order):
        if id(one) not in done:
            done[id(one)] = _converted(one, done, nulls=nulls)
    return done[id(node)]


def _converted(node: Node, done: dict[int, object], *, nulls: bool) -> object:
    if isinstance(node.value, dict):
        return {key: done[id(child)] for key, child in node.value.items() if nulls or not child.null_word}
    if isinstance(node.value, tuple):
        return tuple(done[id(child)] for child in node.value)
    return node.value


def children(node: Node) -> Iterable[Node]:
    """The nodes directly in a mapping or list."""
    if isinstance(node.value, dict):
        return node.value.values()
    return node.value if isinstance(node.value, tuple) else ()


def walk(root: Node) -> Iterator[tuple[Path, Node]]:
    """Every node below the root with its path, in the order of the text. What lies deeper than `DEEPEST` levels is cut off.

    A node at exactly that depth is given, those in it are not: whoever walks can see that there are some.
    """
    pending: list[tuple[Path, Node]] = [((), root)]
    while pending:
        path, node = pending.pop()
        if path:
            yield path, node
        if len(path) >= DEEPEST:
            continue
        entries: Iterable[tuple[str | int, Node]] = ()
        if isinstance(node.value, dict):
            entries = node.value.items()
        elif isinstance(node.value, tuple):
            entries = enumerate(node.value)
        pending.extend(reversed([((*path, step), child) for step, child in entries]))


def covered(path: Path, paths: Collection[Path]) -> bool:
    """Whether a path, or one above it, is among these."""
    return any(path[:length] in paths for length in range(1, len(path) + 1))


def prune(node: Node, paths: Iterable[Path]) -> Node:
    """The tree without the nodes at these paths; paths that it does not have are no matter."""
    cuts: _Cuts = {}
    for path in sorted(paths, key=len):
        _mark(cuts, path)
    return _pruned(node, cuts)


def _mark(cuts: _Cuts, path: Path) -> None:
    here: _Cuts | None = cuts
    for step in path[:-1]:
        if here is None:
            return
        here = here.setdefault(step, {})
    if here is not None and path:
        here[path[-1]] = None


def _pruned(node: Node, cuts: _Cuts) -> Node:
    def kept(step: str | int, child: Node) -> list[Node]:
        if step not in cuts:
            return [child]
        below = cuts[step]
        return [] if below is None else [_pruned(child, below)]

    if isinstance(node.value, dict):
        value = {key: one for key, child in node.value.items() for one in kept(key, child)}
        keys = {key: place for key, place in (node.keys or {}).items() if key in value}
        return replace(node, value=value, keys=keys)
    if isinstance(node.value, tuple):
        return replace(node, value=tuple(one for index, child in enumerate(node.value) for one in kept(index, child)))
    return node


def graft(node: Node, path: Path, new: Node) -> Node:
    """The tree with a node put at a path of keys; mappings on the way that are not there are made."""
    if not path:
        return new
    step = str(path[0])
    entries = dict(node.value) if isinstance(node.value, dict) else {}
    entries[step] = graft(entries.get(step) or Node({}, new.place, {}), path[1:], new)
    return replace(node, value=entries, keys={**(node.keys or {}), step: (node.keys or {}).get(step, new.place)})
