"""Findings as data: a code, a severity, one primary place, and what to do about it.

Nothing here knows how a finding is printed (that is `report.py`) or where it was found
(that is `source.py`): expected bad input never raises, it becomes a `Diagnostic` in a `Sink`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NamedTuple


class Severity(IntEnum):
    """How much a finding weighs: errors fail the run, warnings do with `--strict`, infos never do."""

    ERROR = 0
    WARNING = 1
    INFO = 2


class Place(NamedTuple):
    """A stretch of a file. Lines and columns count characters from 1; the end column is exclusive."""

    file: str
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 2


class Related(NamedTuple):
    """A second place that explains the first: the other duplicate, the line that enforces."""

    place: Place
    message: str


class Suppression(NamedTuple):
    """A comment that keeps findings of a code on a line quiet: where the code stands in it, the line that it is about, why."""

    code: str
    place: Place
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `message` says what was found and what was expected, `hint` what to write instead.

    `suppressed` is the reason that its author gives for keeping it quiet, "" for all others.
    """

    code: str
    severity: Severity
    message: str
    place: Place
    path: str = ""
    hint: str = ""
    related: tuple[Related, ...] = ()
    suppressed: str = ""

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """Sort key: by file, line and column, then by code and text."""
        return (self.place.file, self.place.line, self.place.column, self.code, self.message)


@dataclass(slots=True)
class Sink:
    """Collects findings of one run, and knows which its authors keep quiet. The only mutable thing that stages share."""

    strict: bool = False
    _found: dict[Diagnostic, None] = field(default_factory=dict)
    _heeded: dict[tuple[str, int, str], Suppression] = field(default_factory=dict)

    def fresh(self) -> Sink:
        """An empty sink that judges as this one does: for findings that are looked at before they are passed on."""
        return Sink(self.strict, {}, self._heeded)

    def heed(self, suppressions: Iterable[Suppression]) -> None:
        """Keep quiet what these comments are about, from now on."""
        for one in suppressions:
            self._heeded.setdefault((one.place.file, one.line, one.code), one)

    def add(self, diagnostic: Diagnostic) -> None:
        """Take a finding; the same finding twice is one. With `strict`, a warning counts as an error, unless it is suppressed."""
        place = diagnostic.place
        heeded = self._heeded.get((place.file, place.line, diagnostic.code)) if self._heeded else None
        if heeded is not None and diagnostic.severity is not Severity.ERROR:
            diagnostic = replace(diagnostic, suppressed=heeded.reason)
        elif self.strict and diagnostic.severity is Severity.WARNING:
            diagnostic = replace(diagnostic, severity=Severity.ERROR)
        self._found.setdefault(diagnostic)

    def unheeded(self) -> Iterator[tuple[Suppression, Diagnostic | None]]:
        """Each suppression that keeps nothing quiet, with the error (which none can) that stands where it is about, or None."""
        quiet: set[tuple[str, int, str]] = set()
        errors: dict[tuple[str, int, str], Diagnostic] = {}
        for one in self._found:
            key = (one.place.file, one.place.line, one.code)
            if one.suppressed:
                quiet.add(key)
            elif one.severity is Severity.ERROR:
                errors.setdefault(key, one)
        for key, suppression in self._heeded.items():
            if key not in quiet:
                yield suppression, errors.get(key)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Take several findings."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    def error(self, code: str, message: str, place: Place, *, path: str = "", hint: str = "",
              related: tuple[Related, ...] = ()) -> None:
        """Report something that stops its service from being compiled."""
        self.add(Diagnostic(code, Severity.ERROR, message, place, path, hint, related))

    def warning(self, code: str, message: str, place: Place, *, path: str = "", hint: str = "",
                related: tuple[Related, ...] = ()) -> None:
        """Report something that compiles but is probably not what was meant."""
        self.add(Diagnostic(code, Severity.WARNING, message, place, path, hint, related))

    def info(self, code: str, message: str, place: Place, *, path: str = "", hint: str = "",
             related: tuple[Related, ...] = ()) -> None:
        """Report a decision that the reader may want to know."""
        self.add(Diagnostic(code, Severity.INFO, message, place, path, hint, related))

    def __iter__(self) -> Iterator[Diagnostic]:
        """All findings in the order of `Diagnostic.order`."""
        return iter(sorted(self._found, key=lambda found: found.order))

    def __len__(self) -> int:
        return len(self._found)

    @property
    def failed(self) -> bool:
        """Whether any finding is an error."""
        return any(found.severity is Severity.ERROR for found in self._found)

    def places(self) -> dict[str, list[Place]]:
        """Primary places of all errors by file."""
        found: dict[str, list[Place]] = {}
        for one in self._found:
            if one.severity is Severity.ERROR:
                found.setdefault(one.place.file, []).append(one.place)
        return found

    def failed_in(self, files: Iterable[str]) -> bool:
        """Whether any error has its primary place in one of these files."""
        wanted = frozenset(files)
        return any(f.severity is Severity.ERROR and f.place.file in wanted for f in self._found)


def render(path: Sequence[str | int]) -> str:
    """A path as people write it: `metrics.endpoints[0].port`, `labels."app.kubernetes.io/name"`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", step) is not None
            shown = step if bare else json.dumps(step, ensure_ascii=not step.isprintable())
            text += f".{shown}" if text else shown
    return text
