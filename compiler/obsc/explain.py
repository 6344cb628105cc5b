"""Why a value holds, and what a line of an output comes from: found out by compiling again with one value changed.

No origin is carried through the targets, so none can be wrong: a line comes from a value if and only if another valid
value there changes it. What no written value changes is a default, and is called by the key that would change it.

Most values change nothing of a line. Of many at once that is seen by changing all of them: where they leave the line alone
together, none of them is behind it, and otherwise each half is asked. What remains is tried alone, and confirmed by all stages.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import reduce
from itertools import takewhile, zip_longest

from obsc import pipeline
from obsc.alternatives import alternatives
from obsc.diagnostics import Severity, Sink
from obsc.leaves import Key, Leaf, site_of, with_value
from obsc.memory import Memory
from obsc.source import Source
from obsc.trial import Trial, trial
from obsc.work import Work

Spot = tuple[str, int]  # an output, and the number of a line of it, counted from 1
_Lines = Mapping[str, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Known:
    """What was tried already (None: not valid), in the outputs that are asked about and in all.

    Values that are tried together are told by their identity, so they are kept.
    """

    narrow: dict[tuple[int, ...], tuple[_Lines | None, Sequence[Leaf]]] = field(default_factory=dict)
    whole: dict[Key, _Lines | None] = field(default_factory=dict)
    valid: dict[Key, bool] = field(default_factory=dict)
    others: dict[Key, tuple[Leaf, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """Sources whose values are asked about, and what they compile to. `alerts` are the names of those that there are."""

    sources: Mapping[str, Source]
    environment: str | None
    before: Mapping[str, bytes]
    alerts: tuple[str, ...]
    trial: Trial | None
    memory: Memory
    known: Known = field(default_factory=Known)

    def with_values(self, found: Iterable[Leaf]) -> Mapping[str, Source]:
        """The sources with other values."""
        return reduce(with_value, found, self.sources)


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


def ask(sources: Mapping[str, Source], environment: str | None = None, outputs: Collection[str] = ()) -> Question | None:
    """Prepare to say what values cause; None if the sources are not valid.

    With `outputs`, only what causes lines of these will be asked, which takes a fraction of the time.
    """
    memory, sink = Memory(), Sink()
    compiled = pipeline.compile_specs(sources, sink, environment=environment, work=Work(memory=memory))
    if any(one.severity is Severity.ERROR for one in sink):
        return None
    pipeline.resolved(sources, Sink(), environment=environment, memory=memory)
    memory.close()
    narrow = trial(sources, environment, outputs, memory) if environment is not None and outputs else None
    alerts = {rule.name for one in compiled.services for rule in one.alerts}
    return Question(sources, environment, compiled.tree, tuple(sorted(alerts)), narrow, memory)


def influence(question: Question, leaf: Leaf, spot: Spot | None = None) -> Influence | None:
    """What a leaf causes, or with `spot` what it causes if it causes that line; None if no other value is valid there and does."""
    if question.trial is not None and spot is not None:
        return next(iter(influences(question, (leaf,), spot)), None)
    hits = (_confirmed(question, one, spot) for one in _others(question, leaf))
    return next((replace(one, leaf=leaf) for one in hits if one is not None), None)


def influences(question: Question, found: Iterable[Leaf], spot: Spot | None = None) -> tuple[Influence, ...]:
    """What some leaves cause (or those that cause a line), those that change least first; those that cause nothing are left out."""
    if question.trial is None or spot is None:
        hits = [one for leaf in found if (one := influence(question, leaf, spot)) is not None]
    else:
        asked = {leaf.spot: leaf for leaf in found if question.trial.may_decide(*site_of(question.sources, leaf))}
        turns = _turns(_others(question, leaf) for leaf in asked.values())
        hits = [replace(one, leaf=asked[one.leaf.spot]) for one in _searched(question, turns, spot)]
    return tuple(sorted(hits, key=lambda one: (one.width, one.leaf.place)))


def suggested(question: Question, found: Iterable[Leaf], spot: Spot) -> Influence | None:
    """Of keys that nobody wrote, the one that changes a line and least beside it."""
    by_path: dict[object, list[Leaf]] = {}
    for leaf in found:
        if question.trial is None or question.trial.may_decide(*site_of(question.sources, leaf)):
            by_path.setdefault(leaf.spot, []).append(leaf)
    hits = _searched(question, _turns(by_path.values()), spot)
    return min(hits, key=lambda one: (one.width, one.leaf.path), default=None)


def _turns(choices: Iterable[Sequence[Leaf]]) -> list[list[Leaf]]:
    """Of several values for one leaf, each has a turn: together with those of other leaves, not with each other."""
    return [[one for one in turn if one is not None] for turn in zip_longest(*choices)]


def _searched(question: Question, turns: Iterable[Sequence[Leaf]], spot: Spot) -> list[Influence]:
    """The first value of each leaf that changes a line."""
    hits: dict[object, Influence] = {}
    for turn in turns:
        for one in _sought(question, turn, spot, hits):
            hits[one.leaf.spot] = one
    return list(hits.values())


def _sought(question: Question, found: Sequence[Leaf], spot: Spot, done: Collection[object]) -> list[Influence]:
    """Those of some values that change a line, but for leaves that are done: if all together leave it alone there is none."""
    if all(one.spot in done for one in found):
        return []
    if question.trial is not None:
        lines = _narrow(question, question.trial, found)
        if lines is None:
            # Often one value is to blame that cannot stand there at all.
            valid = [one for one in found if _is_valid(question, one)]
            if len(valid) < len(found):
                return _sought(question, valid, spot, done)
        if lines is not None and spot[1] not in lines.get(spot[0], ()):
            return []
    if len(found) == 1:
        one = _confirmed(question, found[0], spot)
        return [one] if one is not None else []
    half = len(found) // 2
    return [*_sought(question, found[:half], spot, done), *_sought(question, found[half:], spot, done)]


def _narrow(question: Question, trial: Trial, found: Sequence[Leaf]) -> _Lines | None:
    """The lines that change with some values, of the outputs that are asked about; None if the values are not valid together."""
    key, known = tuple(map(id, found)), question.known.narrow
    if key not in known:
        far = any(trial.may_reach_services(*site_of(question.sources, one)) for one in found)
        again = trial.again(question.with_values(found), far=far)
        known[key] = changed(trial.outputs, again) if again is not None else None, tuple(found)
    return known[key][0]


def _others(question: Question, leaf: Leaf) -> tuple[Leaf, ...]:
    """The leaf with other values that could stand there; of a text with something added one is enough."""
    known = question.known.others
    if leaf.key not in known:
        kept, is_enough = list[Leaf](), False
        for value in alternatives(*site_of(question.sources, leaf), leaf.value):
            is_longer, one = isinstance(value, str) and str(leaf.value) in value, replace(leaf, value=value)
            if not (is_longer and is_enough) and _is_valid(question, one):
                kept.append(one)
                is_enough = is_enough or is_longer
        known[leaf.key] = tuple(kept)
    return known[leaf.key]


def _is_valid(question: Question, leaf: Leaf) -> bool:
    """Whether a value could stand there, as far as the stages know that come first."""
    known = question.known.valid
    if leaf.key not in known:
        sink = Sink()
        found = pipeline.resolved(question.with_values((leaf,)), sink, environment=question.environment, memory=question.memory)
        known[leaf.key] = not sink.failed and not any(one.failed or one.recovered for one in found)
    return known[leaf.key]


def _confirmed(question: Question, leaf: Leaf, spot: Spot | None) -> Influence | None:
    """What a leaf's value changes, as all stages have it, if it is valid and changes anything (with `spot`: that line)."""
    known = question.known.whole
    if leaf.key not in known:
        after = tree(question.with_values((leaf,)), question.environment, question.memory)
        known[leaf.key] = changed(question.before, after) if after is not None else None
    lines = known[leaf.key]
    is_hit = bool(lines) and (spot is None or spot[1] in (lines or {}).get(spot[0], ()))
    return Influence(leaf, leaf.value, lines) if lines and is_hit else None


def default_of(output: str) -> str:
    """What a line is called that no written value changes: a default of what makes the output."""
    name = output.rpartition("/")[2]
    return f"a default of obsc for {name}" if name else "a default of obsc"


def tree(sources: Mapping[str, Source], environment: str | None = None, memory: Memory | None = None) -> Mapping[str, bytes] | None:
    """What sources compile to; None if a value in them is not valid."""
    sink = Sink()
    compiled = pipeline.compile_specs(sources, sink, environment=environment, work=Work(memory=memory) if memory is not None else None)
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
    same: Callable[[tuple[bytes, bytes]], bool] = lambda pair: pair[0] == pair[1]  # noqa: E731
    start = sum(1 for _ in takewhile(same, zip(old, new, strict=False)))
    end = sum(1 for _ in takewhile(same, zip(reversed(old[start:]), reversed(new[start:]), strict=False)))
    between = SequenceMatcher(None, old[start:len(old) - end], new[start:len(new) - end], autojunk=False)
    for tag, first, last, _, _ in between.get_opcodes():
        if tag in {"replace", "delete"}:
            yield from range(start + first + 1, start + last + 1)
