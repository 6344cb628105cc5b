"""Text → `Document`: values with their places, built one by one from the parser's event stream.

The parser is libyaml by way of ruamel.yaml. Nothing is composed recursively, and every limit is counted on
events, so that no input makes the process deep, large or slow. Values follow YAML 1.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from obsc import scalars
from obsc.diagnostics import Place, Related, Sink, Suppression
from obsc.secrets import looks_like_credential, tells
from obsc.suppression import suppressions

if TYPE_CHECKING:
    from ruamel.yaml.error import StreamMark
    from ruamel.yaml.events import AliasEvent, DocumentEndEvent, DocumentStartEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

Path: TypeAlias = tuple[str | int, ...]

# Limits of one file: bytes, levels, values with what aliases repeat (keys not counted), aliases, documents, findings.
LARGEST_FILE = 1 << 20
DEEPEST = 60
MOST_NODES = 50_000
MOST_ALIASES = 100
MOST_DOCUMENTS = 1_000
MOST_FINDINGS = 10_000
_DOCUMENT = re.compile(rb"^---(?=[ \t\n]|\Z)", re.MULTILINE)
_CORE_TAGS = {"tag:yaml.org,2002:map": True, "tag:yaml.org,2002:seq": False}
_KINDS = {bool: "a truth value", int: "a number", float: "a number", dict: "a mapping", tuple: "a list"}


@dataclass(frozen=True, slots=True)
class Node:
    """A value as written, with its place. `value` is a scalar, a tuple of nodes, or a dict of key → node.

    `keys` has the place of each key of a mapping. `text` is a scalar's source text (decoded, before
    its type was decided) and `plain` says whether it was written without quotes; `null_word` tells the
    word `null` (or `~`) from a key that has no value at all. A place is on one line: that of a scalar's
    first line, a block scalar's `|`, a mapping's first key or `{`, a list's first `-` or `[`, an alias.
    """

    value: scalars.Value | tuple[Node, ...] | dict[str, Node]
    place: Place
    keys: dict[str, Place] | None = None
    text: str = ""
    plain: bool = True
    null_word: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document of a file: its tree, the file's name as given, its number in the file, and the lines it has."""

    file: str
    root: Node
    index: int = 0
    lines: range = range(0)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: its text split in lines (for carets), its documents, and the findings that it keeps quiet."""

    file: str
    lines: tuple[str, ...]
    documents: tuple[Document, ...]
    suppressions: tuple[Suppression, ...] = ()


def load(file: str, raw: bytes, sink: Sink, *, lists: bool = False, most: int = LARGEST_FILE) -> Source:
    """Parse the bytes of a file. Never raises for bad input: each oddity becomes a placed diagnostic.

    A syntax error ends its document only: what stands before it and after the next `---` is still read. A limit
    ends the file. Columns count characters of the file without a byte order mark. With `lists`, a document may be one.
    """
    text, readable = scalars.decode(file, raw, sink, most=most)
    lines = tuple(text.split("\n"))
    if not readable:
        return Source(file, lines, ())
    quiet = suppressions(file, lines, sink)
    sink.heed(quiet)
    data, table = scalars.parsable(text)
    reader = _Reader(scalars.Lines(file, lines), sink, table, (dict, tuple) if lists else (dict,))
    _read(reader, data)
    if not reader.content:
        sink.error("L002", "found no document, expected a mapping such as an AIService", Place(file),
                   hint="write apiVersion, kind and metadata")
    return Source(file, lines, tuple(reader.documents), quiet)


def at(node: Node, path: Path) -> Node | None:
    """The node at a path, or None."""
    found: Node | None = node
    for step in path:
        value = found.value if found is not None else None
        if isinstance(value, dict) and isinstance(step, str):
            found = value.get(step)
        elif isinstance(value, tuple) and isinstance(step, int):
            found = value[step] if 0 <= step < len(value) else None
        else:
            return None
    return found


def place_of(root: Node, path: Path, *, key: bool = False) -> Place:
    """Place of the value at a path (`key`: of its key), or of the nearest thing around it that is written."""
    node, place = root, root.place
    for index, step in enumerate(path):
        found = at(node, (step,))
        if found is None:
            return place
        last = index == len(path) - 1
        own_key = (node.keys or {}).get(step) if isinstance(step, str) else None
        collection = isinstance(found.value, dict | tuple) and bool(found.value)
        # A block is underlined at its key: its own text may go on over many lines.
        place = own_key if own_key is not None and (key or not last or collection) else found.place
        node = found
    return place


def plain(node: Node) -> object:
    """The tree as plain data: dicts, lists and scalars. What an alias repeats is copied."""
    top: list[Any] = [None]
    todo: list[tuple[Node, Any, Any]] = [(node, top, 0)]
    while todo:
        one, holder, slot = todo.pop()
        if isinstance(one.value, dict):
            holder[slot] = made = dict.fromkeys(one.value)
            todo.extend((child, made, key) for key, child in one.value.items())
        elif isinstance(one.value, tuple):
            holder[slot] = items = [None] * len(one.value)
            todo.extend((child, items, index) for index, child in enumerate(one.value))
        else:
            holder[slot] = one.value
    return top[0]


def _read(reader: _Reader, data: bytes) -> None:
    """Read document after document; after a syntax error go on at the next line with `---`."""
    offset = row = 0
    failed = reader.run(data, 0)
    while failed is not None and not reader.stopped:
        for found in _DOCUMENT.finditer(data, offset + 1):
            row += data.count(b"\n", offset, found.start())
            offset = found.start()
            if row >= failed:
                break
        else:
            return
        failed = reader.run(data[offset:], row)


class _Anchored(NamedTuple):
    """What an alias repeats: the node, how many values it has, how many levels."""

    node: Node
    size: int
    height: int


@dataclass(slots=True)
class _Frame:
    """A collection that is still open: its place, what it holds so far, and the key that waits for its value."""

    place: Place
    values: dict[str, Node] | None
    anchor: str | None
    nodes_before: int
    bracketed: bool
    items: list[Node] = field(default_factory=list)
    keys: dict[str, Place] = field(default_factory=dict)
    height: int = 1
    key: str | None = None
    skip: bool = False


@dataclass(slots=True)
class _Reader:
    """Events → documents. One document after the other is open; `stack` has its open collections."""

    at: scalars.Lines
    sink: Sink
    table: dict[int, str]
    roots: tuple[type, ...]
    documents: list[Document] = field(default_factory=list)
    stopped: bool = False
    content: bool = False
    _stack: list[_Frame] = field(default_factory=list)
    # An anchor of a collection that is still open has no node yet: its alias would make a cycle.
    _anchors: dict[str, _Anchored | None] = field(default_factory=dict)
    _root: Node | None = None
    _start: Place | None = None
    _nodes: int = 0
    _aliases: int = 0
    _seen: int = 0
    _empty: list[Place] = field(default_factory=list)

    def run(self, data: bytes, base: int) -> int | None:
        """Read events of what begins on row `base` (from 0) to the end, or to an error, whose row is returned."""
        from ruamel.yaml import events  # noqa: PLC0415  a large package, wanted only where files are read
        from ruamel.yaml.error import YAMLError  # noqa: PLC0415

        handlers: dict[type, Callable[..., None]] = {
            events.ScalarEvent: self._scalar, events.AliasEvent: self._alias,
            events.MappingStartEvent: lambda event: self._open(event, mapping=True),
            events.SequenceStartEvent: lambda event: self._open(event, mapping=False),
            events.MappingEndEvent: self._close, events.SequenceEndEvent: self._close,
            events.DocumentStartEvent: self._begin, events.DocumentEndEvent: self._end,
        }
        self.at.base = base
        # The module does not name the class among its exports, so a plain import does not pass the type checker.
        parser, event, before = import_module("ruamel.yaml.cyaml").CParser(data), None, len(self.sink)
        try:
            while not self.stopped and parser.check_event():
                event = parser.get_event()
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
                if len(self.sink) - before > MOST_FINDINGS:
                    self._limit(f"more than {MOST_FINDINGS} mistakes", self.at.mark(event.start_mark))
        except (YAMLError, UnicodeDecodeError) as error:
            # The second comes from a tag whose escapes are no UTF-8, and has no mark.
            mark = getattr(error, "problem_mark", None) or (event.end_mark if event is not None else None)
            return self._syntax(error, mark)
        return None

    def _begin(self, event: DocumentStartEvent) -> None:
        self._start = self.at.mark(event.start_mark)
        self._anchors.clear()
        self._next(self._start)
        if event.version not in {None, (1, 2)}:
            self.sink.warning("L015", "the directive asks for YAML 1.1, but this file is read as YAML 1.2",
                              self.at.directive(event, "%YAML"), hint="delete the directive")
        if event.tags:
            self.sink.error("L016", "found a %TAG directive, expected none", self.at.directive(event, "%TAG"), hint="delete it")

    def _next(self, place: Place) -> None:
        self._seen += 1
        if self._seen > MOST_DOCUMENTS:
            self._limit(f"more than {MOST_DOCUMENTS} documents", place)

    def _end(self, event: DocumentEndEvent) -> None:
        root, start = self._root, self._start
        self._root = self._start = None
        if root is None or start is None:
            return
        if root.value is None:
            self._empty += [start] if self.content or root.text else []
            return
        for place in self._empty:
            self.sink.warning("L021", "found a document without content before another", place, hint="delete it")
        self._empty.clear()
        self.content = True
        if isinstance(root.value, self.roots):
            after = self.at.base + event.end_mark.line + (event.end_mark.column > 0)
            self.documents.append(Document(self.at.file, root, self._seen - 1, range(start.line, after + 1)))
        else:
            found = "a list" if isinstance(root.value, tuple) else "a single value"
            self.sink.error("L006", f"found {found} as a document, expected a mapping", root.place,
                            hint="write apiVersion, kind and metadata at the start of lines")

    def _syntax(self, error: Exception, mark: StreamMark | None) -> int:
        """Report an error of syntax and forget the document that has it; the first row where another one may begin."""
        place = self.at.mark(mark) if mark is not None else self.at.spot(self.at.base, 0)
        begun, self._start, self._root = self._start, None, None
        if begun is None:
            self._next(place)
        mark_of_start = getattr(error, "context_mark", None)
        start = self.at.mark(mark_of_start) if mark_of_start is not None else place
        opened = next((frame.place for frame in reversed(self._stack) if frame.bracketed), start)
        self._stack.clear()
        self.content = True
        if not self.stopped:
            self.sink.add(scalars.diagnose(self.at, str(getattr(error, "problem", "tag")), place, start, opened))
        row = self.at.base if mark is None else mark.line + self.at.base
        return max(row, begun.line) if begun is not None else row

    def _limit(self, what: str, place: Place) -> None:
        self.sink.error("L001", f"found {what}", place, hint="no specification needs as much: split or simplify it")
        self.stopped = self.content = True

    def _count(self, place: Place, more: int = 1) -> bool:
        self._nodes += more
        if self._nodes > MOST_NODES:
            self._limit(f"more than {MOST_NODES} values", place)
        return not self.stopped

    def _open(self, event: MappingStartEvent | SequenceStartEvent, *, mapping: bool) -> None:
        place = self.at.collection(event, mapping=mapping)
        if len(self._stack) >= DEEPEST:
            self._limit(f"more than {DEEPEST} levels of nesting", place)
        if not self._count(place):
            return
        if event.tag is not None and str(event.tag) != "!" and _CORE_TAGS.get(str(event.tag)) is not mapping:
            self._report(scalars.wrong_tag(str(event.tag)), self.at.tag(event))
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        bracketed = self.at.lines[place.line - 1].startswith(("{", "["), place.column - 1)
        self._stack.append(_Frame(place, {} if mapping else None, event.anchor, self._nodes - 1, bracketed))

    def _close(self, _event: object) -> None:
        frame = self._stack.pop()
        value = tuple(frame.items) if frame.values is None else frame.values
        node = Node(value, frame.place, None if frame.values is None else frame.keys)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchored(node, self._nodes - frame.nodes_before, frame.height)
        self._add(node, frame.height)

    def _expects_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].values is not None and self._stack[-1].key is None

    def _is_private(self) -> bool:
        """Whether what is read stands under a key that says it is a credential."""
        return tells(next((frame.key for frame in reversed(self._stack) if frame.key is not None), ""))

    def _scalar(self, event: ScalarEvent) -> None:
        place = self.at.scalar(event)
        # A key is no value: it is bounded by the value that follows it.
        if not self._expects_key() and not self._count(place):
            return
        text, tag, bare = str(event.value).translate(self.table), event.tag, not event.style
        if event.style == '"':
            for finding, where in islice(self.at.escapes(event), 20):
                self._report(finding, where)
        reading = scalars.value(text, tag, bare=bare)
        for finding in (reading, *(scalars.looks(text, key=self._expects_key()) if bare else ())):
            self._report(finding, self.at.tag(event) if finding.code == "L016" else place)
        node = Node(reading.value, place, None, text, bare, reading.value is None and bool(text or tag))
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(node, 1, 0)
        self._add(node)

    def _report(self, finding: scalars.Reading, place: Place) -> None:
        if finding.code and self._is_private():
            # What stands here is a credential, whatever it looks like to YAML: `password: 0123456`.
            finding = finding._replace(reason=re.sub(r"`[^`]*`", "what is not shown", finding.reason, count=1))
        if finding.code in {"L012", "L017"} or (finding.code == "L020" and not self._expects_key()):
            self.sink.warning(finding.code, finding.reason, place, hint=finding.hint)
        elif finding.code:
            self.sink.error(finding.code, finding.reason, place, hint=finding.hint)

    def _alias(self, event: AliasEvent) -> None:
        place = self.at.mark(event.start_mark, event.end_mark.column)
        name = str(event.anchor)
        said = "what is not shown" if self._is_private() or looks_like_credential(name) else f"`*{scalars.shown(name)}`"
        self._aliases += 1
        if self._aliases > MOST_ALIASES:
            self._limit(f"more than {MOST_ALIASES} aliases", place)
        found = self._anchors.get(name)
        if found is None:
            what = "is part of what it repeats" if name in self._anchors else "has no anchor before it"
            self.sink.error("L009", f"{said} {what}", place, hint="write the value out")
            found = _Anchored(Node("", place), 1, 0)
        if len(self._stack) + found.height > DEEPEST:
            self._limit(f"more than {DEEPEST} levels of nesting", place)
        if self._count(place, found.size):
            self._add(replace(found.node, place=place), found.height)

    def _add(self, node: Node, height: int = 0) -> None:
        """Put a finished node where it belongs; `height` is the number of levels it has."""
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        frame.height = max(frame.height, height + 1)
        if frame.values is None:
            frame.items.append(node)
        elif frame.key is None:
            self._key(frame, frame.values, node)
        else:
            if not frame.skip:
                frame.values[frame.key] = node
            frame.key, frame.skip = None, False

    def _key(self, frame: _Frame, values: dict[str, Node], node: Node) -> None:
        key = node.value if isinstance(node.value, str) else node.text
        if not frame.bracketed and not values and not frame.keys:
            frame.place = node.place
        frame.key, frame.skip = key, True
        if not isinstance(node.value, str):
            kind = _KINDS.get(type(node.value), "no text")
            self.sink.error("L008", f"found a key that is {kind}, expected text", node.place,
                            hint=f'write "{scalars.shown(key)}" in quotes' if key else "write a name before the colon")
        elif node.plain and key == "<<":
            self.sink.error("L011", "found the merge key `<<`, which YAML 1.2 does not have", node.place,
                            hint="write the values out, or use the platform's profiles")
        elif key in values:
            said = "one key" if looks_like_credential(key) else f"the key `{scalars.shown(key)}`"
            self.sink.error("L007", f"found {said} twice in one mapping", node.place,
                            hint="delete one of them", related=(Related(frame.keys[key], "first here"),))
        else:
            frame.skip = False
            frame.keys[key] = node.place
