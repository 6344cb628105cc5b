"""What lies below a document's structure: bytes → text, places in it, scalars, and the parser's complaints in plain words.

Scalars follow YAML 1.2's core schema. What readers of YAML 1.1 would take for something else is told, not obeyed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from obsc.diagnostics import Diagnostic, Place, Related, Severity, Sink

if TYPE_CHECKING:
    from ruamel.yaml.error import StreamMark
    from ruamel.yaml.events import DocumentStartEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

Value: TypeAlias = str | int | float | bool | None

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_CORE = "tag:yaml.org,2002:"
_KINDS = {_CORE + "int": int, _CORE + "float": float, _CORE + "bool": bool, _CORE + "null": type(None)}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_OLD_BOOL = re.compile(r"([yY]|[yY]es|YES|[oO]n|ON)|[nN]|[nN]o|NO|[oO]ff|OFF")
_OLD_BASE_60 = re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*")
_OLD_NUMBER = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9_]*(?:[eE][-+][0-9]+)?)?|\.[0-9][0-9_]*)")
_NOT_ZERO = re.compile(r"[-+]?[0.]*[1-9]")
_BIT_63 = 2**63
# 64 bits are 19 digits, 16 hexadecimal or 22 octal ones: what is longer needs no conversion, which can be slow.
_LONGEST_INT = 24
_LONGEST_FLOAT = 400
# libyaml compares each %TAG with all before it: thousands would take minutes.
_MOST_TAG_DIRECTIVES = 20
_MOST_UNSEEN = 20
# What never belongs in a text: C0 and C1 controls but tab and line feed, DEL, the separators that only some readers
# take for line breaks, noncharacters.
_CONTROL = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufdd0-\ufdef\ufffe\uffff" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
# Unicode's default-ignorable characters and the interlinear marks: nothing is drawn, or what is drawn is moved. The two
# variation selectors that choose between an emoji and its text form (U+FE0E, U+FE0F) are harmless and common.
_INVISIBLE = ("\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
              "\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff")
_EXPECTED = "expected text that is what it looks like"
_UNSEEN = re.compile(f"[{_CONTROL}{_INVISIBLE}]")
_REFUSED = re.compile(f"[{_CONTROL}\ufeff]")
_CONTROL_NAMES = {"\0": "NUL", "\a": "bell", "\r": "carriage return", "\x1b": "escape", "\x7f": "delete", "\x85": "next line"}
_BYTE_ORDER_MARK = "\ufeff"
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_SHORT_ESCAPES = {"0": "\0", "a": "\a", "b": "\b", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b", "N": "\x85", "L": "\u2028",
                  "P": "\u2029"}
# Spaces that YAML does not take for spaces, as they come with text that was copied from a page or a chat.
_SPACES = frozenset("\u00a0\u1680\u202f\u205f\u3000") | {chr(code) for code in range(0x2000, 0x200B)}
_WRONG_SPACE = re.compile(f"(?:^ *|[:-] *)([{''.join(sorted(_SPACES))}])")
_SMART = frozenset("\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb\u2039\u203a")
_SMART_START = re.compile(f"(?:^|[-:,{{[]) *[{''.join(sorted(_SMART))}]")
_PROPERTY = re.compile(r"[&!]\S*(?:[ \t]+|$)")
# A directive or a tag, which keeps its colons; or a colon or question mark that is text wherever it stands.
_NO_INDICATOR = re.compile(r"^%.*|(?:^|(?<=[\s\[{,]))!\S*"
                           r"|(?<![\"'\]}]):(?=[^\s,\[\]{}])|(?<=[^\s,\[\]{}\"'])\?|\?(?=[^\s,\[\]{}])", re.MULTILINE)
_TAG = re.compile(r"![^\s,\[\]{}]*")
_NOTHING = re.compile(r"[ \t]*(?:#.*)?")
_WIDE = {b"\xff\xfe\0\0": "utf-32-le", b"\0\0\xfe\xff": "utf-32-be", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_WIDE_BY_ZEROS = {(1, 3): "utf-16-le", (0, 2): "utf-16-be", (1, 2, 3): "utf-32-le", (0, 1, 2): "utf-32-be"}


class Reading(NamedTuple):
    """A scalar's value; with a code, a reason and a hint if the text is not plainly that value ("" if it is)."""

    value: Value
    code: str = ""
    reason: str = ""
    hint: str = ""


