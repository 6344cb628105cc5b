"""What the catalog knows about a runtime or exporter, as frozen data.

A metric's presence at a version is yes, no or unknown: the releases between two that were compared are
unknown, and what reads them must accept both names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Presence(Enum):
    """Whether a metric exists at the spec's version."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class BucketRule:
    """How a program computes bucket bounds: see `catalog.form.BucketRule`. 0 and "" stand for what a kind has not.

    `option`: the key of `runtime.options` whose value ends the sequence.
    """

    kind: str
    start: float
    factor: float
    step: float
    count: int
    option: str


@dataclass(frozen=True, slots=True)
class Need:
    """The option without whose value there is no metrics page; `credentials`: or a scrape that has some."""

    option: str
    value: str
    flag: str
    credentials: bool = False


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `name` without `_bucket`, `_sum`, `_count`; `buckets` finite bounds in `unit`, () if unknown.

    `lazy`: the series appears with its first event only. `condition`: the flag or circumstance without which it
    does not exist: None, `(option, value)` of `runtime.options`, or `("", words)` for what no option decides.
    `uncertain`: its option allows it, and a circumstance decides. `flag`: how a deployment sets the option; `told`: where
    the condition is written ("" where that is not known).
    `absent_until`/`seen_from`, `seen_until`/`absent_from`: the two readings around its appearance and its removal
    ("" where there is none), of the program `companion` if that is not the runtime itself. `bucket_rule`: how bounds
    are computed. `repeated`: labels whose values tell processes that count the same events. `scope`: labels that tell
    whose requests are counted, with their usual value ("" for any). `engine`: the engine inside the runtime without
    which it does not exist.
    """

    name: str
    type: str
    unit: str
    labels: tuple[str, ...]
    help: str = ""
    label_values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    buckets: tuple[float, ...] = ()
    lazy: bool = False
    condition: tuple[str, str] | None = None
    uncertain: bool = False
    absent_until: str = ""
    seen_from: str = ""
    seen_until: str = ""
    absent_from: str = ""
    bucket_rule: BucketRule | None = None
    repeated: tuple[str, ...] = ()
    scope: tuple[tuple[str, str], ...] = ()
    engine: str = ""
    companion: str = ""
    flag: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """One metric with matchers (`label op "value"` triples) as an ingredient of a signal.

    `part` (sum or count) means one of the two counters of a histogram or summary.
    """

    metric: str
    matchers: tuple[tuple[str, str, str], ...] = ()
    part: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """One way to read a signal. Exactly one of these forms is filled in.

    `errors` and `total` (events, each a sum of terms) · `counters` (a sum of terms, per second) · `histogram` ·
    `mean_sum` and `mean_count` (the mean of a counter of time over a counter of requests) · `gauge`.
    `source` says in words what sees the events.
    """

    source: str
    errors: tuple[Term, ...] = ()
    total: tuple[Term, ...] = ()
    counters: tuple[Term, ...] = ()
    histogram: Term | None = None
    mean_sum: Term | None = None
    mean_count: Term | None = None
    gauge: Term | None = None

    @property
    def terms(self) -> tuple[Term, ...]:
        """Every term that it uses."""
        single = (self.histogram, self.mean_sum, self.mean_count, self.gauge)
        return (*self.errors, *self.total, *self.counters, *(one for one in single if one is not None))


@dataclass(frozen=True, slots=True)
class Profile:
    """A runtime or exporter. `kind` is the runtime class (llm, embedding, generic, gateway, store) or `exporter`.

    `measures` per signal, preferred first. `model_label` is the label that tells models apart ("" for none).
    `startup` in seconds; `matchers` tell an exporter's series in the usual deployment; `honor_labels` whether
    that deployment keeps the workload's own labels. `readings` are the releases that were opened, oldest first;
    `companions` other programs of the pod, whose releases a spec names in `runtime.options`; `sources` where the facts
    were read; `needs` what opens the metrics page; `elsewhere` the options, with their values, that move it to a port.
    `lacks`: signals that it does not show, with the reason's id, where it is not the usual one.
    """

    name: str
    title: str
    kind: str
    port: int | None
    port_name: str
    path: str
    startup: float
    container: str
    model_label: str
    matchers: tuple[tuple[str, str, str], ...]
    honor_labels: bool
    metrics: tuple[Metric, ...]
    measures: tuple[tuple[str, tuple[Measure, ...]], ...]
    version_label: str = ""
    readings: tuple[str, ...] = ()
    companions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    elsewhere: tuple[tuple[str, str, int], ...] = ()
    lacks: tuple[tuple[str, str], ...] = ()
    by_name: Mapping[str, Metric] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # Asked for thousands of times in a compilation.
        object.__setattr__(self, "by_name", {one.name: one for one in self.metrics})

    @property
    def has_page(self) -> bool:
        """Whether the program serves metrics at all."""
        return bool(self.path) or self.port is not None

    @property
    def engines(self) -> tuple[str, ...]:
        """Engines whose metrics this runtime passes on, sorted."""
        return tuple(sorted({one.engine for one in self.metrics if one.engine}))

    @property
    def options(self) -> frozenset[str]:
        """Keys of `runtime.options` that decide something: metrics, bounds, whose requests, the page, a companion's release."""
        rules = {one.bucket_rule.option for one in self.metrics if one.bucket_rule is not None}
        asked = {one.condition[0] for one in self.metrics if one.condition is not None}
        pages = {need.option for need in self.needs} | {option for option, _, _ in self.elsewhere}
        scopes = {label for one in self.metrics for label, _ in one.scope}
        return frozenset((rules | asked | scopes | pages | set(self.companions)) - {""})
