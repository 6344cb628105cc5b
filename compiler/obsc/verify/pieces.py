"""Files and the texts within them → pieces: plain data that knows where each part of it stands in its file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from obsc.diagnostics import Diagnostic, Place, Severity, Sink
from obsc.source import Node, Path, Source, at, load, place_of
from obsc.verify import jsontext
from obsc.verify.problem import HINTS, Problem

YAML_ENDS = (".yaml", ".yml", ".rules")
JSON_END = ".json"
_LARGEST = 8 << 20
# What the language forbids in a spec is at home in a manifest: file modes are octal there.
_ONLY_WARNINGS = frozenset({"L013"})
_NOTHING = frozenset({"L002"})
_OCTAL = re.compile(r"0[0-7]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """One document. `name` is its file's name or the key that holds it, `size` its bytes as written.

    `place` gives the place of a path (or of its key), `block` the lines and columns by which the text of a scalar at a
    path is moved in the file, None where its lines are not lines of the file.
    """

    name: str
    data: object
    size: int
    place: Callable[[Path, bool], Place]
    block: Callable[[Path], tuple[int, int] | None]


def read(path: FilePath, sink: Sink) -> tuple[Source | None, tuple[Piece, ...]]:
    """The documents of a file, and its text for carets. What cannot be read is reported."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        sink.error("L019", f"the file cannot be read: {error.strerror}", Place(path.as_posix()), hint="mend its rights")
        return None, ()
    return parse(path.as_posix(), path.name, raw, sink)


def parse(file: str, name: str, raw: bytes, sink: Sink) -> tuple[Source, tuple[Piece, ...]]:
    """The documents of a text; the name's end says whether it is JSON."""
    return _json(file, name, raw, sink) if name.endswith(JSON_END) else _yaml(file, name, raw, sink)


def inside(piece: Piece, path: Path, name: str, text: str, sink: Sink) -> tuple[Piece, ...]:
    """The documents of a text that is the value at a path of a piece. Places are those of the file around it."""
    outer, shift, found = piece.place(path, False), piece.block(path), Sink()
    _, pieces = parse(outer.file, name, text.encode("utf-8", "replace"), found)

    def moved(place: Place) -> Place:
        if shift is None:
            return outer
        lines, columns = shift
        return Place(outer.file, place.line + lines, place.column + columns, place.end_line + lines, place.end_column + columns)

    for one in found:
        related = tuple(other._replace(place=moved(other.place)) for other in one.related)
        sink.add(replace(one, place=moved(one.place), related=related))
    return tuple(Piece(one.name, one.data, one.size, _composed(moved, one), lambda _: None) for one in pieces)


def diagnostic(piece: Piece, problem: Problem) -> Diagnostic:
    """A problem with its place."""
    place = piece.place(problem.path, problem.key)
    return Diagnostic(problem.code, problem.severity, problem.message, place, "", problem.hint or HINTS.get(problem.code, ""))


def _composed(moved: Callable[[Place], Place], piece: Piece) -> Callable[[Path, bool], Place]:
    return lambda path, key: moved(piece.place(path, key))


def _json(file: str, name: str, raw: bytes, sink: Sink) -> tuple[Source, tuple[Piece, ...]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        sink.error("L003", "the file is not UTF-8", Place(file), hint="save it as UTF-8")
        return Source(file, (), ()), ()
    source = Source(file, tuple(text.split("\n")), ())
    if len(raw) > _LARGEST:
        sink.error("L001", f"found {len(raw)} bytes, expected at most {_LARGEST}", Place(file), hint="split the file")
        return source, ()
    data, readable = jsontext.read(file, text, sink)
    if not readable:
        return source, ()
    piece = Piece(name, data, len(raw), lambda path, key: jsontext.place(file, text, path, key=key), lambda _: None)
    return source, (piece,)


def _yaml(file: str, name: str, raw: bytes, sink: Sink) -> tuple[Source, tuple[Piece, ...]]:
    found = Sink()
    source = load(file, raw, found, lists=True, most=_LARGEST)
    for one in found:
        if one.code not in _NOTHING:
            sink.add(replace(one, severity=Severity.WARNING) if one.code in _ONLY_WARNINGS else one)
    return source, tuple(_documents(source, name, len(raw)))


def _documents(source: Source, name: str, size: int) -> Iterator[Piece]:
    starts = [one.root.place.line for one in source.documents]
    for index, document in enumerate(source.documents):
        own = size
        if len(starts) > 1:
            end = starts[index + 1] - 1 if index + 1 < len(starts) else len(source.lines)
            own = sum(len(line.encode("utf-8", "replace")) + 1 for line in source.lines[starts[index] - 1:end])
        yield Piece(name, _data(document.root), own, _finder(document.root), _blocks(document.root, source.lines))


def _data(node: Node) -> object:
    """The tree as plain data. A bare number that begins with a zero is octal, as Kubernetes and kustomize read it."""
    if isinstance(node.value, dict):
        return {key: _data(value) for key, value in node.value.items()}
    if isinstance(node.value, tuple):
        return [_data(item) for item in node.value]
    return int(node.text, 8) if node.plain and _OCTAL.fullmatch(node.text) else node.value


def _finder(root: Node) -> Callable[[Path, bool], Place]:
    return lambda path, key: place_of(root, path, key=key)


def _blocks(root: Node, lines: tuple[str, ...]) -> Callable[[Path], tuple[int, int] | None]:
    def block(path: Path) -> tuple[int, int] | None:
        node = at(root, path)
        if node is None or not isinstance(node.value, str) or not lines[node.place.line - 1].startswith("|", node.place.column - 1):
            return None
        for offset, line in enumerate(node.value.split("\n")):
            row = node.place.line + offset
            if line.strip() and row < len(lines):
                written = lines[row]
                return (node.place.line, len(written) - len(line)) if written.endswith(line) else None
        return None

    return block