class Slip(NamedTuple):
    """A syntax error in plain words. `at_start`: the line to change is where the broken construct begins."""

    message: str
    hint: str
    code: str = "L010"
    at_start: bool = False


def decode(file: str, raw: bytes, sink: Sink, *, most: int) -> tuple[str, bool]:
    """The text of a file of at most `most` bytes, with line feeds only, and whether it is worth parsing.

    Everything that no parser needs to see is reported here: encodings, control and invisible characters.
    """
    if len(raw) > most:
        sink.error("L001", f"the file has {len(raw)} bytes, expected at most {most}", Place(file), hint="split it")
        return _unified(raw[:most].decode("utf-8", "replace")), False
    wide = _wide_encoding(raw)
    if wide:
        sink.error("L003", f"the file is {wide[:6].upper()} text, expected UTF-8", Place(file), hint="save the file as UTF-8")
        return _unified(raw.decode(wide, "replace")), False
    try:
        text = _unified(raw.decode())
    except UnicodeDecodeError as error:
        before = _unified(raw[:error.start].decode())
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        sink.error("L003", f"the byte 0x{raw[error.start]:02X} at offset {error.start}, on line {line}, is not UTF-8",
                   Place(file, line, column, line, column + 1),
                   hint="save the file as UTF-8; it may be Windows-1252 or Latin-1")
        return _unified(raw.decode("utf-8", "replace")), False
    _report_unseen(file, text, sink)
    tags = [found.start() for found in re.finditer(r"^%TAG", text, re.MULTILINE)]
    few = len(tags) <= _MOST_TAG_DIRECTIVES
    if not few:
        line = text.count("\n", 0, tags[0]) + 1
        sink.error("L001", f"found {len(tags)} %TAG directives, expected none", Place(file, line, 1, line, 5), hint="delete them")
    return text, few


def _unified(text: str) -> str:
    return text.removeprefix(_BYTE_ORDER_MARK).replace("\r\n", "\n").replace("\r", "\n")


def _wide_encoding(raw: bytes) -> str:
    """The codec of a UTF-16 or UTF-32 text, told by its byte order mark or by where zero bytes stand; "" if none."""
    for mark, codec in _WIDE.items():
        if raw.startswith(mark):
            return codec
    if len(raw) < 4:
        return ""
    columns = [raw[offset:256:4] for offset in range(4)]
    return _WIDE_BY_ZEROS.get(tuple(n for n, column in enumerate(columns) if column.count(0) * 2 > len(column)), "")


def _report_unseen(file: str, text: str, sink: Sink) -> None:
    """Report such characters wherever they stand, in comments too: they also deceive who reviews. The first ones do."""
    line, start = 1, 0
    for found in islice(_UNSEEN.finditer(text), _MOST_UNSEEN):
        line += text.count("\n", start, found.start())
        start = found.start()
        column = start - text.rfind("\n", 0, start)
        code, name = _named(found)
        sink.error(code, f"found {name}, {_EXPECTED}", Place(file, line, column, line, column + 1), hint="delete it")


def read(text: str) -> Reading:
    """The value of a plain scalar that has no tag. What is out of range or ambiguous stays text, with a code."""
    if text in _NULL:
        return Reading(None)
    if text in _BOOL:
        return Reading(_BOOL[text])
    if text[0] in "+-.0123456789":
        return _number(text)
    old = _OLD_BOOL.fullmatch(text)
    if old is not None:
        other = "true" if old.group(1) else "false"
        return Reading(text, "L012", f"`{text}` is text here, but `{other}` to readers of YAML 1.1",
                       f'write "{text}" in quotes, or {other}')
    return Reading(text)


def _number(text: str) -> Reading:
    if _LEADING_ZERO.fullmatch(text):
        return Reading(text, "L013", f"found `{shown(text)}`: readers disagree whether a leading zero means octal",
                       "write the number without the zero (octal: 0o…), or text in quotes")
    if _INT.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return _real(text)
    if _SPECIAL.fullmatch(text):
        return _out_of_range(text, f"`{text}`")
    for pattern, kind in ((_OLD_BASE_60, "a number in base 60"), (_OLD_NUMBER, "a number")):
        if pattern.fullmatch(text):
            return Reading(text, "L012", f"`{shown(text)}` is text here, but {kind} to readers of YAML 1.1",
                           "put text in quotes; write a number with plain digits")
    return Reading(text)


