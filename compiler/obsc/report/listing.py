"""Which findings are shown: the first ones of a code in a file and in a run, so that one mistake hides no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from obsc.diagnostics import Diagnostic, Place, Severity

WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "info"}
# Of one code: what somebody mends in one sitting, and what still fits on a page of a thousand files' run.
MOST_IN_FILE, MOST_IN_RUN = 20, 100


@dataclass(frozen=True, slots=True)
class Listing:
    """Findings that are shown, suppressed ones among them; how many more of which code there are; counts of all.

    `counts` has a number for each word of a severity that occurs, and for "suppressed"; suppressed findings count as
    nothing else.
    """

    shown: tuple[Diagnostic, ...]
    more: tuple[tuple[str, int], ...]
    counts: tuple[tuple[str, int], ...]

    @property
    def active(self) -> tuple[Diagnostic, ...]:
        """What is shown and not suppressed."""
        return tuple(one for one in self.shown if not one.suppressed)


def listed(found: Iterable[Diagnostic], *, every: bool = False) -> Listing:
    """The findings that are shown, in the order in which they are given; with `every`, all."""
    in_run, in_file, more = Counter[str](), Counter[tuple[str, str]](), Counter[str]()
    counts = dict.fromkeys([*WORDS.values(), "suppressed"], 0)
    shown = []
    for one in found:
        counts["suppressed" if one.suppressed else WORDS[one.severity]] += 1
        code, place = one.code, (one.code, one.place.file)
        if not every and not one.suppressed and (in_run[code] >= MOST_IN_RUN or in_file[place] >= MOST_IN_FILE):
            more[code] += 1
            continue
        in_run[code] += not one.suppressed
        in_file[place] += not one.suppressed
        shown.append(one)
    return Listing(tuple(shown), tuple(sorted(more.items())), tuple((word, count) for word, count in counts.items() if count))


def counted(listing: Listing) -> str:
    """All findings by their weight, as `2 errors, 1 warning, 3 suppressed`; nothing if there are none."""
    return ", ".join(f"{count} {word}{'' if count == 1 or word == 'suppressed' else 's'}" for word, count in listing.counts)


def where(place: Place, sources: Collection[str]) -> str:
    """File, line and column; of what was not read (a folder, an output, an option) only the name."""
    return f"{place.file}:{place.line}:{place.column}" if place.file in sources else place.file
