"""Text → `Document`: values with their places, built one by one from the parser's event stream.

The parser is libyaml by way of ruamel.yaml. Nothing is composed recursively, and every limit is counted on
events, so that no input makes the process deep, large or slow. Values follow YAML 1.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from obsc import scalars
from obsc.diagnostics import Place, Related, Sink

if TYPE_CHECKING:
    from ruamel.yaml.events import Event

Scalar: TypeAlias = str | int | float | bool | None
Path: TypeAlias = tuple[str | int, ...]

LARGEST_FILE = 1 << 20
DEEPEST = 60
MOST_NODES = 50_000
MOST_ALIASES = 100
MOST_DOCUMENTS = 1_000
_FORMAT = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
_CORE_COLLECTIONS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "!"})
_SMART = ("\u201c", "\u201d", "\u2018", "\u2019", "\u00ab")


@dataclass(frozen=True, slots=True)
class Node:
    """A value as written, with its place. `value` is a scalar, a tuple of nodes, or a dict of key → node.

    `keys` has the place of each key of a mapping. `text` is a scalar's source text (decoded, before
    its type was decided) and `plain` says whether it was written without quotes; `null_word` tells the
    word `null` (or `~`) from a key that has no value at all.
    """

    value: Scalar | tuple[Node, ...] | dict[str, Node]
    place: Place
    keys: dict[str, Place] | None = None
    text: str = ""
    plain: bool = True
    null_word: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document of a file: its tree, the file's name as given, and the number within the file."""

    file: str
    root: Node
    index: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: its text split in lines (for carets) and its documents."""

    file: str
    lines: tuple[str, ...]
    documents: tuple[Document, ...]


def load(file: str, raw: bytes, sink: Sink) -> Source:
    """Parse the bytes of a file. Never raises for bad input: each oddity becomes a placed diagnostic.

    A syntax error ends its document only: what stands before it and after the next `---` is still read.
    """
    text = _decode(file, raw, sink)
    if text is None:
        return Source(file, tuple(_shown(raw).split("\n")), ())
    lines = tuple(text.split("\n"))
    if not _characters(file, lines, sink):
        return Source(file, lines, ())
    reader = _Reader(file, lines, sink)
    _documents(reader, text)
    if not reader.documents and not reader.stopped and not reader.broken:
        sink.error("L002", "found no document, expected a mapping such as an AIService", Place(file),
                   hint="write apiVersion, kind and metadata")
    return Source(file, lines, tuple(reader.documents))


def at(node: Node, path: Path) -> Node | None:
    """The node at a path, or None."""
    found: Node | None = node
    for step in path:
        value = found.value if found is not None else None
        if isinstance(value, dict) and isinstance(step, str):
            found = value.get(step)
        elif isinstance(value, tuple) and isinstance(step, int):
            found = value[step] if step < len(value) else None
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
    """The tree as plain data: dicts, lists and scalars."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain(child) for child in node.value]
    return node.value


