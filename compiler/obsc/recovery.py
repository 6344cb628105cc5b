"""Merged tree → model, whatever the tree: stand-ins take the place of what is bad or missing.

A model with stand-ins is never compiled to outputs. It exists so that the stages behind can look at the rest and
all errors come in one run; the paths that hold stand-ins come with it, so that nobody complains about those.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from obsc.advice import shown_path
from obsc.diagnostics import Place, Sink
from obsc.merge import name_of
from obsc.problems import Problem, parse, report
from obsc.source import Node, Path, at, place_of
from obsc.spec.base import Block
from obsc.spec.platform import AIPlatform
from obsc.spec.reflect import site
from obsc.spec.service import API_VERSION, NAMED_LISTS, AIService
from obsc.tree import children, covered, graft, prune, to_python, walk

_ROUNDS = 12
_SERVICE = {"name": "unnamed", "namespace": "default", "team": "unknown"}
# Valid values that change least: `custom` is the runtime that nothing is known of.
_STAND_INS: Mapping[type[Block], Mapping[Path, object]] = {
    AIService: {
        ("apiVersion",): API_VERSION, ("kind",): "AIService", ("metadata",): _SERVICE,
        **{("metadata", key): value for key, value in _SERVICE.items()},
        ("runtime",): {"name": "custom"}, ("runtime", "name"): "custom",
    },
    AIPlatform: {
        ("apiVersion",): API_VERSION, ("kind",): "AIPlatform",
        ("metadata",): {"name": "unnamed"}, ("metadata", "name"): "unnamed",
    },
}


class _Marks(NamedTuple):
    """Paths of the merged tree: where something was taken out before, and lists that lost an item."""

    gone: frozenset[Path]
    shorter: frozenset[Path]


def build(model: type[Block], tree: Node, sink: Sink, *, pruned: Collection[Path] = frozenset(),
          home: Node | None = None) -> tuple[Block | None, frozenset[Path]]:
    """The model of a merged tree and the paths (of the model) that hold stand-ins.

    `pruned` are the marks of `Accepted`: what was reported there, in any layer, is not reported again. `home` is the
    document that a missing value would be written in, if other files are merged into the tree. The model is None
    only if no stand-in makes the tree valid, which no document of the language can bring about.
    """
    marks = _marks(model, tree, pruned)
    empty = _empty(tree, sink)
    tree = prune(tree, empty)
    recovered = set(marks.gone | marks.shorter | empty)
    excused = set(marks.gone | empty)
    for number in range(_ROUNDS):
        found, problems = parse(model, to_python(tree))
        if found is not None:
            return found, frozenset(recovered)
        # What is missing in a later round is missing because an earlier one took it out.
        for problem in problems:
            if not covered(problem.path, excused) and not (number and problem.type == "missing"):
                report(problem, model, tree, sink, home=home if problem.type == "missing" else None)
        excused |= {problem.path for problem in problems}
        mended = _mended(model, tree, problems)
        if mended is None:
            break
        tree, where = mended
        recovered |= where
    return None, frozenset(recovered)


def _empty(tree: Node, sink: Sink) -> frozenset[Path]:
    """Report keys without a value. Documents have none left after `check`; catalog files come here directly."""
    found = frozenset(path for path, node in walk(tree) if node.value is None and not node.null_word)
    for path in found:
        sink.error("V107", f"`{shown_path(path)}` has no value", place_of(tree, path, key=True), path=shown_path(path),
                   hint="write a value, or leave the key out")
    return found


def _marks(model: type[Block], tree: Node, pruned: Collection[Path]) -> _Marks:
    """Marks as paths of the merged tree: without their layer, and with the index of a named item for its name."""
    gone: set[Path] = set()
    shorter: set[Path] = set()
    names = _Names()
    for mark in pruned:
        path, whole = _placed(tree, _without_layer(model, mark), names)
        if path:
            (gone if whole else shorter).add(path)
    return _Marks(frozenset(gone), frozenset(shorter))


def _without_layer(model: type[Block], path: Path) -> Path:
    if path[:1] == ("environments",):
        path = path[2:]
    if model is AIService:
        path = path[{"defaults": 1, "enforced": 1, "profiles": 2}.get(str(path[0]), 0):] if path else path
    return path


class _Names(dict[int, dict[str, int]]):
    """Indexes of a list's items by name, made once for each list."""

    def of(self, items: Node) -> dict[str, int]:
        if id(items) not in self:
            named = [name_of(item) if isinstance(item.value, dict) else "" for item in children(items)]
            self[id(items)] = {name: index for index, name in reversed(list(enumerate(named)))}
        return self[id(items)]


def _placed(tree: Node, path: Path, names: _Names) -> tuple[Path, bool]:
    """A mark as a path of the tree, and whether all of it could be placed: it cannot where its item is not there."""
    found: Path = ()
    node: Node | None = tree
    for step in path:
        if node is not None and isinstance(node.value, tuple) and isinstance(step, str):
            indexes = names.of(node) if found[-1] in NAMED_LISTS else {}
            if step not in indexes:
                return found, False
            step = indexes[step]  # noqa: PLW2901  the same step, as the tree has it
        found = (*found, step)
        node = at(node, (step,)) if node is not None else None
    return found, True


def _mended(model: type[Block], tree: Node, problems: tuple[Problem, ...]) -> tuple[Node, frozenset[Path]] | None:
    """The tree after one round of stand-ins and cuts, and their paths; None if nothing can be done."""
    cuts: set[Path] = set()
    for problem in problems:
        value = _STAND_INS.get(model, {}).get(problem.path)
        cut = next(_droppable(model, problem), None)
        if value is not None and not problem.on_key:
            tree = graft(tree, problem.path, _literal(value, place_of(tree, problem.path)))
        elif cut is not None:
            cuts.add(cut)
        else:
            return None
    where = {problem.path for problem in problems if not covered(problem.path, cuts)}
    where |= {cut[:-1] if isinstance(cut[-1], int) else cut for cut in cuts}
    return prune(tree, cuts), frozenset(where)


def _droppable(model: type[Block], problem: Problem) -> Iterator[Path]:
    """What may go because of a problem: the value itself, or the nearest thing around it that is optional."""
    if problem.path and problem.on_key:
        yield problem.path
    for length in range(len(problem.path), 0, -1):
        path = problem.path[:length]
        is_absent = problem.type == "missing" and length == len(problem.path)
        if not is_absent and (isinstance(path[-1], int) or site(model, path).optional):
            yield path


def _literal(value: object, place: Place) -> Node:
    if isinstance(value, dict):
        return Node({key: _literal(item, place) for key, item in value.items()}, place, dict.fromkeys(value, place))
    return Node(str(value), place, None, str(value))
