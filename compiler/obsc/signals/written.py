"""Expressions that a team writes itself: completed so that they read the service's own series and nobody else's."""

from __future__ import annotations

from dataclasses import dataclass

from obsc import workloads
from obsc.ir import Recorded
from obsc.promql import Matcher, Raw, Selector, equal, select
from obsc.promql_text import Found, inject, plain, restored, selectors, summands, uncommented, written_problem
from obsc.signals.subject import EXPORTERS, Subject

# What Prometheus itself records of every target.
OF_TARGETS = frozenset({"up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling"})
RECORDED = frozenset(one.value for one in Recorded)
NAMESPACES = frozenset({"namespace", "exported_namespace"})


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a metric is: the component that exposes it, with its job, or one of the platform's exporters."""

    subject: Subject
    job: str = ""
    exporter: str = ""


def written(subject: Subject, text: str, *, scope: bool = True) -> Raw | None:
    """An expression with its selectors completed (not without `scope`); None if it is unsound, which a rule reports.

    A label that the author matches himself is left to him; what he says of namespaces is checked by a rule.
    """
    if written_problem(text) is not None:
        return None
    bare = plain(uncommented(text))
    done = inject(bare, lambda one: _missing(subject, one)) if scope else bare
    own = tuple(select(one.metric, *one.matchers) for one in selectors(done) if one.metric and _known(subject, one.metric))
    return Raw(restored(done), own)


def written_selector(subject: Subject, text: str) -> Selector | None:
    """A plain selector, completed; None for any other expression, which a rule reports."""
    if not is_selector(text):
        return None
    [found] = selectors(inject(uncommented(text), lambda one: _missing(subject, one)))
    return select(found.metric, *found.matchers)


def sample_series(subject: Subject, text: str, *, scope: bool) -> Selector | None:
    """A series that a completed selector of its metric selects; None for what is no series, which a rule reports."""
    if not is_series(text):
        return None
    [found] = selectors(text)
    more = [one for one in _missing(subject, found) if one.op == "="] if scope else []
    if scope and subject.scattered and not NAMESPACES & {one.label for one in found.matchers}:
        # One of the namespaces; of a glob, one that it could mean.
        more.append(equal("namespace", workloads.namespaces(subject.resolved)[0].replace("*", "x")))
    return select(found.metric, *found.matchers, *more)


def is_series(text: str) -> bool:
    """Whether a text names one series: a metric, and labels with their values."""
    return is_selector(text) and all(one.op == "=" for one in selectors(text)[0].matchers)


def written_sum(subject: Subject, text: str) -> tuple[Selector, ...]:
    """The selectors of a sum of counters, completed; none for any other expression, which a rule reports."""
    bare = uncommented(text)
    if written_problem(text) is not None or summands(bare) is None:
        return ()
    return tuple(select(one.metric, *one.matchers) for one in selectors(inject(bare, lambda one: _missing(subject, one))))


def is_selector(text: str) -> bool:
    """Whether an expression is a metric with matchers and nothing else."""
    if written_problem(text) is not None:
        return False
    found, rest = selectors(plain(text)), uncommented(text)
    name = rest.partition("{")[0].strip()
    closed = rest == name or rest.endswith("}")
    return len(found) == 1 and found[0].range is None and name == found[0].metric != "" and closed


def owner(subject: Subject, metric: str) -> Owner | None:
    """Who exposes a metric, as far as the service and the platform's exporters are known."""
    for part in (subject.resolved, *subject.resolved.components):
        one = subject if part is subject.resolved else Subject(part)
        job = one.job_of(metric)
        if job is not None:
            return Owner(one, job)
    for key in EXPORTERS:
        if subject.exported_by(key, metric):
            return Owner(subject, exporter=key)
    return None


def _known(subject: Subject, metric: str) -> bool:
    found = owner(subject, metric)
    return found is not None and not found.exporter


def _missing(subject: Subject, found: Found) -> tuple[Matcher, ...]:
    spelled = {one.label for one in found.matchers}
    return tuple(one for one in _scope(subject, found.metric).matchers if one.label not in spelled)


def _scope(subject: Subject, metric: str) -> Selector:
    if metric in RECORDED:
        return subject.recorded(metric)
    found = owner(subject, metric)
    if found is not None and not found.exporter:
        return found.subject.own(metric, job=found.job)
    if found is not None:
        return select(metric, *subject.place(found.exporter))
    if metric in OF_TARGETS:
        return subject.own(metric)
    return select(metric, *subject.place())
