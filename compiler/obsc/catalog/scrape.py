"""A page of metrics against a catalog entry: what it lacks, what the entry does not know, what is not as the entry says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isinf

from obsc.catalog.profile import Metric, Presence, Profile
from obsc.catalog.versions import Range
from obsc.catalog.words import conditions, readings, there

# What client libraries and language runtimes add by themselves, and no entry describes.
_LIBRARIES = re.compile(r"(process|python|go|promhttp|jvm|dotnet|nodejs)_\w+")
_SAMPLE = re.compile(r"^[ \t]*([a-zA-Z_:][a-zA-Z0-9_:]*)", re.MULTILINE)
_ENDS = ("_bucket", "_sum", "_count")
_STATISTICS = frozenset({"le", "quantile"})
_UNTYPED = frozenset({"unknown", "untyped", "gaugehistogram", "stateset", "info"})


class ScrapeError(Exception):
    """The page is no exposition text; the message says why."""


@dataclass(frozen=True, slots=True)
class Family:
    """A metric on a page: its type, names of labels on any of its samples and on all of them, finite bounds, how many samples."""

    name: str
    type: str
    labels: frozenset[str]
    always: frozenset[str]
    bounds: tuple[float, ...]
    samples: int


@dataclass(frozen=True, slots=True)
class Lack:
    """A metric of the entry that the page lacks, and why that may be."""

    name: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something of a metric that is not as the entry says: `what` is type, labels or buckets.

    `expected` is the entry's and `found` the page's; of labels, those that the other does not have.
    """

    name: str
    what: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Findings:
    """A page judged. `missing` must be there; `unseen` begin with their first event; `conditional` depend on the deployment;
    `unsure` may not be in this release. `foreign` are on the page only; `library`: what the client library adds.
    """

    known: int
    missing: tuple[Lack, ...] = ()
    unseen: tuple[Lack, ...] = ()
    conditional: tuple[Lack, ...] = ()
    unsure: tuple[Lack, ...] = ()
    foreign: tuple[Family, ...] = ()
    library: tuple[str, ...] = ()
    unexpected: tuple[Lack, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the page is not of such a program: a metric that must be there is missing, or is of another type."""
        return bool(self.missing) or any(one.what == "type" for one in self.mismatches)


@dataclass(slots=True)
class _Open:
    """A family while its samples are read."""

    type: str
    labels: set[str] = field(default_factory=set)
    always: set[str] | None = None
    bounds: set[float] = field(default_factory=set)
    samples: int = 0


def parse_page(text: str) -> tuple[Family, ...]:
    """Every metric of an exposition page, by the names that expressions use. Raises ScrapeError for what is none, and
    ModuleNotFoundError where the library that reads it is not installed (the extra `catalog`).
    """
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415  an extra, wanted here only

    found: dict[str, _Open] = {}
    written = set(_SAMPLE.findall(text))
    try:
        for family in text_string_to_metric_families(text):
            if not family.samples:
                found.setdefault(family.name, _Open(family.type))
            for sample in family.samples:
                # The library gives counters the ending of OpenMetrics, whether the page has it or not.
                name = sample.name if sample.name in written else sample.name.removesuffix("_total")
                _take(found, family.type, name, sample.labels)
    except (ValueError, KeyError, IndexError) as error:
        raise ScrapeError(f"the page is no exposition text: {error}") from error
    return tuple(Family(name, one.type, frozenset(one.labels), frozenset(one.always or ()), tuple(sorted(one.bounds)), one.samples)
                 for name, one in found.items())


def _take(found: dict[str, _Open], kind: str, sample: str, labels: Mapping[str, str]) -> None:
    name = sample
    if kind in {"histogram", "summary"}:
        name = next((sample.removesuffix(end) for end in _ENDS if sample.endswith(end)), sample)
    if name.endswith("_created") and name.removesuffix("_created") in {one.removesuffix("_total") for one in found}:
        return
    one = found.setdefault(name, _Open(kind))
    own = labels.keys() - _STATISTICS
    one.labels |= own
    one.always = set(own) if one.always is None else one.always & own
    one.samples += 1
    bound = float(labels["le"]) if "le" in labels else float("inf")
    one.bounds |= set() if isinf(bound) else {bound}


def check(profile: Profile, page: Iterable[Family], versions: Range, companions: Range) -> Findings:
    """The page of a program of these releases against its entry."""
    on_page = {one.name: one for one in page}
    facts = {one.name: one for one in profile.metrics}
    # A counter without samples has lost its `_total` on the way.
    seen = {name: on_page.get(name) or on_page.get(name.removesuffix("_total")) for name in facts}
    lacking = [facts[name] for name, one in seen.items() if one is None]
    missing, unseen, conditional, unsure = _lacks(lacking, versions, companions)
    used = {one.name for one in seen.values() if one is not None}
    rest = [one for one in on_page.values() if one.name not in used]
    there_though = (Lack(name, "; ".join(readings(facts[name]))) for name, one in seen.items()
                    if one is not None and there(facts[name], versions, companions) is Presence.NO)
    return Findings(
        len(used), tuple(missing), tuple(unseen), tuple(conditional), tuple(unsure),
        foreign=tuple(one for one in rest if not _LIBRARIES.fullmatch(one.name)),
        library=tuple(one.name for one in rest if _LIBRARIES.fullmatch(one.name)), unexpected=tuple(there_though),
        mismatches=tuple(found for name, one in seen.items() if one is not None for found in _mismatches(facts[name], one)))


def _lacks(lacking: list[Metric], versions: Range, companions: Range) -> tuple[list[Lack], list[Lack], list[Lack], list[Lack]]:
    """Metrics that are not there: without a reason, without an event, without their condition, and perhaps not of the release."""
    missing, unseen, conditional, unsure = list[Lack](), list[Lack](), list[Lack](), list[Lack]()
    for one in lacking:
        state = there(one, versions, companions)
        said = [text for text in conditions(one) if text != "lazy"]
        if state is Presence.NO:
            continue
        if said:
            conditional.append(Lack(one.name, "; ".join(said) + (f" ({one.flag})" if one.flag else "")))
        elif state is Presence.UNKNOWN:
            unsure.append(Lack(one.name, "; ".join(readings(one))))
        elif one.lazy:
            unseen.append(Lack(one.name, "begins with its first event"))
        else:
            missing.append(Lack(one.name, "; ".join(readings(one))))
    return missing, unseen, conditional, unsure


def _mismatches(facts: Metric, page: Family) -> Iterator[Mismatch]:
    if page.type != facts.type and page.type not in _UNTYPED:
        yield Mismatch(facts.name, "type", facts.type, page.type)
    lacking, more = set(facts.labels) - page.labels, page.labels - set(facts.labels)
    if page.samples and (lacking or more):
        yield Mismatch(facts.name, "labels", ", ".join(sorted(lacking)), ", ".join(sorted(more)))
    if facts.buckets and page.bounds and page.bounds != facts.buckets:
        yield Mismatch(facts.name, "buckets", _listed(facts.buckets), _listed(page.bounds))


def _listed(bounds: Iterable[float]) -> str:
    return ", ".join(f"{one:g}" for one in bounds)
