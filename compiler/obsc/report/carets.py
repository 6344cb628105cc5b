"""Findings as text, each with its line and a caret under what it is about."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from obsc import encode
from obsc.codes import CODES
from obsc.diagnostics import Diagnostic, Severity
from obsc.report.listing import WORDS, Listing, counted, where
from obsc.secrets import masked_lines
from obsc.source import Source

_COLORS = {Severity.ERROR: "\x1b[31m", Severity.WARNING: "\x1b[33m", Severity.INFO: "\x1b[36m"}
_RESET, _BOLD = "\x1b[0m", "\x1b[1m"
_WIDEST = 160
CREDENTIAL = "P401"


def text(listing: Listing, sources: Mapping[str, Source], *, color: bool = False) -> str:
    """Each finding with its line and a caret under what it is about; at the end how many more there are, and a count."""
    lines = _shown(listing.active, sources)
    blocks = [_block(one, lines, color=color) for one in listing.active]
    return "".join(block + "\n" for block in blocks) + _end(listing)


def _shown(found: Collection[Diagnostic], sources: Mapping[str, Source]) -> dict[str, list[str]]:
    """Lines of the files, as they may be shown: whatever looks like a secret is starred out, letter by letter, so that
    carets stay right; so is what a finding took for one, whatever another finding on its line is about.
    """
    named = {place.file for one in found for place in (one.place, *(other.place for other in one.related))}
    lines = {file: masked_lines(sources[file].lines) for file in named & sources.keys()}
    for one in found:
        place = one.place
        if one.code == CREDENTIAL and place.file in lines and place.line <= len(lines[place.file]):
            line, start, end = lines[place.file][place.line - 1], place.column - 1, place.end_column - 1
            lines[place.file][place.line - 1] = line[:start] + "*" * len(line[start:end]) + line[end:]
    return lines


def _block(one: Diagnostic, sources: Mapping[str, list[str]], *, color: bool) -> str:
    head = f"{WORDS[one.severity]}[{one.code}]"
    if color:
        head = f"{_COLORS[one.severity]}{head}{_RESET}{_BOLD}"
    lines = [f"{head}: {encode.terminal(one.message)}" + (_RESET if color else "")]
    lines += _excerpt(one, sources)
    for other in one.related:
        lines.append(f"   = {encode.terminal(other.message)}: {encode.terminal(where(other.place, sources))}")
    if one.hint:
        lines.append(f"   = help: {encode.terminal(one.hint)}")
    return "\n".join(lines) + "\n"


def _excerpt(one: Diagnostic, sources: Mapping[str, list[str]]) -> list[str]:
    place = one.place
    lines = [f"  --> {encode.terminal(where(place, sources))}"]
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


def _end(listing: Listing) -> str:
    more = "".join(f"{number} more of {code} ({CODES[code].title})\n" if code in CODES else f"{number} more of {code}\n"
                   for code, number in listing.more)
    hint = "`--show-all` lists them\n" if more else ""
    counts = counted(listing)
    return f"{more}{hint}{counts}\n" if counts else ""
