"""What a team writes in PromQL: sound, about metrics that exist, and about nobody else's series."""

from __future__ import annotations

import fnmatch

from obsc import durations, workloads
from obsc.advice import nearest
from obsc.diagnostics import Sink, render
from obsc.ir import Service
from obsc.promql_text import Found, plain, selectors, summands, uncommented, written_problem
from obsc.resolve import Resolved
from obsc.rules.alerts import ALERTS
from obsc.rules.texts import Written, texts
from obsc.signals.subject import Subject
from obsc.signals.written import NAMESPACES, OF_TARGETS, RECORDED, is_selector, is_series, owner
from obsc.source import Path


def expressions(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Every written expression is one that Prometheus loads, and reads metrics that are known, in namespaces that it may read."""
    subject = Subject(resolved)
    for one in texts(resolved):
        place = resolved.origins.place(one.path)
        problem = written_problem(one.text)
        if problem is None and one.counter and not is_selector(one.text):
            problem = "it is no plain selector, expected one of a counter: its rate and its sum are added"
        if problem is None and one.summed and summands(uncommented(one.text)) is None:
            problem = "it is no sum of plain selectors, expected those of counters: their rates are added"
        if problem is not None:
            sink.error("S350", f"the expression cannot be used: {problem}", place, path=render(one.path),
                       hint="mend it: Prometheus refuses a whole rule file for one such expression")
            continue
        for found in selectors(plain(uncommented(one.text))):
            _tenant(resolved, one, found, sink)
            _metric(subject, one, found, sink)


def _tenant(resolved: Resolved, one: Written, found: Found, sink: Sink) -> None:
    """A selector is confined to namespaces that the service may read: by the compiler, or by its author's own matcher."""
    own = workloads.namespaces(resolved)
    mine = own[0]
    allowed = (*own, *resolved.platform.policy.cross_namespace)
    said = [matcher for matcher in found.matchers if matcher.label in NAMESPACES]
    confined = [matcher for matcher in said if matcher.op == "="]
    foreign = next((matcher.value for matcher in confined if not any(fnmatch.fnmatchcase(matcher.value, a) for a in allowed)), None)
    if foreign is None and (confined or (one.scope and not said) or "*" in allowed):
        return
    what = f"the namespace `{foreign}`" if foreign is not None else f"series of `{found.metric or 'any metric'}` in every namespace"
    sink.error("P410", f"the expression reads {what}, expected `{mine}`", resolved.origins.place(one.path), path=render(one.path),
               hint=f'match `namespace="{mine}"`, or ask the platform\'s owners for `policy.crossNamespace`')


def _metric(subject: Subject, one: Written, found: Found, sink: Sink) -> None:
    name = found.metric
    known_anyway = not name or ":" in name or not one.scope or name in OF_TARGETS | RECORDED
    if (known_anyway and not _of_runtime(subject, name)) or owner(subject, name) is not None:
        return
    sink.warning("S351", f"no metric `{name}` is known here", subject.resolved.origins.place(one.path), path=render(one.path),
                 hint=nearest(name, subject.known_metrics, "declare it in `metrics.series` if the service exposes it"))


def _of_runtime(subject: Subject, name: str) -> bool:
    """Whether a name with a colon is of the runtime's family, and no recorded series."""
    return ":" in name and any(metric.startswith(name.partition(":")[0] + ":") for metric in subject.known_metrics)


def alert_tests(resolved: Resolved, _: Service, sink: Sink) -> None:
    """A unit test gives series that its alert reads, and looks when the alert has waited long enough to fire."""
    for index, alert in enumerate(resolved.service.alerts.custom):
        if written_problem(alert.expr) is not None:
            continue
        read = sorted({one.metric for one in selectors(plain(uncommented(alert.expr))) if one.metric})
        for number, test in enumerate(alert.test):
            path: Path = ("alerts", "custom", index, "test", number)
            for text in test.series:
                place = resolved.origins.place((*path, "series", text), key=True)
                name = text.partition("{")[0]
                if not is_series(text):
                    sink.error("S362", f"`{text}` is no series", place, path="alerts.custom.test",
                               hint='write a metric with labels and their values, such as `refusals_total{reason="policy"}`')
                elif name not in read:
                    sink.error("S362", f"the alert {alert.name} reads {', '.join(f'`{one}`' for one in read)} and no `{name}`", place,
                               path="alerts.custom.test", hint="give the series that the alert reads")
            if test.fires and test.at < alert.for_:
                waits = durations.show(alert.for_)
                sink.error("S362", f"the alert {alert.name} waits {waits}, and cannot fire at {durations.show(test.at)}",
                           resolved.origins.place((*path, "at")), path="alerts.custom.test",
                           hint="look later, or expect that it does not fire")


def indicator_bounds(resolved: Resolved, _: Service, sink: Sink) -> None:
    """An indicator has one source and bounds in order."""
    for index, one in enumerate(resolved.service.indicators if resolved.first else ()):
        place, path = resolved.origins.place(("indicators", index, "name")), f"indicators.{index}"
        if (one.ratio is None) == (one.value is None):
            what = "neither `ratio` nor `value`" if one.ratio is None else "both `ratio` and `value`"
            sink.error("S354", f"the indicator `{one.name}` has {what}", place, path=path, hint="write one of them")
        if one.min is None and one.max is None:
            sink.error("S353", f"the indicator `{one.name}` has no bound", place, path=path, hint="write `min`, `max` or both")
        elif one.min is not None and one.max is not None and one.min >= one.max:
            sink.error("S353", f"`min` {one.min:g} of `{one.name}` is not below its `max` {one.max:g}",
                       resolved.origins.place(("indicators", index, "min")), path=path, hint="lower `min` or raise `max`")


def own_names(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Custom alerts have names that no built-in one has, panels titles of their own."""
    for index, alert in enumerate(resolved.service.alerts.custom):
        if alert.name in ALERTS:
            sink.error("S352", f"`{alert.name}` is a built-in alert", resolved.origins.place(("alerts", "custom", index, "name")),
                       path="alerts.custom", hint="choose another name, or change the built-in one in `alerts.rules`")
    seen: set[str] = set()
    for index, panel in enumerate(resolved.service.dashboards.panels if resolved.first else ()):
        if panel.title in seen:
            sink.error("S352", f"two panels are called `{panel.title}`",
                       resolved.origins.place(("dashboards", "panels", index, "title")), path="dashboards.panels", hint="rename one")
        seen.add(panel.title)
