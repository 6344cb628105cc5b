"""Why a value holds, and what a line of an output comes from: found out by compiling again with one value changed.

No origin is carried through the targets, so none can be wrong: a line comes from a value if and only if another valid
value there changes it. What no written value changes is a default, and is called by the key that would change it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import reduce
from itertools import zip_longest

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
from obsc.tree import graft, prune
from obsc.trial import Trial, trial

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


Spot = tuple[str, int]  # an output, and the number of a line of it, counted from 1
_Lines = Mapping[str, frozenset[int]]
_Key = tuple[str, int, Path, str]
_Tries = dict[_Key, _Lines | None]


@dataclass(frozen=True, slots=True)
class Question:
    """Sources whose values are asked about, and what they compile to.

    `narrow` and `whole` remember what was tried already (None: not valid), in the outputs that are asked about and in all.
    """

    sources: Mapping[str, Source]
    environment: str | None
    before: Mapping[str, bytes]
    trial: Trial | None
    narrow: _Tries = field(default_factory=dict)
    whole: _Tries = field(default_factory=dict)

    def is_quick(self, output: str) -> bool:
        """Whether this output is made without all the others."""
        return self.trial is not None and output in self.trial.outputs


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


def ask(sources: Mapping[str, Source], environment: str | None = None, outputs: Collection[str] = ()) -> Question | None:
    """Prepare to say what values cause; None if the sources are not valid.

    With `outputs`, only what causes lines of these will be asked: if they are a service's own, that takes a fraction of the time.
    """
    before = tree(sources, environment)
    if before is None:
        return None
    narrow = trial(sources, environment, outputs) if environment is not None and outputs else None
    return Question(sources, environment, before, narrow)


def influence(question: Question, leaf: Leaf, spot: Spot | None = None) -> Influence | None:
    """What a leaf causes, or with `spot` what it causes if it causes that line; None if no other value is valid there and does."""
    model, path = _inner(_model(question, leaf), leaf.path)
    if question.trial is not None and spot is not None and not question.trial.may_decide(model, path):
        return None
    is_enough = False
    for value in alternatives(model, path, leaf.value):
        # Of a text with something added one is enough that could stand there and changed nothing that is asked about.
        is_longer = isinstance(value, str) and str(leaf.value) in value
        if is_longer and is_enough:
            continue
        one = replace(leaf, value=value)
        found = _tried(question, one, spot, with_value)
        if found is not None:
            return replace(found, leaf=leaf)
        is_enough = is_enough or (is_longer and any(tries.get(_key(one)) is not None for tries in (question.narrow, question.whole)))
    return None


def influences(question: Question, found: Iterable[Leaf], spot: Spot | None = None) -> tuple[Influence, ...]:
    """What some leaves cause (or those that cause a line), those that change least first; those that cause nothing are left out."""
    hits = (one for leaf in found if (one := influence(question, leaf, spot)) is not None)
    return tuple(sorted(hits, key=lambda one: (one.width, one.leaf.place)))


def suggested(question: Question, found: Iterable[Leaf], spot: Spot) -> Influence | None:
    """Of keys that nobody wrote, the one that changes a line and least beside it."""
    asked = [leaf for leaf in found if question.trial is None or question.trial.may_decide(_model(question, leaf), leaf.path)]
    by_path: dict[tuple[str, int, Path], list[Leaf]] = {}
    for leaf in asked:
        by_path.setdefault((leaf.file, leaf.index, leaf.path), []).append(leaf)
    # Of several examples for one key, each has a turn: together with those of other keys, not with each other.
    turns = [[one for one in turn if one is not None] for turn in zip_longest(*by_path.values())]
    hits = [one for turn in turns for one in _sought(question, turn, spot)]
    return min(hits, key=lambda one: (one.width, one.leaf.path), default=None)


def _sought(question: Question, found: Sequence[Leaf], spot: Spot) -> list[Influence]:
    """Those of some unwritten keys that change a line: in a half of them that all together leaves it alone there is none."""
    if question.trial is not None and len(found) > 1:
        sources = reduce(_grafted, found, question.sources)
        again = question.trial.again(sources)
        if again is not None and not _is_hit(changed(question.trial.outputs, again), spot, among=question.trial.outputs):
            return []
        half = len(found) // 2
        return _sought(question, found[:half], spot) + _sought(question, found[half:], spot)
    return [one for leaf in found if (one := _tried(question, leaf, spot, _grafted)) is not None]


def _tried(question: Question, leaf: Leaf, spot: Spot | None,
           change: Callable[[Mapping[str, Source], Leaf], Mapping[str, Source]]) -> Influence | None:
    """What a leaf's value changes, if it is valid and changes anything (with `spot`: that line)."""
    key = _key(leaf)
    if question.trial is not None and spot is not None:
        if key not in question.narrow:
            again = question.trial.again(change(question.sources, leaf))
            question.narrow[key] = changed(question.trial.outputs, again) if again is not None else None
        # That the line changes is what the whole compilation has to confirm, and whether the value is valid.
        if not _is_hit(question.narrow[key], spot, among=question.trial.outputs):
            return None
    if key not in question.whole:
        after = tree(change(question.sources, leaf), question.environment)
        question.whole[key] = changed(question.before, after) if after is not None else None
    lines = question.whole[key]
    return Influence(leaf, leaf.value, lines) if lines and (spot is None or _is_hit(lines, spot)) else None