def render(path: Path) -> str:
    """A path as people write it: `metrics.endpoints[0].port`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            shown = step if re.fullmatch(r"[A-Za-z0-9_-]+", step) else f'"{step}"'
            text += f".{shown}" if text else shown
    return text


def _shown(raw: bytes) -> str:
    return raw[:LARGEST_FILE].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


def _decode(file: str, raw: bytes, sink: Sink) -> str | None:
    if len(raw) > LARGEST_FILE:
        sink.error("L001", f"the file has {len(raw)} bytes, expected at most {LARGEST_FILE}", Place(file),
                   hint="split it: one service a file")
        return None
    if raw[:4] in {b"\xff\xfe\0\0", b"\0\0\xfe\xff"} or raw[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in raw[1:4:2]:
        sink.error("L003", "the file is UTF-16 or UTF-32, expected UTF-8", Place(file), hint="save it as UTF-8")
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = _shown(raw[:error.start])
        line, column = before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1
        sink.error("L003", f"byte {error.start} is not UTF-8", Place(file, line, column, line, column + 1),
                   hint="save the file as UTF-8")
        return None
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _characters(file: str, lines: tuple[str, ...], sink: Sink) -> bool:
    fine = True
    for number, line in enumerate(lines, 1):
        control = _CONTROL.search(line)
        if control is not None:
            sink.error("L004", f"found the control character U+{ord(control.group()):04X}, expected text",
                       _spot(file, number, control.start()), hint="delete it")
            fine = False
        for hidden in _FORMAT.finditer(line):
            sink.error("L005", f"found the invisible character U+{ord(hidden.group()):04X}: what is read is not what is seen",
                       _spot(file, number, hidden.start()), hint="delete it")
    return fine


def _spot(file: str, line: int, offset: int) -> Place:
    return Place(file, line, offset + 1, line, offset + 2)


def _documents(reader: _Reader, text: str) -> None:
    """Read document after document; after a syntax error go on behind the next `---`."""
    start = 0
    while True:
        failed = reader.run("\n" * start + "\n".join(reader.lines[start:]) if start else text)
        if failed is None or reader.stopped:
            return
        later = (number for number in range(failed, len(reader.lines)) if reader.lines[number].startswith("---"))
        start = next(later, -1)
        if start < 0:
            return


@dataclass(slots=True)
class _Frame:
    """A collection that is still open: its place, what it holds so far, and the key that waits for its value."""

    place: Place
    values: dict[str, Node] | None
    items: list[Node]
    keys: dict[str, Place]
    anchor: str | None
    nodes_before: int
    key: str | None = None
    key_place: Place | None = None
    skip: bool = False


@dataclass(slots=True)
class _Reader:
    file: str
    lines: tuple[str, ...]
    sink: Sink
    documents: list[Document] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int]] = field(default_factory=dict)
    root: Node | None = None
    nodes: int = 0
    aliases: int = 0
    seen: int = 0
    stopped: bool = False
    broken: bool = False

    def run(self, text: str) -> int | None:
        """Read events to the end; the 0-based line behind a syntax error, or None."""
        from ruamel.yaml.cyaml import CParser  # noqa: PLC0415  a compiled module, wanted only where files are read
        from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

        parser = CParser(text.encode("utf-8", "surrogatepass"))
        try:
            while not self.stopped and parser.check_event():
                self._event(parser.get_event())
        except MarkedYAMLError as error:
            return self._syntax(error)
        except YAMLError as error:
            self.sink.error("L010", f"the YAML cannot be read: {_first_line(str(error))}", Place(self.file))
            self.stopped = True
        return None

    def _syntax(self, error: object) -> int:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = min(mark.line if mark is not None else 0, len(self.lines) - 1)
        offset = min(mark.column if mark is not None else 0, len(self.lines[line]))
        problem = _first_line(str(getattr(error, "problem", "") or error))
        message, hint = _explained(problem, self.lines[line], offset)
        self.sink.error("L010", message, _spot(self.file, line + 1, offset), hint=hint)
        self.broken = True
        self.stack.clear()
        self.anchors.clear()
        self.root = None
        self.seen += 1
        return line + 1

    def _event(self, event: Event) -> None:
        kind = type(event).__name__
        match kind:
            case "ScalarEvent":
                self._scalar(event)
            case "AliasEvent":
                self._alias(event)
            case "MappingStartEvent" | "SequenceStartEvent":
                self._open(event, mapping=kind == "MappingStartEvent")
            case "MappingEndEvent" | "SequenceEndEvent":
                self._close()
            case "DocumentStartEvent":
                self._start(event)
            case "DocumentEndEvent":
                self._end()

    def _start(self, event: Event) -> None:
        if getattr(event, "version", None) not in {None, (1, 2)}:
            self.sink.warning("L015", "the directive asks for YAML 1.1, this is read as YAML 1.2", self._mark(event),
                              hint="delete the directive")
        if getattr(event, "tags", None):
            self.sink.error("L016", "found a %TAG directive, expected none", self._mark(event), hint="delete it")

    def _end(self) -> None:
        root, self.root = self.root, None
        self.anchors.clear()
        self.nodes = self.aliases = 0
        self.seen += 1
        if self.seen > MOST_DOCUMENTS:
            self._limit(f"more than {MOST_DOCUMENTS} documents", Place(self.file))
        elif root is not None and isinstance(root.value, dict):
            self.documents.append(Document(self.file, root, self.seen - 1))
        elif root is not None and root.value is not None:
            found = "a list" if isinstance(root.value, tuple) else "a single value"
            self.sink.error("L006", f"found {found} at the top, expected a mapping", root.place,
                            hint="write apiVersion, kind and metadata at the start of lines")
            self.stopped = self.stopped or not self.documents

    def _mark(self, event: Event) -> Place:
        start, end = event.start_mark, event.end_mark
        line = min(start.line, len(self.lines) - 1)
        width = len(self.lines[line])
        column = min(start.column, width)
        stop = min(end.column, width) if end.line == start.line else width
        return Place(self.file, line + 1, column + 1, line + 1, max(stop, column + 1) + 1)

    def _limit(self, what: str, place: Place) -> None:
        self.sink.error("L001", f"found {what}", place, hint="no specification needs as much: split or simplify it")
        self.stopped = True

    def _count(self, place: Place, more: int = 1) -> bool:
        self.nodes += more
        if self.nodes > MOST_NODES:
            self._limit(f"more than {MOST_NODES} values", place)
        return not self.stopped

    def _open(self, event: Event, *, mapping: bool) -> None:
        place = self._mark(event)
        if len(self.stack) >= DEEPEST:
            self._limit(f"more than {DEEPEST} levels of nesting", place)
        if not self._count(place):
            return
        tag = getattr(event, "tag", None)
        if tag is not None and tag not in _CORE_COLLECTIONS:
            self._unknown_tag(str(tag), place)
        narrow = Place(place.file, place.line, place.column, place.line, place.column + 1)
        self.stack.append(_Frame(narrow, {} if mapping else None, [], {}, getattr(event, "anchor", None), self.nodes))

    def _close(self) -> None:
        frame = self.stack.pop()
        value = frame.values if frame.values is not None else tuple(frame.items)
        node = Node(value, frame.place, frame.keys if frame.values is not None else None)
        if frame.anchor is not None:
            self.anchors[frame.anchor] = (node, self.nodes - frame.nodes_before + 1)
        self._add(node)

    def _scalar(self, event: Event) -> None:
        place = self._mark(event)
        if not self._count(place):
            return
        text, style, tag = str(event.value), getattr(event, "style", None), getattr(event, "tag", None)  # type: ignore[attr-defined]
        as_plain = not style
        if text.startswith(_SMART) and as_plain:
            self.sink.warning("L017", "typographic quotes are part of the text", place, hint="use straight quotes")
        node = Node(self._value(text, place, plain_style=as_plain, tag=tag), place, None, text, as_plain,
                    as_plain and tag is None and text in {"~", "null", "Null", "NULL"})
        self._hidden(text, place)
        if getattr(event, "anchor", None) is not None:
            self.anchors[str(event.anchor)] = (node, 1)  # type: ignore[attr-defined]
        self._add(node)

    def _hidden(self, text: str, place: Place) -> None:
        for found in (*_CONTROL.finditer(text), *_FORMAT.finditer(text)):
            # Raw ones were reported where they stand: this one was written as an escape.
            if found.group() not in self.lines[place.line - 1]:
                self.sink.error("L004", f"the escape gives U+{ord(found.group()):04X}, expected printable text", place,
                                hint="delete it")

    def _value(self, text: str, place: Place, *, plain_style: bool, tag: object) -> Scalar:
        if tag is not None:
            explicit = scalars.tagged(str(tag), text)
            if explicit is None:
                self._unknown_tag(str(tag), place)
                return text
            reading = explicit
        elif not plain_style or self._expects_key():
            return text
        else:
            reading = scalars.read(text)
        if reading.code == "L012":
            self.sink.warning(reading.code, reading.reason, place, hint=f'write "{text}" in quotes')
        elif reading.code:
            self.sink.error(reading.code, reading.reason, place, hint="write text in quotes, numbers in plain decimals")
        return reading.value

    def _unknown_tag(self, tag: str, place: Place) -> None:
        self.sink.error("L016", f"found the tag `{tag[:60]}`, expected none", place, hint="delete the tag")

    def _expects_key(self) -> bool:
        return bool(self.stack) and self.stack[-1].values is not None and self.stack[-1].key is None

    def _alias(self, event: Event) -> None:
        place, name = self._mark(event), str(event.anchor)  # type: ignore[attr-defined]
        self.aliases += 1
        if self.aliases > MOST_ALIASES:
            self._limit(f"more than {MOST_ALIASES} aliases", place)
            return
        if name not in self.anchors:
            cyclic = any(frame.anchor == name for frame in self.stack)
            what = f"`*{name}` contains itself" if cyclic else f"`*{name}` has no anchor `&{name}` before it"
            self.sink.error("L009", what, place, hint="write the value out")
            self._add(Node("", place))
            return
        node, size = self.anchors[name]
        if self._count(place, size):
            self._add(node)

    def _add(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        if frame.values is None:
            frame.items.append(node)
        elif frame.key is None:
            self._key(frame, node)
        else:
            if not frame.skip:
                frame.values[frame.key] = node
            frame.key, frame.skip = None, False

    def _key(self, frame: _Frame, node: Node) -> None:
        assert frame.values is not None
        key = node.value if isinstance(node.value, str) else "?"
        frame.key, frame.key_place, frame.skip = key, node.place, True
        if not isinstance(node.value, str) or (node.plain and not isinstance(scalars.read(node.text).value, str)):
            self.sink.error("L008", "found a key that is no text", node.place, hint="write the key in quotes")
        elif node.plain and key == "<<":
            self.sink.error("L011", "found a merge key `<<`, which YAML 1.2 does not have", node.place,
                            hint="write the values out, or use the platform's profiles")
        elif key in frame.values:
            self.sink.error("L007", f"the key `{_cut(key)}` stands twice", node.place, hint="delete one of them",
                            related=(Related(frame.keys[key], "first here"),))
        else:
            frame.skip = False
            frame.keys[key] = node.place


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0][:200]


def _explained(problem: str, line: str, offset: int) -> tuple[str, str]:
    """libyaml's word on a syntax error in ours, with what usually mends it."""
    rest = line[offset:offset + 1]
    if rest == "\t" or (line[:offset + 1].strip(" ") == "\t"):
        return "found a tab where YAML takes only spaces", "indent with spaces"
    if line.lstrip(" \t")[:1] == "\u00a0" or "\u00a0" in line[:offset]:
        return "found a no-break space where YAML takes a space", "type the space anew"
    for part, hint in (
        ("did not find expected key", "compare the indentation with the lines above"),
        ("could not find expected ':'", "write `key: value`; text that spans lines or has a colon needs quotes"),
        ("mapping values are not allowed", "quote text that contains `: `, or mend the indentation"),
        ("cannot start any token", "quote text that begins with this character"),
        ("found unexpected ':'", "inside [ ] and { } quote text that contains a colon"),
        ("unexpected end of stream", "close the quote"),
        ("did not find expected ',' or", "close the bracket"),
        ("did not find expected '-' indicator", "compare the indentation with the lines above"),
    ):
        if part in problem:
            return f"the YAML cannot be read: {problem}", hint
    return f"the YAML cannot be read: {problem}", "compare the indentation and the quotes with the lines above"
