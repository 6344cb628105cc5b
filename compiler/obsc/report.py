"""Diagnostics → text with carets, or JSON. Nothing but printing happens here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from obsc import encode
from obsc.diagnostics import Diagnostic, Place, Severity
from obsc.secrets import masked_lines
from obsc.source import Source

_WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "info"}
_COLORS = {Severity.ERROR: "\x1b[31m", Severity.WARNING: "\x1b[33m", Severity.INFO: "\x1b[36m"}
_RESET, _BOLD = "\x1b[0m", "\x1b[1m"
_WIDEST = 160
CREDENTIAL = "P401"


def text(found: Iterable[Diagnostic], sources: Mapping[str, Source], *, color: bool = False) -> str:
    """Each finding with its line and a caret under what it is about, and a count at the end."""
    listed = list(found)
    lines = _shown(listed, sources)
    blocks = [_block(one, lines, color=color) for one in listed]
    return "".join(block + "\n" for block in blocks) + _count(listed)


def to_json(found: Iterable[Diagnostic]) -> str:
    """A JSON array; the same findings in the same order as the text."""
    return json.dumps([_data(one) for one in found], indent=2) + "\n"


def _data(one: Diagnostic) -> dict[str, object]:
    return {"code": one.code, "severity": _WORDS[one.severity], "message": one.message, "path": one.path, "hint": one.hint,
            "place": one.place._asdict(), "related": [{"message": other.message, "place": other.place._asdict()}
                                                      for other in one.related]}


def _shown(found: Iterable[Diagnostic], sources: Mapping[str, Source]) -> dict[str, list[str]]:
    """Lines of the files, as they may be shown: whatever looks like a secret is starred out, letter by letter, so that
    carets stay right; so is what a finding took for one, whatever another finding on its line is about.
    """
    listed = list(found)
    named = {place.file for one in listed for place in (one.place, *(other.place for other in one.related))}
    lines = {file: masked_lines(sources[file].lines) for file in named & sources.keys()}
    for one in listed:
        place = one.place
        if one.code == CREDENTIAL and place.file in lines and place.line <= len(lines[place.file]):
            line, start, end = lines[place.file][place.line - 1], place.column - 1, place.end_column - 1
            lines[place.file][place.line - 1] = line[:start] + "*" * len(line[start:end]) + line[end:]
    return lines


def _block(one: Diagnostic, sources: Mapping[str, list[str]], *, color: bool) -> str:
    head = f"{_WORDS[one.severity]}[{one.code}]"
    if color:
        head = f"{_COLORS[one.severity]}{head}{_RESET}{_BOLD}"
    lines = [f"{head}: {encode.terminal(one.message)}" + (_RESET if color else "")]
    lines += _excerpt(one, sources)
    for other in one.related:
        lines.append(f"   = {encode.terminal(other.message)}: {_where(other.place, sources)}")
    if one.hint:
        lines.append(f"   = help: {encode.terminal(one.hint)}")
    return "\n".join(lines) + "\n"


def _where(place: Place, sources: Mapping[str, list[str]]) -> str:
    """File, line and column; of what was not read (a folder, an output, an option) only the name."""
    name = encode.terminal(place.file)
    return f"{name}:{place.line}:{place.column}" if place.file in sources else name


def _excerpt(one: Diagnostic, sources: Mapping[str, list[str]]) -> list[str]:
    place = one.place
    lines = [f"  --> {_where(place, sources)}"]
    source = sources.get(place.file)
    if source is None or not 1 <= place.line <= len(source):
        return lines
    margin = " " * len(str(place.line))
    shown, start = source[place.line - 1], place.column - 1
    end = place.end_column - 1 if place.end_line == place.line else len(shown)
    left = max(0, start - _WIDEST // 2)
    piece = encode.terminal(shown[left:left + _WIDEST].replace("\t", " "))
    # Escaped characters are wider on the terminal than in the file.
    before = len(encode.terminal(shown[left:start].replace("\t", " ")))
    under = max(1, len(encode.terminal(shown[start:min(end, left + _WIDEST)].replace("\t", " "))))
    return [*lines, f" {margin} |", f" {place.line} | {piece}", f" {margin} | {' ' * before}{'^' * under}"]


def _count(found: list[Diagnostic]) -> str:
    parts = []
    for severity, word in _WORDS.items():
        number = sum(1 for one in found if one.severity is severity)
        if number:
            parts.append(f"{number} {word}{'' if number == 1 else 's'}")
    return ", ".join(parts) + "\n" if parts else ""