def _integer(text: str) -> Reading:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    if len(text) <= _LONGEST_INT:
        number = int(text, base)
        if -_BIT_63 <= number < _BIT_63:
            return Reading(number)
    return _out_of_range(text, "an integer beyond 64 bits")


def _real(text: str) -> Reading:
    number = float(text) if len(text) <= _LONGEST_FLOAT else float("inf")
    if number in {float("inf"), float("-inf")} or (number == 0 and _NOT_ZERO.match(text)):
        return _out_of_range(text, "a number beyond the range of floating point")
    return Reading(number)


def _out_of_range(text: str, what: str) -> Reading:
    return Reading(text, "L014", f"number out of range: found {what}, expected a finite one of at most 64 bits",
                   "put it in quotes if it is text, such as a commit or an id")


def value(text: str, tag: str | None, *, bare: bool) -> Reading:
    """The value of a scalar with its tag, if it has one; `bare`: it is written without quotes."""
    if tag is None and bare:
        return read(text)
    if tag in {None, "!", _CORE + "str"}:
        return Reading(text)
    found, kind = read(text), _KINDS.get(str(tag))
    number = float(found.value) if kind is float and type(found.value) is int else found.value
    fits = kind is not None and (type(number) is kind or found.code in {"L013", "L014"})
    return found._replace(value=number) if fits else wrong_tag(str(tag), text)


def wrong_tag(tag: str, text: str = "") -> Reading:
    """What to say about a tag that cannot be honoured; its value stays text."""
    name = "!!" + tag.removeprefix(_CORE) if tag.startswith(_CORE) else tag
    message = f"found the tag `{shown(name)}`, expected none, or a core tag that fits the value"
    return Reading(text, "L016", message, "delete the tag")


def shown(text: str, most: int = 40) -> str:
    """A text as a message may quote it: cut to `most` characters, with nothing unprintable in it."""
    cut = text if len(text) <= most else text[:most] + "…"
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in cut)


def parsable(text: str) -> tuple[bytes, dict[int, str]]:
    """What the parser is given in place of a text, column for column the same, and a table that translates values back.

    Characters that it refuses become U+FFFD. It is a libyaml 0.1, which takes every colon and question mark in brackets
    for an indicator: where YAML 1.2 has text, as in `[host:8080]`, characters that the text does not use stand in for them.
    """
    used = set(text)
    free = (code for code in range(0xE000, 0xF900) if chr(code) not in used)
    table = {next(free, 0xF8FE): ":", next(free, 0xF8FF): "?"}
    stand_ins = {char: chr(code) for code, char in table.items()}
    changed = _NO_INDICATOR.sub(lambda found: stand_ins.get(found.group(), found.group()), text)
    return _REFUSED.sub("\ufffd", changed).encode(), table


def _named(found: re.Match[str]) -> tuple[str, str]:
    """Code and name of an unseen character."""
    char = found.group()
    name = _CONTROL_NAMES.get(char) or unicodedata.name(char, "").lower()
    number = f"U+{ord(char):04X}" + (f" ({name})" if name else "")
    if char == _BYTE_ORDER_MARK:
        return "L005", "a byte order mark (U+FEFF) inside the file"
    control = _REFUSED.match(char) is not None
    return ("L004", f"the control character {number}") if control else ("L005", f"the invisible character {number}")


def looks(text: str, *, key: bool) -> Iterator[Reading]:
    """What a plain scalar seems to be other than it is: quoted, or set apart by a space (in a key, also one inside)."""
    if len(text) > 1 and text[0] in _SMART and text[-1] in _SMART:
        yield Reading(text, "L017", "typographic quotes do not quote: they are part of the text", "use straight quotes")
    if text and not _SPACES.isdisjoint(text if key else text[0] + text[-1]):
        yield Reading(text, _SPACE_SLIP.code, _SPACE_SLIP.message, _SPACE_SLIP.hint)


