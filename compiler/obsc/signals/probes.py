"""Probes: does a request from outside get its answer, through everything that lies between?"""

from __future__ import annotations

from obsc.ir import AlertRule, Chart, Field, Origin, Panel, Query, Unit
from obsc.probes import probe_label
from obsc.promql import Binary, Number, Selector, aggregate, equal, select
from obsc.signals.alert import CRITICAL, WHO, Contribution, Story, alert
from obsc.signals.settings import Default
from obsc.signals.subject import Subject

FAILING = Default("ProbeFailing", CRITICAL, hold=180, needs="the spec has no `probes`")
SUCCESS = "probe_success"
_CHECKS = (
    "Send the request yourself, from inside the cluster: does it hang, fail, or answer something unexpected?",
    "Look at what lies between: DNS, gateway, certificate, network policy, authentication.",
    "Look at the service's own targets and errors: if they are well, the way to it is not.",
)


def probes(subject: Subject) -> Contribution:
    """ProbeFailing for each probe, and their states over time."""
    if not subject.resolved.service.probes:
        return Contribution()
    if not subject.resolved.platform.sources.blackbox.enabled:
        return Contribution(omitted=((FAILING.name, "the platform has no black-box exporter"),))
    failing = _failing(subject)
    return Contribution(alerts=(failing,) if failing is not None else (), panels=(("status", _states(subject)),))


def probed(subject: Subject) -> Selector | None:
    """Whether the service's probes got their answers; None where nobody probes it."""
    there = subject.resolved.service.probes and subject.resolved.platform.sources.blackbox.enabled
    return _success(subject) if there else None


def _success(subject: Subject) -> Selector:
    # A probe is of the whole service, and scraped for its own namespace: it has no pods that could be elsewhere.
    place = (equal("namespace", subject.resolved.service.metadata.namespace),) if subject.scattered else subject.place()
    return select(SUCCESS, *place, *subject.component, equal("job", probe_label(subject.resolved)))


def _failing(subject: Subject) -> AlertRule | None:
    settings = subject.settings(FAILING)
    if settings is None:
        return None
    expr = Binary("==", aggregate("max", _success(subject), "namespace", "probe"), Number(0))
    return alert(subject, settings, Story(
        "probeSuccess", "availability", "probes", (*WHO, " does not answer the probe ", Field(label="probe")),
        ("The request of the probe ", Field(label="probe"), " gets no answer, or not the one that is expected."),
        "Whoever asks the same way gets no answer either.", _CHECKS), expr)


def _states(subject: Subject) -> Panel:
    return Panel(
        "probes", "Probes", Chart.STATES, Unit.BOOL,
        (Query(aggregate("max", _success(subject.viewed), "namespace", "probe"), (Field(label="probe"),)),),
        "Whether each probe got its answer. ProbeFailing watches them.", Origin("probes"), width=8)
