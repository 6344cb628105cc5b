"""Why a value holds, and what a line of an output comes from: found out by compiling again with one value changed.

No origin is carried through the targets, so none can be wrong: a line comes from a value if and only if another valid
value there changes it. What no written value changes is a default, and is called by the key that would change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from obsc import pipeline
from obsc.alternatives import alternatives
from obsc.conventions import PLATFORM
from obsc.diagnostics import Place, Severity, Sink
from obsc.resolve import leaves
from obsc.source import Document, Node, Path, Source, at
from obsc.spec.base import Block
from obsc.spec.platform import AIPlatform
from obsc.spec.reflect import scalars
from obsc.spec.service import AIService
from obsc.tree import graft

_FIXED = frozenset({"apiVersion", "kind"})
_MODELS: Mapping[str, type[Block]] = {"AIService": AIService, "AIPlatform": AIPlatform}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value that somebody wrote: in which document, at which path and place."""

    file: str
    index: int
    path: Path
    place: Place
    value: object


@dataclass(frozen=True, slots=True)
class Influence:
    """What another value of a leaf changes: the value that was tried, and the numbers of changed lines by output."""

    leaf: Leaf
    tried: object
    lines: Mapping[str, frozenset[int]]

    @property
    def width(self) -> int:
        """How many lines it changes: the fewer, the more a line is about it."""
        return sum(len(found) for found in self.lines.values())


def written(sources: Mapping[str, Source]) -> tuple[Leaf, ...]:
    """Every scalar of every document, but for what says of which kind a document is."""
    return tuple(Leaf(source.file, document.index, path, node.place, node.value)
                 for source in sources.values() for document in source.documents
                 for path, node in leaves(document.root)
                 if str(_kind(document)) in _MODELS and path[0] not in _FIXED and not isinstance(node.value, dict | tuple))


def influence(sources: Mapping[str, Source], leaf: Leaf, before: Mapping[str, bytes], environment: str | None = None) -> Influence | None:
    """What a leaf causes in a compilation; None if no other value is valid there."""
    document = sources[leaf.file].documents[_number(sources[leaf.file], leaf.index)]
    model = _MODELS[str(_kind(document))]
    for value in alternatives(*_inner(model, leaf.path), leaf.value):
        after = tree(_with(sources, leaf, value), environment)
        if after is not None and after != before:
            lines = _changed(before, after)
            if lines:
                return Influence(leaf, value, lines)
    return None


def influences(sources: Mapping[str, Source], found: Iterable[Leaf], environment: str | None = None) -> Iterator[Influence]:
    """What each of some leaves causes, in the same order; those that nothing else is valid for are left out."""
    before = tree(sources, environment) or {}
    for leaf in found:
        one = influence(sources, leaf, before, environment)
        if one is not None:
            yield one


def causes(found: Sequence[Influence], output: str, line: int) -> tuple[Influence, ...]:
    """Those that change a line (counted from 1) of an output, the one that changes least first."""
    hit = [one for one in found if line in one.lines.get(output, frozenset())]
    return tuple(sorted(hit, key=lambda one: (one.width, one.leaf.place)))


def concerned(sources: Mapping[str, Source], output: str) -> dict[str, Source]:
    """The documents that can have a say in an output: of a service's folder, its own, the platforms, and catalog entries."""
    parts = output.split("/")
    if len(parts) < 5 or parts[2] == PLATFORM:
        return dict(sources)
    wanted = (parts[2], parts[3])
    return {name: replace(source, documents=tuple(one for one in source.documents if _kind(one) != "AIService" or _named(one) in {
        wanted, ("", wanted[1])})) for name, source in sources.items()}


def default_of(output: str) -> str:
    """What a line is called that no written value changes: a default of what makes the output."""
    name = output.rpartition("/")[2]
    return f"a default of obsc for {name}" if name else "a default of obsc"


def _named(document: Document) -> tuple[str, str]:
    found = (at(document.root, ("metadata", key)) for key in ("namespace", "name"))
    namespace, name = (str(one.value) if one is not None else "" for one in found)
    return namespace, name


def _kind(document: Document) -> object:
    node = at(document.root, ("kind",))
    return node.value if node is not None else None


def _number(source: Source, index: int) -> int:
    return next(number for number, one in enumerate(source.documents) if one.index == index)


