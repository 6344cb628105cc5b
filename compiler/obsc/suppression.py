"""Comments of a spec that keep findings quiet: `# obsc: ignore S317 -- why`, behind what it is about or on a line before it.

A comment is what no scalar covers: a `#` inside quotes or a block of text is none. libyaml says where scalars are, and is
asked only about documents that may hold such a comment.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import pairwise
from typing import NamedTuple

from obsc import scalars
from obsc.codes import CODES, can_be_suppressed, near
from obsc.diagnostics import Place, Sink, Suppression
from obsc.secrets import masked

FORM = "write `# obsc: ignore CODE -- reason`"
_VERB = "ignore"
_MARK = re.compile(r"(?:^|(?<=[ \t]))#[#\s]*obsc:\s*(?P<said>.*)")
_MEANT = frozenset({"disable", "suppress", "noqa", "skip", "allow", "nolint", "silence"})
_WORD = re.compile(r"[^\s,\[\]()]+")
_NEW_DOCUMENT = re.compile(r"---(?:[ \t]|$)")
_LONGEST_REASON = 200

_Point = tuple[int, int]  # row and column, from 0


class _Comment(NamedTuple):
    """What a comment says behind `obsc:`, where that begins, and the line (from 1) that it is about."""

    said: str
    file: str
    line: int
    column: int
    about: int

    def place(self, start: int, end: int) -> Place:
        """The place of a stretch of what it says."""
        return Place(self.file, self.line, self.column + start, self.line, self.column + max(end, start + 1))


def suppressions(file: str, lines: Sequence[str], sink: Sink) -> tuple[Suppression, ...]:
    """The suppressions of a file. What is wrong with one is reported, and keeps nothing quiet."""
    rows = [row for row, line in enumerate(lines) if "obsc:" in line and _MARK.search(line)]
    return tuple(found for one in _comments(file, lines, rows) for found in _read(one, sink)) if rows else ()


def _comments(file: str, lines: Sequence[str], rows: Sequence[int]) -> Iterator[_Comment]:
    """The comments on these rows that are meant for the compiler; a `---` begins a document whatever stands around it."""
    starts = [0, *(row for row, line in enumerate(lines) if row and _NEW_DOCUMENT.match(line)), len(lines)]
    for first, end in pairwise(starts):
        wanted = [row for row in rows if first <= row < end]
        covered = _scalars(lines[first:end], first) if wanted else []
        for row in wanted:
            for mark in _MARK.finditer(lines[row]):
                if not _inside(covered, (row, mark.start())):
                    yield _Comment(mark["said"].rstrip(), file, row + 1, mark.start("said") + 1, _about(lines, row, mark.start()))
                    break


def _about(lines: Sequence[str], row: int, start: int) -> int:
    """The line of what stands before a comment; below a comment on a line of its own, the next line with anything on it."""
    if lines[row][:start].strip():
        return row + 1
    after = (number for number, line in enumerate(lines[row + 1:], row + 2) if line.strip() and not line.lstrip().startswith("#"))
    return next(after, row + 1)


def _scalars(lines: Sequence[str], base: int) -> list[tuple[_Point, _Point]]:
    """Where the scalars of a document begin and end, in order; all behind an error of syntax counts as one."""
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415  a large package, wanted only where there is such a comment

    found: list[tuple[_Point, _Point]] = []
    tokens = import_module("ruamel.yaml.cyaml").CParser(scalars.parsable("\n".join(lines))[0])
    point = (base, 0)
    try:
        while tokens.check_token():
            token = tokens.get_token()
            start, point = ((mark.line + base, mark.column) for mark in (token.start_mark, token.end_mark))
            if type(token).__name__ == "ScalarToken":
                # A comment may follow the indicator of a block, whose text begins on the next line.
                found.append(((start[0] + 1, 0) if token.style in {"|", ">"} else start, point))
    except (YAMLError, UnicodeDecodeError):
        found.append((point, (base + len(lines), 0)))
    return found


def _inside(covered: Sequence[tuple[_Point, _Point]], point: _Point) -> bool:
    before = bisect_right(covered, point, key=lambda span: span[0]) - 1
    return before >= 0 and covered[before][0] <= point < covered[before][1]


def _read(comment: _Comment, sink: Sink) -> Iterator[Suppression]:
    head, dashes, reason = comment.said.partition("--")
    words = [*_WORD.finditer(head)]
    verb = words[0].group().lower() if words else ""
    whole = comment.place(0, len(comment.said))
    if verb != _VERB:
        if verb in _MEANT or difflib.get_close_matches(verb, [_VERB], 1, 0.7):
            sink.warning("L022", f"the comment says `{scalars.shown(verb)}`, expected `{_VERB}`", whole, hint=FORM)
        return
    if len(words) == 1:
        sink.warning("L022", "the comment names no code that it is about", whole, hint=FORM)
    elif re.search(r"\w", reason) is None:
        text = "gives no reason" if dashes else "has no `--` with a reason behind it"
        sink.warning("L023", f"the suppression {text}", whole, hint="say why the finding may be overlooked: " + FORM)
    else:
        said = masked(" ".join(reason.split()))[:_LONGEST_REASON]
        yield from (Suppression(word.group().upper(), comment.place(*word.span()), comment.about, said)
                    for word in words[1:] if _may_be(word.group().upper(), comment.place(*word.span()), sink))


def _may_be(code: str, place: Place, sink: Sink) -> bool:
    """Whether a code is one that a comment may keep quiet; if not, that is reported."""
    if code not in CODES:
        meant = near(code)
        sink.warning("L024", f"there is no code `{scalars.shown(masked(code))}`", place,
                     hint=f"did you mean `{meant}`?" if meant else "write codes as they are printed, such as `S317`")
    elif not can_be_suppressed(code):
        always = CODES[code].levels == ("error",)
        sink.warning("L025", f"`{code}` ({CODES[code].title}) cannot be suppressed: " + (
            "the platform decides it" if code.startswith("P") else
            "it is always an error" if always else "it is about no spec, or about such comments"), place,
            hint="mend what it is about, and delete the comment")
    else:
        return True
    return False
