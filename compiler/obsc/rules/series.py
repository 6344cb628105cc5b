"""How many series a service has: labels without bounds, and the budget of all of them."""

from __future__ import annotations

from obsc.diagnostics import Sink, render
from obsc.ir import Service
from obsc.patterns import is_unbounded
from obsc.resolve import Resolved
from obsc.rules.estimate import Share, estimated
from obsc.rules.metrics import own_metrics, readers
from obsc.signals.subject import Subject
from obsc.source import Path

_SHOWN = 3


def unbounded_labels(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Labels of a service's own series have few values."""
    for index, one in enumerate(resolved.service.metrics.series):
        for label, known in one.labels.items():
            if not known and is_unbounded(label):
                path: Path = ("metrics", "series", index, "labels", label)
                sink.warning("S392", f"the label `{label}` of `{one.name}` has another value for each request or person, and each makes a "
                             "series", resolved.origins.place(path, key=True), path=render(path),
                             hint="leave it out where the series is made, and find single requests in logs and traces")


def series_budget(resolved: Resolved, service: Service, sink: Sink) -> None:
    """The series of a service, as they are estimated, are within its budget; of a further component, its own within what it says."""
    budget, path = resolved.service.metrics.series_budget, ("metrics", "seriesBudget")
    if budget is None or not resolved.sound("runtime"):
        return
    mine = estimated(resolved, len(service.recordings))
    others = [share for part in (resolved.components if resolved.first else ()) for share in estimated(part, 0)]
    total = sum(one.series for one in (*mine, *others))
    if total <= budget:
        return
    largest = sorted((*mine, *others), key=lambda one: (-one.series, one.metric))[:_SHOWN]
    told = ", ".join(f"{one.series} of `{one.metric}`" if one.glob else f"{one.series} that are {one.metric}" for one in largest)
    sink.error("S393", f"about {total} series are estimated, more than the budget of {budget}; most are {told}",
               resolved.origins.place(path), path=render(path), hint=_savings(resolved, service, mine, total - budget))


def _savings(resolved: Resolved, service: Service, shares: tuple[Share, ...], excess: int) -> str:
    """Metrics that nothing reads, the largest first, until enough is saved."""
    subject = Subject(resolved)
    read = {facts.name for _, expr in readers(service) for name in own_metrics(subject, expr) if (facts := subject.facts(name)) is not None}
    names, saved = list[str](), 0
    for one in shares:
        if one.glob and one.metric not in read and saved < excess:
            names, saved = [*names, one.glob], saved + one.series
    if not names:
        return "every metric is read by a rule or a panel: raise the budget, or run fewer replicas"
    listed = ", ".join(f'"{name}"' for name in names)
    enough = "" if saved >= excess else f" which saves {saved}; for the rest raise the budget"
    return f"nothing reads these: `dropMetrics: [{listed}]`{enough}"