def _inner(model: type[Block], path: Path) -> tuple[type[Block], Path]:
    """The model and path that describe a value inside a partial document (overlays, defaults, profiles)."""
    if path[:1] == ("environments",):
        return _inner(model, path[2:])
    if model is AIPlatform and path[:1] in {("defaults",), ("enforced",)}:
        return AIService, path[1:]
    if model is AIPlatform and path[:1] == ("profiles",):
        return AIService, path[2:]
    return model, path


def _with(sources: Mapping[str, Source], leaf: Leaf, value: object) -> dict[str, Source]:
    source = sources[leaf.file]
    documents = tuple(replace(one, root=_replaced(one.root, leaf.path, value)) if one.index == leaf.index else one
                      for one in source.documents)
    return {**sources, leaf.file: replace(source, documents=documents)}


def _replaced(node: Node, path: Path, value: object) -> Node:
    if not path:
        assert isinstance(value, bool | int | float | str)
        return replace(node, value=value, text=str(value))
    step, rest = path[0], path[1:]
    if isinstance(node.value, dict):
        return replace(node, value={key: _replaced(child, rest, value) if key == step else child for key, child in node.value.items()})
    assert isinstance(node.value, tuple)
    return replace(node, value=tuple(_replaced(child, rest, value) if number == step else child for number, child in enumerate(node.value)))


def tree(sources: Mapping[str, Source], environment: str | None = None) -> Mapping[str, bytes] | None:
    """What sources compile to; None if a value in them is not valid."""
    sink = Sink()
    compiled = pipeline.compile_specs(sources, sink, environment=environment)
    return None if any(one.severity is Severity.ERROR for one in sink) else compiled.tree


def _changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, frozenset[int]]:
    """Numbers of the lines of each output that are not the same, or not there, afterwards."""
    found = {}
    for path, raw in before.items():
        if after.get(path) != raw:
            lines = raw.split(b"\n")
            found[path] = frozenset(_lines(lines, after[path].split(b"\n")) if path in after else range(1, len(lines) + 1))
    return {path: lines for path, lines in found.items() if lines}


def _lines(old: list[bytes], new: list[bytes]) -> Iterator[int]:
    for tag, start, end, _, _ in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag in {"replace", "delete"}:
            yield from range(start + 1, end + 1)


def unwritten(sources: Mapping[str, Source], alerts: Iterable[str]) -> tuple[Leaf, ...]:
    """Keys of the documents that nobody wrote and that have a default: each with an example for its value.

    `alerts` are the names of built-in alerts whose numbers could be written.
    """
    found = []
    for source in sources.values():
        for document in source.documents:
            model = _MODELS.get(str(_kind(document)))
            for path, example in _open(model, alerts) if model is not None else ():
                if at(document.root, path) is None:
                    found.append(Leaf(source.file, document.index, path, document.root.place, example))
    return tuple(found)


def suggested(sources: Mapping[str, Source], found: Iterable[Leaf], output: str, line: int) -> Influence | None:
    """Of keys that nobody wrote, the one that changes a line and least beside it."""
    environment = output.partition("/")[0]
    before = tree(sources, environment) or {}
    hits = []
    for leaf in found:
        after = tree(_grafted(sources, leaf), environment)
        lines = _changed(before, after) if after is not None else {}
        if line in lines.get(output, frozenset()):
            hits.append(Influence(leaf, leaf.value, lines))
    return min(hits, key=lambda one: (one.width, one.leaf.path), default=None)


def _open(model: type[Block], alerts: Iterable[str]) -> Iterator[tuple[Path, object]]:
    yield from scalars(model)
    if model is AIService:
        for name in alerts:
            rule: Path = ("alerts", "rules", name)
            yield (*rule, "for"), "7m"
            yield (*rule, "keepFiringFor"), "7m"
            yield (*rule, "severity"), "info"
            yield from (((*rule, "threshold"), one) for one in ("3s", "3%", 3))


def _grafted(sources: Mapping[str, Source], leaf: Leaf) -> dict[str, Source]:
    source = sources[leaf.file]
    assert isinstance(leaf.value, bool | int | float | str)
    new = Node(leaf.value, leaf.place, None, str(leaf.value))
    documents = tuple(replace(one, root=graft(one.root, leaf.path, new)) if one.index == leaf.index else one for one in source.documents)
    return {**sources, leaf.file: replace(source, documents=documents)}