def _is_hit(lines: _Lines | None, spot: Spot, *, among: Collection[str] | None = None) -> bool:
    """Whether a line is one of those that change; if it is not among the outputs that were made, whether any of them does."""
    if lines is None or (among is not None and spot[0] not in among):
        return bool(lines)
    return spot[1] in lines.get(spot[0], frozenset())


def _key(leaf: Leaf) -> _Key:
    return leaf.file, leaf.index, leaf.path, repr(leaf.value)


def concerned(sources: Mapping[str, Source], output: str) -> dict[str, Source]:
    """The documents, and the environment's parts of them, that can have a say in an output: of a service's folder, its own
    and the platform's.
    """
    parts = output.split("/")
    environment, wanted = parts[0], (parts[2], parts[3]) if len(parts) > 4 and parts[2] != PLATFORM else None
    documents = [one for source in sources.values() for one in source.documents]
    here = {id(one) for one in documents if _kind(one) == "AIPlatform" and environment in _environments(one)}
    if not here and any(_kind(one) == "AIPlatform" for one in documents):
        return dict(sources)

    def has_a_say(one: Document) -> bool:
        if _kind(one) == "AIPlatform":
            return id(one) in here
        return wanted is None or _kind(one) != "AIService" or _named(one) in {wanted, ("", wanted[1])}

    return {name: replace(source, documents=tuple(_in(environment, one) for one in source.documents if has_a_say(one)))
            for name, source in sources.items()}


def _environments(platform: Document) -> tuple[str, ...]:
    node = at(platform.root, ("environments",))
    if node is not None and isinstance(node.value, dict) and node.value:
        return tuple(node.value)
    name = at(platform.root, ("metadata", "name"))
    return (str(name.value),) if name is not None else ()


def _in(environment: str, document: Document) -> Document:
    """A document without what it says of other environments."""
    node = at(document.root, ("environments",))
    others = [key for key in node.value if key != environment] if node is not None and isinstance(node.value, dict) else ()
    return replace(document, root=prune(document.root, [("environments", key) for key in others])) if others else document


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


def _model(question: Question, leaf: Leaf) -> type[Block]:
    source = question.sources[leaf.file]
    return _MODELS[str(_kind(source.documents[_number(source, leaf.index)]))]


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


def with_value(sources: Mapping[str, Source], leaf: Leaf) -> Mapping[str, Source]:
    """The sources with another value for a leaf: the one that it has here."""
    source = sources[leaf.file]
    documents = tuple(replace(one, root=_replaced(one.root, leaf.path, leaf.value)) if one.index == leaf.index else one
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


def changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, frozenset[int]]:
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


def _open(model: type[Block], alerts: Iterable[str]) -> Iterator[tuple[Path, object]]:
    yield from scalars(model)
    if model is AIService:
        for name in alerts:
            rule: Path = ("alerts", "rules", name)
            yield (*rule, "for"), "7m"
            yield (*rule, "keepFiringFor"), "7m"
            yield (*rule, "severity"), "info"
            yield from (((*rule, "threshold"), one) for one in ("3s", "3%", 3))


def _grafted(sources: Mapping[str, Source], leaf: Leaf) -> Mapping[str, Source]:
    source = sources[leaf.file]
    assert isinstance(leaf.value, bool | int | float | str)
    new = Node(leaf.value, leaf.place, None, str(leaf.value))
    documents = tuple(replace(one, root=graft(one.root, leaf.path, new)) if one.index == leaf.index else one for one in source.documents)
    return {**sources, leaf.file: replace(source, documents=documents)}
