"""Which log inputs could read one file: decided on automata of their globs and expressions, and never too lightly.

A file is read by an input if one of its globs and its expression (if it has one) match the path. Two inputs overlap if
some path is read by both: if the product of their four automata reaches an end. What is not understood (a construct of
RE2 beyond the usual ones, an automaton that grows too large) counts as everything, so that the answer is rather yes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Protocol

_SYMBOLS = frozenset(map(chr, range(0x20, 0x7F))) | {"\u00e9"}  # printable ASCII, and one for everything else
_NAMED = {"d": frozenset("0123456789"), "w": frozenset(char for char in _SYMBOLS if char.isascii() and (char.isalnum() or char == "_")),
          "s": frozenset(" ")}
_MOST_REPEATS, _MOST_STATES = 300, 20000
_PODS, _CONTAINERS = "/var/log/pods/", "/var/log/containers/"


class Reads(Protocol):
    """What tells which files an input reads."""

    @property
    def files(self) -> tuple[str, ...]:
        """Globs of their paths."""

    @property
    def include(self) -> str:
        """An expression that their paths match too, or nothing."""


def overlaps(inputs: Sequence[Reads], owners: Sequence[object] = ()) -> tuple[tuple[int, int], ...]:
    """Pairs of positions of inputs that could read one file, each pair and all of them in order.

    With `owners`, one for each input, two inputs of one owner are not looked at.
    """
    whose = owners or range(len(inputs))
    prefixes = sorted((_prefix(one), index) for index, one in enumerate(inputs))
    found = {(min(pair), max(pair)) for pair in _candidates(prefixes)
             if whose[pair[0]] != whose[pair[1]] and _overlap(inputs[pair[0]], inputs[pair[1]])}
    below = [index for index, one in enumerate(inputs) if _below(one, _PODS)]
    links = {(min(pair), max(pair)) for pair in product(below, range(len(inputs)))
             if whose[pair[0]] != whose[pair[1]] and _linked(inputs[pair[0]], inputs[pair[1]])}
    return tuple(sorted(found | links))


def _candidates(prefixes: Sequence[tuple[str, int]]) -> Iterator[tuple[int, int]]:
    """Pairs whose file names can begin alike: one's literal beginning is a beginning of the other's."""
    for place, (prefix, index) in enumerate(prefixes):
        end = bisect_left(prefixes, (prefix + "\U0010ffff", 0))
        for _, other in prefixes[place + 1:end]:
            yield index, other


def _prefix(one: Reads) -> str:
    """What the names of all files of an input begin with, as far as it is literal."""
    literal = re.match(r"/((?:[A-Za-z0-9_-]|\\[.-])*)(?![*+?{|])", one.include)
    if literal and "/" not in one.include[1:] and not re.search(r"[|^]|(?<!\\)\.", re.sub(r"\[[^\]]*\]", "", one.include)):
        return literal[1].replace("\\", "")
    names = [re.split(r"[*?\[]", glob.rpartition("/")[2])[0] for glob in one.files if "**" not in glob]
    return names[0] if len(names) == len(one.files) == 1 else ""


def _overlap(one: Reads, two: Reads) -> bool:
    machines = [_machine(pattern) for each in (one, two) for pattern in (_globs(each.files), *_include(each.include))]
    return _meet(machines)


def _below(one: Reads, folder: str) -> bool:
    return any(glob.startswith(folder) for glob in one.files)


def _linked(one: Reads, two: Reads) -> bool:
    """Whether files of one may be links to files of the other: the runtime links each pod's file from a second folder.
    Only different namespaces, which both paths name, tell them apart.
    """
    if not ((_below(one, _PODS) and _below(two, _CONTAINERS)) or (_below(one, _CONTAINERS) and _below(two, _PODS))):
        return False
    mine, other = _namespaces(one), _namespaces(two)
    return not mine or not other or bool(mine & other)


def _namespaces(one: Reads) -> frozenset[str]:
    """Namespaces that the paths of an input name; none if some path names none."""
    found = []
    for glob in one.files:
        links = glob.startswith(_CONTAINERS)
        pattern, expression = (r"_([a-z0-9-]+)_", r"_([a-z0-9-]+)_") if links else (r"/var/log/pods/([a-z0-9-]+)_", r"^/([a-z0-9-]+)_")
        named = re.search(pattern, glob) or re.search(expression, one.include)
        found.append(named[1] if named else "")
    return frozenset() if "" in found else frozenset(found)


def _globs(globs: Sequence[str]) -> str:
    return "|".join(map(_glob, globs))


def _glob(glob: str) -> str:
    """A glob as an expression of whole paths."""
    parts = re.findall(r"\*\*|\*|\?|\[[^\]]+\]|.", glob)
    spelled = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(spelled.get(part) or (part if len(part) > 1 else re.escape(part)) for part in parts)


def _include(expression: str) -> tuple[str, ...]:
    """An expression that is searched for, as one of whole paths."""
    if not expression:
        return ()
    start = "" if expression.startswith("^") else ".*"
    end = "" if expression.endswith("$") and not expression.endswith("\\$") else ".*"
    return (f"{start}(?:{expression.removeprefix('^').removesuffix('$' if not end else '')}){end}",)


@dataclass(slots=True)
class _Machine:
    """A nondeterministic automaton: for each state where it may go on nothing, and where on a set of symbols."""

    free: list[list[int]] = field(default_factory=list)
    steps: list[list[tuple[frozenset[str], int]]] = field(default_factory=list)
    start: int = 0
    end: int = 0
    # What is asked again and again: a machine is compared with those of a thousand other inputs.
    _closed: dict[frozenset[int], frozenset[int]] = field(default_factory=dict)
    _known: dict[tuple[frozenset[int], str], frozenset[int]] = field(default_factory=dict)

    def state(self) -> int:
        self.free.append([])
        self.steps.append([])
        return len(self.free) - 1

    def closure(self, states: frozenset[int]) -> frozenset[int]:
        found = self._closed.get(states)
        if found is None:
            found = self._closed[states] = self._close(states)
        return found

    def after(self, states: frozenset[int], symbol: str) -> frozenset[int]:
        found = self._known.get((states, symbol))
        if found is None:
            found = self._known[states, symbol] = self.closure(
                frozenset(to for state in states for symbols, to in self.steps[state] if symbol in symbols))
        return found

    def _close(self, states: frozenset[int]) -> frozenset[int]:
        pending, seen = list(states), set(states)
        while pending:
            for state in self.free[pending.pop()]:
                if state not in seen:
                    seen.add(state)
                    pending.append(state)
        return frozenset(seen)


class _UnknownError(Exception):
    """A construct that is not understood."""


@lru_cache(maxsize=256)
def _machine(expression: str) -> _Machine:
    """The automaton of an expression; of everything, where it is not understood."""
    try:
        return _Parser(expression).machine()
    except _UnknownError:
        return _Parser(".*").machine()


class _Parser:
    """Recursive descent over literals, classes, groups, alternatives and repetitions."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._made = text, 0, _Machine()

    def machine(self) -> _Machine:
        self._made.start, self._made.end = self._either()
        if self._at < len(self._text):
            raise _UnknownError
        return self._made

    def _next(self) -> str:
        return self._text[self._at:self._at + 1]

    def _take(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _either(self) -> tuple[int, int]:
        start, end = self._made.state(), self._made.state()
        while True:
            first, last = self._sequence()
            self._made.free[start].append(first)
            self._made.free[last].append(end)
            if not self._take("|"):
                return start, end

    def _sequence(self) -> tuple[int, int]:
        start = last = self._made.state()
        while self._next() not in {"", "|", ")"}:
            begin = self._at
            first, end = self._atom()
            least, most = self._repeat()
            after = self._at
            self._made.free[last].append(first)
            last = end if (least, most) == (1, 1) else self._repeated((first, end), (begin, after), least, most)
        return start, last

    def _repeated(self, made: tuple[int, int], text: tuple[int, int], least: int, most: int | None) -> int:
        """The end of an atom that occurs `least` to `most` times: its copies in a row, with ways around and back."""
        begin, after = text
        copies = [made]
        while len(copies) < (most or max(least, 1)):
            self._at = begin
            copies.append(self._atom())
            self._made.free[copies[-2][1]].append(copies[-1][0])
        self._at = after
        end = self._made.state()
        self._made.free[copies[-1][1]].append(end)
        for number, (first, last) in enumerate(copies, 1):
            if number > least:
                self._made.free[first].append(end)
            if most is None and number == len(copies):
                self._made.free[last].append(first)
        return end

    def _repeat(self) -> tuple[int, int | None]:
        found = re.compile(r"(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??").match(self._text, self._at)
        if found is None:
            return 1, 1
        self._at = found.end()
        if found[1]:
            return (1 if found[1] == "+" else 0), (1 if found[1] == "?" else None)
        least = int(found[2])
        most = (int(found[4]) if found[4] else None) if found[3] else least
        if max(least, most or 0) > _MOST_REPEATS or most == 0:
            raise _UnknownError
        return least, most

    def _atom(self) -> tuple[int, int]:
        if self._take("(?:") or (not self._text.startswith("(?", self._at) and self._take("(")):
            inside = self._either()
            if not self._take(")"):
                raise _UnknownError
            return inside
        symbols = self._class() if self._take("[") else self._symbol(inside=False)
        start, end = self._made.state(), self._made.state()
        self._made.steps[start].append((symbols, end))
        return start, end

    def _class(self) -> frozenset[str]:
        negated = self._take("^")
        found: set[str] = set()
        while not self._take("]"):
            if not self._next() or self._text.startswith("[:", self._at):
                raise _UnknownError
            symbols = self._symbol(inside=True)
            if len(symbols) == 1 and self._text[self._at:self._at + 1] == "-" and self._text[self._at + 1:self._at + 2] not in {"", "]"}:
                self._at += 1
                (first,), (last,) = symbols, self._symbol(inside=True)
                symbols = frozenset(char for char in _SYMBOLS if first <= char <= last)
            found |= symbols
        return _SYMBOLS - found if negated else frozenset(found)

    def _symbol(self, *, inside: bool) -> frozenset[str]:
        char = self._next()
        self._at += 1
        if char == "\\":
            escaped = self._next()
            self._at += 1
            if escaped.lower() in _NAMED:
                return _NAMED[escaped] if escaped.islower() else _SYMBOLS - _NAMED[escaped.lower()]
            if escaped.isalnum() or not escaped:
                raise _UnknownError
            return frozenset(escaped)
        if not inside and char == ".":
            return _SYMBOLS
        if not char or (not inside and char in "*+?{}()^$]"):
            raise _UnknownError
        return frozenset(char if char in _SYMBOLS else "\u00e9")


def _meet(machines: Sequence[_Machine]) -> bool:
    """Whether some text takes all automata to their ends."""
    symbols = _representatives(machines)
    start = tuple(machine.closure(frozenset({machine.start})) for machine in machines)
    pending, seen = [start], {start}
    while pending and len(seen) <= _MOST_STATES:
        states = pending.pop()
        if all(machine.end in state for machine, state in zip(machines, states, strict=True)):
            return True
        for symbol in symbols:
            following = tuple(machine.after(state, symbol) for machine, state in zip(machines, states, strict=True))
            if all(following) and following not in seen:
                seen.add(following)
                pending.append(following)
    return bool(pending)


def _representatives(machines: Sequence[_Machine]) -> tuple[str, ...]:
    """One symbol of each kind that the automata tell apart."""
    sets = sorted({symbols for machine in machines for steps in machine.steps for symbols, _ in steps}, key=sorted)
    kinds: dict[tuple[bool, ...], str] = {}
    for symbol in sorted(_SYMBOLS):
        kinds.setdefault(tuple(symbol in symbols for symbols in sets), symbol)
    return tuple(kinds.values())
