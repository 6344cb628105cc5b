"""Which series a program has on its page: the metrics of its release and options, with what moves them and their labels."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from obsc.catalog.bounds import bounds
from obsc.catalog.profile import Metric
from obsc.catalog.versions import Range, parse
from obsc.simulator import meaning
from obsc.simulator.meaning import Cell, Meaning
from obsc.simulator.scenario import Pool

_STREAM = frozenset({"$model", "$engine", "$version"})
_FACT = re.compile(r"\$(\w+)")
_UNITS = {"milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9, "percent": 100.0, "megabytes": 1e-6, "mebibytes": 2.0**-20,
          "gigabytes": 1e-9, "millijoules": 1e3, "microjoules": 1e6, "megabits/second": 8e-6}
_USUAL = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # of a histogram whose bounds nobody knows


@dataclass(frozen=True, slots=True)
class Line:
    """A series, or one for each row of `per`. `template` are labels with facts to fill in; `releases` those that have it (() is all).
    `is_foreign`: a library adds it by other means than the rest.

    `factor` turns the simulator's units into the metric's, `marks` are the bounds as the page writes them.
    """

    metric: Metric
    cell: Cell
    per: str
    template: tuple[tuple[str, str], ...]
    factor: float
    is_sum: bool = False
    bounds: tuple[float, ...] = ()
    marks: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = ()
    shown: str = ""
    releases: tuple[str, ...] = ()
    is_foreign: bool = False

    def labels(self, facts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """Labels of a row; one without a text is none."""
        return _filled(self.template, tuple(facts.get(name, "") for name in _facts(self.template)))


@lru_cache(maxsize=5000)
def _facts(template: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(name for _, text in template for name in _FACT.findall(text))


@lru_cache(maxsize=50000)
def _filled(template: tuple[tuple[str, str], ...], values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    rest = iter(values)
    found = ((label, _FACT.sub(lambda _: next(rest), text)) for label, text in template)
    return tuple((label, text) for label, text in found if text)


def lines(pool: Pool, releases: Collection[str], wanted: Collection[str] | None = None, *,
          partitioned: bool = False) -> tuple[Line, ...]:
    """Lines of a pool's page, for each of these releases ("" for that of the pool). `wanted`: only these metrics."""
    if not has_page(pool):
        return ()
    style, found = meaning.style(pool.profile), list[Line]()
    if style.library and wanted is None:
        for one in meaning.library():
            found.append(Line(one.metric, one.cell, "pod", tuple(one.cell.labels.items()), 1.0, shown=one.metric.type,
                              is_foreign=True))
    for metric in pool.profile.metrics:
        having = tuple(release for release in releases if exists(metric, pool, release or None, partitioned=partitioned))
        says = meaning.meaning(metric, pool.profile)
        # What begins with its first event never begins if nobody knows what that would be.
        if having and (says.known or not metric.lazy) and (wanted is None or metric.name in wanted):
            shown = style.types or says.says or metric.type
            all_have = () if len(having) == len(releases) else having
            found += (replace(line, shown=shown, releases=all_have) for line in _of(metric, says, pool, python=style.floats == "python"))
    return tuple(found)


def has_page(pool: Pool) -> bool:
    """Whether the deployment opens a metrics page; one that says nothing of it is taken to."""
    if pool.profile.kind == "exporter":
        return True
    opened = (pool.options.get(need.option, need.value) == need.value or need.credentials for need in pool.profile.needs)
    return pool.profile.has_page and all(opened)


def exists(metric: Metric, pool: Pool, release: str | None = None, *, partitioned: bool = False) -> bool:
    """Whether a metric is on the page of a release: what nobody opened is taken to be like the reading before."""
    versions = parse(pool.options.get(metric.companion) if metric.companion else release or pool.version)
    if versions is None or not _is_in(metric, versions) or metric.engine not in {"", pool.engine}:
        return False
    if metric.condition is None:
        return True
    option, value = metric.condition
    if option == "fields":
        return metric.name in pool.options.get("fields", "").split(",")
    return pool.options.get(option) == value if option else meaning.holds(value, partitioned=partitioned)


def _is_in(metric: Metric, versions: Range) -> bool:
    seen, gone = (parse(text) if text else None for text in (metric.seen_from, metric.absent_from))
    is_open = versions == parse(None)
    # A release that nobody named is the newest.
    late_enough = seen is None or is_open or versions.first >= seen.first
    return late_enough and (gone is None or (not is_open and versions.first < gone.first))


def _of(metric: Metric, says: Meaning, pool: Pool, *, python: bool) -> Iterator[Line]:
    limits = buckets(metric, pool.options) if metric.type == "histogram" else ()
    marks = tuple(mark(limit, python=python) for limit in limits)
    merged: dict[tuple[tuple[str, str], ...], Cell] = {}
    for cell in says.cells if metric.lazy else (*says.cells, *_rest(metric, says)):
        template = _template(metric, cell)
        # Series that only differ by a label that this metric does not have are one.
        known = merged.get(template)
        merged[template] = cell if known is None else replace(known, terms=known.terms + cell.terms)
    for template, cell in merged.items():
        per = says.per or ("stream" if any(text in _STREAM for _, text in template) else "pod")
        yield Line(metric, cell, per, template, factor(metric.unit), says.is_sum, limits, marks, says.quantiles)


def _rest(metric: Metric, says: Meaning) -> Iterator[Cell]:
    """Series that stand at zero: values of the label that tells cells apart of which no rule speaks."""
    told = {label: {cell.labels.get(label) for cell in says.cells} for label, _ in metric.label_values}
    for label, values in metric.label_values:
        if None not in told[label] and says.per == "":
            terms = ("none",) if metric.type == "histogram" else ("0",)
            yield from (Cell(terms, {label: value}) for value in values if value not in told[label])


def _template(metric: Metric, cell: Cell) -> tuple[tuple[str, str], ...]:
    known = dict(metric.label_values)
    found = ((name, cell.labels.get(name, meaning.label(name) or next(iter(known.get(name, ())), ""))) for name in metric.labels)
    return tuple((name, text) for name, text in found if text)


def buckets(metric: Metric, options: Mapping[str, str]) -> tuple[float, ...]:
    """Bounds of a histogram: the catalog's, or computed from an option of the deployment or what is usual for it."""
    rule = metric.bucket_rule
    if rule is not None and rule.option:
        told = options.get(rule.option)
        return bounds(rule, float(told) if told is not None else meaning.number(rule.option))
    return metric.buckets or _USUAL


def factor(unit: str) -> float:
    """How many of a unit are one of the simulator's: seconds, bytes, joules, parts of one."""
    return _UNITS.get(unit, 1.0)


def mark(limit: float, *, python: bool) -> str:
    """A bound as a page writes it: Python writes 1.0, others write 1."""
    return repr(float(limit)) if python or limit != int(limit) else str(int(limit))
