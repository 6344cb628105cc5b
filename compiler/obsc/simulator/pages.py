"""A program's metrics page at one time: which series its release and options have, and what they say.

A `Page` watches every step, since its histograms gather what is observed; what it shows is asked of it when it is scraped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import erfc, exp, floor, log, nan, sqrt

from obsc.simulator.lines import Line
from obsc.simulator.queueing import Observed

_GRID = 50  # medians are rounded to a fiftieth of e, so that few distributions are worked out
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Whose series: facts for its labels, counts, figures, what its last step observed."""

    facts: Mapping[str, str]
    totals: Mapping[str, float]
    now: Mapping[str, float]
    observed: Sequence[Observed] = ()
    strict: bool = False  # a figure that it has not is no series


Rows = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric on a page: samples are names, labels and values, in the page's order."""

    name: str
    type: str
    help: str
    samples: tuple[tuple[str, Labels, float], ...]


@dataclass(slots=True)
class Gathered:
    """A histogram's counts below each bound, as they are expected, and the sum and number of what was observed."""

    below: list[float]
    sum: float = 0.0
    count: int = 0


@dataclass(slots=True)
class Page:
    """The page of one program. `gathered` by line and row."""

    lines: tuple[Line, ...]
    created: bool = False
    gathered: dict[tuple[int, int], Gathered] = field(default_factory=dict)
    epoch: int = 0

    @property
    def needs(self) -> frozenset[str]:
        """Whose rows it shows."""
        return frozenset(line.per for line in self.lines)

    def watch(self, rows: Rows, epoch: int) -> None:
        """Take in what the last step observed; a new epoch of the program begins with nothing."""
        if epoch != self.epoch:
            self.gathered.clear()
            self.epoch = epoch
        for number, line in enumerate(self.lines):
            if line.metric.type == "histogram":
                for place, row in enumerate(rows.get(line.per, ())):
                    self._add(number, place, line, row)

    def _add(self, number: int, place: int, line: Line, row: Row) -> None:
        for seen in row.observed:
            if seen.what in line.cell.terms:
                found = self.gathered.get((number, place))
                if found is None:
                    found = self.gathered[number, place] = Gathered([0.0] * len(line.bounds))
                median = _rounded(seen.median)
                for at, share in enumerate(_below(line.bounds, median * line.factor, seen.spread)):
                    found.below[at] += share * seen.count
                found.count += seen.count
                found.sum += seen.count * median * _wider(seen.spread) * line.factor

    def show(self, rows: Rows, release: str = "", renamed: Mapping[str, str] | None = None, born: float = 0.0) -> Iterator[Family]:
        """What a scrape finds. `release`: the one that runs; `renamed`: metrics that have another name; `born`: Unix time of the start."""
        families: dict[str, tuple[Line, list[tuple[str, Labels, float]]]] = {}
        for number, line in enumerate(self.lines):
            if not line.releases or release in line.releases:
                name = (renamed or {}).get(line.metric.name, line.metric.name)
                _, samples = families.setdefault(name, (line, []))
                for place, row in enumerate(rows.get(line.per, ())):
                    samples += self._samples(number, place, line, row, name)
        for name, (line, samples) in families.items():
            yield Family(name, line.shown, line.metric.help, tuple(samples))
            if self.created and line.metric.type != "gauge" and samples and not line.is_foreign:
                base = name.removesuffix("_total")
                labels = dict.fromkeys(tuple(pair for pair in labels if pair[0] not in {"le", "quantile"}) for _, labels, _ in samples)
                yield Family(f"{base}_created", "gauge", line.metric.help, tuple((f"{base}_created", one, born) for one in labels))

    def _samples(self, number: int, place: int, line: Line, row: Row, name: str) -> Iterator[tuple[str, Labels, float]]:
        labels = line.labels(row.facts)
        match line.metric.type:
            case "histogram":
                yield from _histogram(self.gathered.get((number, place)), line, labels, name)
            case "summary":
                yield from _summary(line, row, labels, name)
            case _:
                value = _value(line, row)
                if value is not None:
                    yield name, labels, value


def _value(line: Line, row: Row) -> float | None:
    source = row.now if line.metric.type == "gauge" else row.totals
    found = [_term(source, f"{term}.sum" if line.is_sum else term) for term in line.cell.terms]
    if row.strict and all(one is None for one in found):
        return None
    value = sum(one for one in found if one is not None) * line.factor
    is_quiet = value == 0 if line.metric.type == "counter" else not row.strict and not row.totals.get("arrived")
    return None if is_quiet and (line.cell.late or line.metric.lazy) else value


def _term(source: Mapping[str, float], term: str) -> float | None:
    return float(term) if term[0].isdigit() or term == "nan" else source.get(term)


def _histogram(found: Gathered | None, line: Line, labels: Labels, name: str) -> Iterator[tuple[str, Labels, float]]:
    if found is None:
        if line.metric.lazy or line.cell.late:
            return
        found = Gathered([0.0] * len(line.bounds))
    # Whole numbers that rise with the bounds and with time, and end at the number of all.
    bucket, limits = f"{name}_bucket", _limited(labels, line.marks)
    for limit, below in zip(limits, found.below, strict=False):
        yield bucket, limit, float(min(found.count, floor(below + 1e-6)))
    yield bucket, limits[-1], float(found.count)
    yield f"{name}_sum", labels, found.sum
    yield f"{name}_count", labels, float(found.count)


@lru_cache(maxsize=20000)
def _limited(labels: Labels, marks: tuple[str, ...]) -> tuple[Labels, ...]:
    """Labels of each bucket, that of all last."""
    return tuple((*labels, ("le", text)) for text in (*marks, "+Inf"))


def _summary(line: Line, row: Row, labels: Labels, name: str) -> Iterator[tuple[str, Labels, float]]:
    count = sum(row.totals.get(f"{term}.count", 0.0) for term in line.cell.terms)
    if not count and line.metric.lazy:
        return
    recent = next((seen for seen in row.observed if seen.what in line.cell.terms), None)
    for share in line.quantiles:
        # Quantiles of a sliding window: not a number while there is nothing in it.
        value = nan if recent is None else recent.median * exp(recent.spread * 3 * (share - 0.5)) * line.factor
        yield name, (*labels, ("quantile", f"{share:g}")), value
    yield f"{name}_sum", labels, sum(row.totals.get(f"{term}.sum", 0.0) for term in line.cell.terms) * line.factor
    yield f"{name}_count", labels, count


def _rounded(median: float) -> float:
    return exp(round(log(median) * _GRID) / _GRID) if median > 0 else 0.0


@lru_cache(maxsize=64)
def _wider(spread: float) -> float:
    return exp(spread**2 / 2)


@lru_cache(maxsize=20000)
def _below(limits: tuple[float, ...], median: float, spread: float) -> tuple[float, ...]:
    """Shares of a lognormal distribution up to each bound."""
    if spread <= 0 or median <= 0:
        return tuple(float(limit >= median * (1 - 1e-9)) for limit in limits)
    return tuple(0.5 * erfc(-log(limit / median) / (spread * sqrt(2))) if limit > 0 else 0.0 for limit in limits)