_SLIPS = {
    "expected key": Slip(
        "found something else where the next key of a mapping belongs",
        "indent it like the other keys; put text in quotes if it contains `: ` or goes on behind a quote or bracket"),
    "could not find expected ':'": Slip(
        "found text that is no `key: value`", "write a space behind the colon, or put the text in quotes", at_start=True),
    "mapping values are not allowed": Slip(
        "found a second `: ` where only a value can follow", "put the value in quotes, or mend the indentation"),
    "unexpected ':'": Slip("found a colon without a space behind it", "write a space behind it, or put the text in quotes"),
    "block sequence entries": Slip("found a list item where none can stand", "begin the list on a line of its own"),
    "mapping keys": Slip("found a key where none can stand", "begin the mapping on a line of its own"),
    "expected '-' indicator": Slip(
        "found something else where the next `- ` of a list belongs", "indent it like the other items, or deeper"),
    "expected ',' or ']'": Slip("found no `,` or `]` where a list goes on", "close the bracket, or put the text in quotes"),
    "expected ',' or '}'": Slip("found no `,` or `}` where a mapping goes on", "close the brace, or put the text in quotes"),
    "expected node content": Slip("found no value where one is expected", "write the value, or put the text in quotes"),
    "end of stream": Slip("found a quote that is never closed", "close the quote", at_start=True),
    "document indicator": Slip("found a quote that is open where a document ends", "close the quote", at_start=True),
    "unknown escape": Slip("found an escape that YAML does not have", "write \\\\ for a backslash, or use single quotes"),
    "hexdecimal": Slip("found an escape with too few digits", "write \\\\ for a backslash, or use single quotes"),
    "invalid Unicode character": Slip(
        "found an escape that is no character, such as half of a surrogate pair", "write the character itself", "L004"),
    "<document start>": Slip(
        "found text behind the end of a document", "indent it like the lines above, or write `---` before a new document"),
    "YAML d": Slip("found a version of YAML that is not 1.2, or a second one", "delete the directive", "L015"),
    "directive name": Slip("found a line that begins with `%`, an unknown directive", "put the text in quotes", "L015"),
    "alphabetic or numeric": Slip("found `&`, `*` or `!` without a name behind it", "put the text in quotes"),
    "equal to 0": Slip("found the indentation 0 behind `|` or `>`", "delete the digit"),
    "comment or line break": Slip("found text behind `|`, `>` or a directive", "begin the text on the next line"),
    "tag": Slip("found a tag that cannot be read", "delete the tag, or put the text in quotes", "L016"),
}
_SPACE_SLIP = Slip("found a no-break or other foreign space where YAML takes a plain one", "type the space anew", "L020")
_UNKNOWN_SLIP = Slip("found text that is no YAML", "compare the indentation and the quotes with the lines above")


