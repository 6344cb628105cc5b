"""The telemetry itself: targets that do not answer, and pages that lose their series."""

from __future__ import annotations

from obsc import endpoints
from obsc.encode import re2_literal
from obsc.ir import AlertRule, Chart, Discovery, Field, Origin, Panel, Query, Unit
from obsc.promql import Binary, Expr, Matcher, Number, Selector, aggregate, equal, over, regex, select
from obsc.signals.alert import INFO, WARNING, WHO, Contribution, Story, alert, lasting, lines, share, unless_young
from obsc.signals.offers import Offer, taken
from obsc.signals.settings import Default, Settings
from obsc.signals.subject import NO_PAGE, Subject

TARGET = Default("TargetDown", WARNING, hold=600)
SAMPLES = Default("ScrapeSamplesDropped", WARNING, hold=900, threshold=0.5, kind="ratio")
SLOW = Default("ScrapeSlow", INFO, hold=900, threshold=0.8, kind="ratio", enabled=False)
_SAMPLES = "scrape_samples_post_metric_relabeling"

CHECKS = ("Does the target answer its metrics path from inside the cluster?",
          "Was the runtime upgraded? Metrics are renamed between versions: set `runtime.version` and compile again.",
          "Did a label, a port or a network policy change?")


def pipeline(subject: Subject) -> Contribution:
    """TargetDown for one target of several, ScrapeSamplesDropped for a page that lost half of its series."""
    if endpoints.pageless(subject.resolved):
        return Contribution(omitted=tuple((one.name, NO_PAGE) for one in (TARGET, SAMPLES, SLOW)))
    alerts = [rule for rule in (_target(subject), _samples(subject)) if rule is not None]
    slow, omitted = taken(subject, (Offer(SLOW, lambda said: _slow(subject, said)),))
    panels = (_targets(subject), _page(subject), *((_duration(subject),) if slow else ()))
    return Contribution(alerts=(*alerts, *slow), panels=tuple(("telemetry", panel) for panel in panels), omitted=omitted)


def _jobs(subject: Subject) -> tuple[Matcher, ...]:
    found = sorted({endpoints.job_label(subject.resolved, one) for one in endpoints.all_endpoints(subject.resolved)})
    if len(found) == 1:
        return (equal("job", found[0]),)
    return (regex("job", "|".join(re2_literal(job) for job in found)),)


def _every(subject: Subject, name: str) -> Selector:
    if subject.resolved.service.metrics.matchers:
        return subject.own(name)
    return select(name, *subject.place(), *subject.component, *_jobs(subject))


def _target(subject: Subject) -> AlertRule | None:
    settings = subject.settings(TARGET)
    if settings is None:
        return None
    in_pods = endpoints.discovery(subject.resolved) in {Discovery.PODS, Discovery.SERVICE}
    by = ("namespace", "job", "instance", "pod") if in_pods else ("namespace", "job", "instance")
    expr: Expr = Binary("==", aggregate("max", _every(subject, "up"), *by), Number(0))
    guarded = unless_young(subject, expr, "namespace", "pod") if in_pods else expr
    # Without the age of pods, only time tells a start from an outage.
    least = 2 * subject.interval if guarded is not expr else subject.startup + settings.hold
    return alert(subject, lasting(subject, settings, least), Story(
        "up", "telemetry", "targets", (*WHO, " has a target that does not answer"),
        ("Target ", Field(label="instance"), " of job ", Field(label="job"), " does not answer its scrape."),
        "That replica is down, or nobody sees what it does.", CHECKS), guarded)


def _samples(subject: Subject) -> AlertRule | None:
    settings = subject.settings(SAMPLES)
    if settings is None:
        return None
    by = ("namespace", "job")
    # A target that is down brings none, which is no lost series.
    answering = Binary("==", _every(subject, "up"), Number(1))
    now = aggregate("avg", Binary("and", _every(subject, _SAMPLES), answering, on=("namespace", "job", "instance")), *by)
    before = aggregate("avg", over("avg_over_time", _every(subject, _SAMPLES), 3600), *by)
    expr = Binary("<", Binary("/", now, Binary(">", before, Number(0))), Number(settings.threshold))
    return alert(subject, settings, Story(
        "telemetry", "telemetry", "samples", (*WHO, " lost many of its series"),
        ("The scrape of job ", Field(label="job"), " brings only ", share(), " of the samples of the hour before."),
        "Panels and alerts over the lost series see nothing.", CHECKS), expr)


def _targets(subject: Subject) -> Panel:
    seen = subject.viewed
    return Panel(
        "targets", "Targets", Chart.STATES, Unit.BOOL,
        (Query(aggregate("max", _every(seen, "up"), "namespace", "job", "instance"), (Field(label="instance"),)),),
        "Whether each target answers its scrape. TargetDown and ServiceDown watch them.", Origin("pipeline"), width=12)


def _page(subject: Subject) -> Panel:
    seen = subject.viewed
    return Panel(
        "samples", "Samples per Scrape", Chart.LINES, Unit.COUNT,
        (Query(aggregate("avg", _every(seen, _SAMPLES), "namespace", "job"), (Field(label="job"),)),),
        "Samples that a scrape brings. A sudden fall means renamed or lost metrics; ScrapeSamplesDropped watches it.",
        Origin("pipeline"), minimum=0, width=12)


def _time_of_scrape(subject: Subject) -> Expr:
    """How much of the time between scrapes the slowest target's scrape takes; each endpoint has an interval of its own."""
    slowest = max(endpoints.interval(subject.resolved, one) for one in endpoints.all_endpoints(subject.resolved))
    return Binary("/", aggregate("max", _every(subject, "scrape_duration_seconds"), "namespace", "job"), Number(slowest))


def _slow(subject: Subject, settings: Settings) -> AlertRule:
    return alert(subject, settings, Story(
        "telemetry", "telemetry", "scrape-time", (*WHO, " takes long to be scraped"),
        ("A scrape of job ", Field(label="job"), " takes ", share(), " of the time between two of them."),
        "Soon scrapes fail, and nobody sees the service.", ("Does the page grow? Look at the samples per scrape.",
                                                             "Is the process short of CPU?")),
        Binary(">", _time_of_scrape(subject), Number(settings.threshold)))


def _duration(subject: Subject) -> Panel:
    return Panel(
        "scrape-time", "Time of a Scrape", Chart.LINES, Unit.RATIO,
        (Query(_time_of_scrape(subject.viewed), (Field(label="job"),)),),
        "How much of the time between two scrapes the slowest one takes. ScrapeSlow watches it.",
        Origin("pipeline"), lines(subject.settings(SLOW)), minimum=0, width=12)
