"""The form of a catalog file, as pydantic models, and from there to the frozen data that signals read.

Two tables keep a file short: `entities` name label sets that many metrics share (`of: engine`), `buckets` name
bucket bounds that many histograms share.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import StringConstraints

from obsc.catalog import profile
from obsc.spec.base import Block, leaf
from obsc.spec.types import Bound, Duration, LabelName, MatcherText, MetricName, Title, Word

Kind = Literal["llm", "embedding", "generic", "gateway", "store", "exporter"]
Unit = Literal[
    "seconds", "milliseconds", "microseconds", "nanoseconds", "timestamp",
    "bytes", "mebibytes", "bytes/second", "ratio", "percent", "celsius", "watts", "joules", "millijoules", "megahertz",
    "cores", "flops", "bool", "info", "code", "mixed", "unspecified", "count", "requests", "tokens", "items", "calls",
    "connections", "transfers", "drafts", "preemptions", "inferences", "executions", "errors", "retries", "events", "rows",
    "pages", "packets", "inodes", "processes", "threads", "periods", "restarts", "replicas", "generation", "pods", "samples",
    "series"]
Release: TypeAlias = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+){1,4}$", max_length=30)]
FIELDS = "fields"
_SIGNS = ("=~", "!~", "!=", "=")


class Scrape(Block):
    """Where the metrics are, in the usual deployment."""

    port: int | None = leaf("Port of the container; none for what is no target of its own.", 8000, default=None)
    port_name: str = leaf("Usual name of the port.", "http", default="")
    path: str = leaf("Path of the metrics page.", "/metrics", default="")


class Change(Block):
    """The two readings around a change: the metric was seen in one release and absent in the other."""

    seen: Release = leaf("Release with it.", "0.11.2")
    absent: Release | None = leaf("Release without it; unknown if nobody opened one.", "0.10.2", default=None)


class When(Block):
    """What a metric depends on: an option of the deployment with its value, or a state in words.

    The option `fields` is the list of additional fields that the platform names for an exporter.
    """

    option: Word | None = leaf("Key of `runtime.options`.", "histogram_latencies", default=None)
    value: str = leaf("Value that makes the metric exist.", "true", default="true")
    state: Title | None = leaf("Circumstance that no option decides.", "while a container waits", default=None)


class MetricForm(Block):
    """One metric. Its labels are those of the entity it is `of` and its own, each with its known values."""

    name: MetricName = leaf("Name in expressions; of a histogram without `_bucket`.", "server_requests_running")
    type: Literal["counter", "gauge", "histogram", "summary"] = leaf("How it behaves, whatever its TYPE line says.", "gauge")
    unit: Unit = leaf("Unit.", "seconds")
    of: Word | None = leaf("Entity whose labels it has.", "engine", default=None)
    labels: dict[LabelName, tuple[str, ...]] = leaf("Further labels; [] where values are open.", {"status": []}, default={})
    buckets: Word | tuple[Bound, ...] = leaf("Finite bucket bounds, or the name of a set of them.", [0.1, 1], default=())
    bucket_rule: Title | None = leaf("How bounds are computed where they differ.", "1-2-5 steps", default=None)
    help: Title = leaf("What it counts or shows.", "Requests in the running batch.")
    lazy: bool = leaf("Whether it appears with its first event only.", True, default=False)
    when: When | None = leaf("Condition.", {"option": "histogram_latencies"}, default=None)
    since: Change | None = leaf("Readings around its appearance.", {"absent": "0.10.2", "seen": "0.11.2"}, default=None)
    until: Change | None = leaf("Readings around its removal.", {"seen": "0.11.2", "absent": "0.12.0"}, default=None)


class TermForm(Block):
    """A metric with matchers."""

    metric: MetricName = leaf("Name of a metric of this file.", "http_requests_total")
    match: tuple[MatcherText, ...] = leaf("Matchers.", ['status="5xx"'], default=())


class MeasureForm(Block):
    """One way to read a signal. Exactly one of the forms is filled in."""

    source: Title = leaf("Who sees the events.", "the HTTP server")
    errors: tuple[TermForm, ...] = leaf("Counters of failed requests, with `total`.", [{"metric": "x"}], default=())
    total: tuple[TermForm, ...] = leaf("Counters of all requests.", [{"metric": "x"}], default=())
    counters: tuple[TermForm, ...] = leaf("Counters whose rates are summed.", [{"metric": "x"}], default=())
    histogram: TermForm | None = leaf("A histogram.", {"metric": "x"}, default=None)
    mean_sum: TermForm | None = leaf("Counter above the line of a mean, with `meanCount`.", {"metric": "x"}, default=None)
    mean_count: TermForm | None = leaf("Counter below the line of a mean.", {"metric": "x"}, default=None)
    gauge: TermForm | None = leaf("A gauge.", {"metric": "x"}, default=None)


class ProfileForm(Block):
    """A catalog file."""

    name: Word = leaf("Name, as specs write it; the file is called like it.", "server")
    title: Title = leaf("Name, as people write it.", "Server")
    class_: Kind = leaf("Runtime class, or `exporter`.", "llm")
    scrape: Scrape = leaf("Where its metrics are.", {"port": 8000}, default=Scrape())
    startup: Duration = leaf("Longest time from a container's start until it is ready.", "10m", unit="duration")
    container: Word | None = leaf("Usual name of the serving container.", "server", default=None)
    model_label: LabelName | None = leaf("Label that tells models apart.", "model_name", default=None)
    matchers: tuple[MatcherText, ...] = leaf("Matchers of an exporter's series.", ['job="x"'], default=())
    honor_labels: bool = leaf("Whether the usual scrape keeps an exporter's own labels.", True, default=False)
    readings: tuple[Release, ...] = leaf("Releases that were opened, oldest first.", ["0.15.0"], default=())
    entities: dict[Word, tuple[LabelName, ...]] = leaf("Label sets by name.", {"engine": ["model_name"]}, default={})
    buckets: dict[Word, tuple[Bound, ...]] = leaf("Bucket bounds by name.", {"request": [0.5, 1]}, default={})
    signals: dict[str, tuple[MeasureForm, ...]] = leaf("How signals are read, the preferred way first.", {}, default={})
    metrics: tuple[MetricForm, ...] = leaf("Metrics.", [], default=())


def to_profile(form: ProfileForm) -> profile.Profile:
    """The frozen data that signals read, of a form without contradictions."""
    return profile.Profile(
        name=form.name, title=form.title, kind=form.class_, port=form.scrape.port, port_name=form.scrape.port_name,
        path=form.scrape.path, startup=form.startup, container=form.container or "", model_label=form.model_label or "",
        matchers=tuple(map(matcher, form.matchers)), honor_labels=form.honor_labels, readings=form.readings,
        metrics=tuple(_metric(one, form) for one in form.metrics),
        measures=tuple((signal, tuple(map(_measure, ways))) for signal, ways in form.signals.items()))


def matcher(text: str) -> tuple[str, str, str]:
    """Label, operator and value of a matcher whose form was checked."""
    # The first sign in the text is the operator: a label has none, and a value may have any.
    sign = min((one for one in _SIGNS if one in text), key=lambda one: (text.index(one), -len(one)))
    label, _, value = text.partition(sign)
    return label.strip(), sign, value.strip()[1:-1].replace('\\"', '"').replace("\\\\", "\\")


def terms(form: MeasureForm) -> tuple[tuple[str, TermForm], ...]:
    """Every term of a measure with the key under which it stands."""
    lists = (("errors", form.errors), ("total", form.total), ("counters", form.counters))
    single = (("histogram", form.histogram), ("meanSum", form.mean_sum), ("meanCount", form.mean_count),
              ("gauge", form.gauge))
    return (*((key, term) for key, found in lists for term in found),
            *((key, term) for key, term in single if term is not None))


def _metric(form: MetricForm, whole: ProfileForm) -> profile.Metric:
    since, until = form.since, form.until
    shared = whole.entities[form.of] if form.of is not None else ()
    return profile.Metric(
        name=form.name, type=form.type, unit=form.unit, labels=(*shared, *form.labels), help=form.help,
        label_values=tuple((label, values) for label, values in form.labels.items() if values),
        buckets=whole.buckets[form.buckets] if isinstance(form.buckets, str) else form.buckets,
        bucket_rule=form.bucket_rule or "", lazy=form.lazy, condition=_condition(form),
        seen_from=since.seen if since else "", absent_until=(since.absent or "") if since else "",
        seen_until=until.seen if until else "", absent_from=(until.absent or "") if until else "")


def _condition(form: MetricForm) -> tuple[str, str] | None:
    if form.when is None:
        return None
    if form.when.option == FIELDS:
        return (FIELDS, form.name)
    return (form.when.option, form.when.value) if form.when.option is not None else ("", form.when.state or "")


def _term(form: TermForm) -> profile.Term:
    return profile.Term(form.metric, tuple(map(matcher, form.match)))


def _measure(form: MeasureForm) -> profile.Measure:
    return profile.Measure(
        source=form.source, errors=tuple(map(_term, form.errors)), total=tuple(map(_term, form.total)),
        counters=tuple(map(_term, form.counters)), histogram=_optional(form.histogram),
        mean_sum=_optional(form.mean_sum), mean_count=_optional(form.mean_count), gauge=_optional(form.gauge))


def _optional(form: TermForm | None) -> profile.Term | None:
    return _term(form) if form is not None else None