@dataclass(slots=True)
class Lines:
    """The lines of a file, and the row (from 0) on which the stretch begins that the parser's marks count from."""

    file: str
    lines: tuple[str, ...]
    base: int = 0

    def spot(self, row: int, offset: int, stop: int = 0) -> Place:
        """A place on a row, from an offset up to another (all from 0), brought inside the file, one column wide at least."""
        if row >= len(self.lines):  # the parser ends a last line that has no line break
            row, offset = len(self.lines) - 1, len(self.lines[-1])
        offset = min(offset, len(self.lines[row]))
        return Place(self.file, row + 1, offset + 1, row + 1, max(stop, offset + 1) + 1)

    def mark(self, mark: StreamMark, stop: int = 0) -> Place:
        """The place of a mark."""
        return self.spot(mark.line + self.base, mark.column, stop)

    def directive(self, event: DocumentStartEvent, name: str) -> Place:
        """The line of a directive of a document that begins."""
        rows = range(event.start_mark.line + self.base, event.end_mark.line + self.base + 1)
        row = next((row for row in rows if self.lines[row].startswith(name)), rows[0])
        return self.spot(row, 0, len(self.lines[row].rstrip()))

    def scalar(self, event: ScalarEvent) -> Place:
        """The first line of a scalar, without anchor and tag; the indicator of a block scalar."""
        row, offset, last = event.start_mark.line + self.base, event.start_mark.column, event.end_mark.line + self.base
        if event.anchor is not None or event.tag is not None:
            row, offset = self._behind_properties(row, offset, last)
        if event.style in {"|", ">"}:
            return self.spot(row, offset)
        if row != last:
            return self.spot(row, offset, len(self.lines[row].rstrip()))
        return self.spot(row, min(offset, event.end_mark.column), event.end_mark.column)

    def _behind_properties(self, row: int, offset: int, last: int) -> tuple[int, int]:
        """Where a scalar's own text begins behind `&anchor` and `!tag`, which may stand on lines before it."""
        while True:
            line = self.lines[row]
            while (found := _PROPERTY.match(line, offset)) is not None:
                offset = found.end()
            if row >= last or _NOTHING.fullmatch(line, offset) is None:
                return row, offset
            row += 1
            offset = len(self.lines[row]) - len(self.lines[row].lstrip(" \t"))

    def tag(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> Place:
        """The tag of a value."""
        row, offset = event.start_mark.line + self.base, event.start_mark.column
        found = _TAG.search(self.lines[row], offset)
        return self.spot(row, offset) if found is None else self.spot(row, found.start(), found.end())

    def collection(self, event: MappingStartEvent | SequenceStartEvent, *, mapping: bool) -> Place:
        """The bracket of a collection, or where its first key or `-` stands."""
        if event.anchor is None and event.tag is None:
            return self.mark(event.start_mark)
        row, offset = event.end_mark.line + self.base, event.end_mark.column
        # The end mark is behind a bracket, before the `-` of a list, or behind it if the list is indented as its key is.
        behind = event.flow_style or not (mapping or self.lines[row].startswith("-", offset))
        return self.spot(row, max(offset - 1, 0) if behind else offset)

    def escapes(self, event: ScalarEvent) -> Iterator[tuple[Reading, Place]]:
        """Each escape of a double-quoted scalar that stands for a control or invisible character."""
        first, last = event.start_mark.line + self.base, event.end_mark.line + self.base
        for row in range(first, last + 1):
            line = self.lines[row]
            start, stop = event.start_mark.column if row == first else 0, event.end_mark.column if row == last else len(line)
            for found in _ESCAPE.finditer(line, start, stop):
                digits = found.group(1) or found.group(2) or found.group(3)
                # The parser has refused what is beyond Unicode before this runs.
                bad = _UNSEEN.match(chr(int(digits, 16)) if digits else _SHORT_ESCAPES.get(found.group(4), " "))
                if bad is not None:
                    code, name = _named(bad)
                    reading = Reading(None, code, f"the escape stands for {name}, {_EXPECTED}", "delete it")
                    yield reading, self.spot(row, found.start(), found.end())


def diagnose(at: Lines, problem: str, place: Place, start: Place, opened: Place) -> Diagnostic:
    """The parser's word on an error at a place, in a construct that begins at `start`, in plain words with what mends it.

    `opened` is the innermost bracket that is open there: where the document ends, it is the one to close.
    """
    line, offset = at.lines[place.line - 1], place.column - 1
    slip = _slip(problem, line, offset)
    related = (Related(start, "what cannot be read begins here"),) if start != place else ()
    at_end = (place.line == len(at.lines) and offset >= len(line)) or (offset == 0 and line.startswith(("---", "...")))
    if at_end and opened not in {start, place} and not slip.at_start:
        slip, related, place = _SLIPS["expected ',' or ']'"], (), opened
    elif slip.at_start or at_end:
        related, place = (), start
    elif "escape" in problem or "hexdecimal" in problem:
        place = at.spot(place.line - 1, max(line.rfind("\\", 0, offset + 1), 0), offset)
    space = _WRONG_SPACE.search(at.lines[place.line - 1])
    if space is not None:
        slip, place = _SPACE_SLIP, at.spot(place.line - 1, space.start(1))
    return Diagnostic(slip.code, Severity.ERROR, slip.message, place, "", slip.hint, related)


def _slip(problem: str, line: str, offset: int) -> Slip:
    if line[offset:offset + 1] == "\t" or "tab character" in problem:
        return Slip("found a tab where YAML takes only spaces", "indent with spaces" if line.strip() else "delete the tab")
    if "cannot start any token" in problem and offset < len(line):
        return Slip(f"found `{shown(line[offset])}`, with which no text can begin", "put the text in quotes")
    slip = next((slip for part, slip in _SLIPS.items() if part in problem), _UNKNOWN_SLIP)
    smart = _SMART_START.search(line) is not None
    return slip._replace(hint="typographic quotes do not quote: use straight ones") if smart else slip
