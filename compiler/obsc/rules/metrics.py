"""What is scraped and what is stored: labels of pods, and metrics that are dropped."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from obsc import endpoints
from obsc.diagnostics import Sink
from obsc.encode import series_label
from obsc.ir import Service
from obsc.promql import Expr, Selector, walk
from obsc.resolve import Resolved
from obsc.signals.subject import Subject

_RESERVED = frozenset({"job", "instance", "namespace", "service", "component", "pod", "container", "node", "le", "quantile"})


def pod_labels(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Labels of pods become labels of series where pods are discovered, under names that nothing else has."""
    said = resolved.service.metrics.pod_target_labels
    how = endpoints.discovery(resolved)
    seen: dict[str, str] = {}
    for index, key in enumerate(said):
        place, label = resolved.origins.place(("metrics", "podTargetLabels", index)), series_label(key)
        if label in _RESERVED or label in seen:
            whose = f"`{seen[label]}` becomes it too" if label in seen else "it is the compiler's own"
            sink.error("S356", f"`{key}` becomes the label `{label}` of series, but {whose}", place, path="metrics.podTargetLabels",
                       hint="leave it out")
        seen.setdefault(label, key)
    if said and how not in {"pods", "service"}:
        sink.warning("T501", f"`podTargetLabels` has no effect where discovery is `{how}`",
                     resolved.origins.place(("metrics", "podTargetLabels")), path="metrics.podTargetLabels", hint="leave it out")


def dropped_metrics(resolved: Resolved, service: Service, sink: Sink) -> None:
    """No rule and no panel reads what is not stored."""
    subject = Subject(resolved)
    users = list(readers(service))
    for index, glob in enumerate(resolved.service.metrics.drop_metrics):
        place = resolved.origins.place(("metrics", "dropMetrics", index))
        hit = next(((who, name) for who, expr in users for name in own_metrics(subject, expr) if fnmatch.fnmatchcase(name, glob)), None)
        if hit is not None:
            sink.error("S355", f"`{glob}` drops `{hit[1]}`, which {hit[0]} reads", place, path="metrics.dropMetrics",
                       hint="drop less, or switch that alert off")
    if resolved.service.metrics.drop_metrics and endpoints.discovery(resolved) == "none":
        sink.warning("T501", "`dropMetrics` has no effect where somebody else scrapes",
                     resolved.origins.place(("metrics", "dropMetrics")), path="metrics.dropMetrics", hint="leave it out")


def readers(service: Service) -> Iterator[tuple[str, Expr]]:
    """Everything that reads series, in words, with its expression."""
    yield from ((f"the alert {rule.name}", rule.expr) for rule in service.alerts)
    yield from ((f"the series {rule.name}", rule.expr) for rule in service.recordings)
    yield from ((f"the panel `{panel.title}`", query.expr) for row in service.dashboard.rows for panel in row.panels
                for query in panel.queries)


def own_metrics(subject: Subject, expr: Expr) -> Iterator[str]:
    """Names of the service's own metrics in an expression, as they stand there."""
    for part in walk(expr):
        if isinstance(part, Selector) and subject.job_of(part.metric) is not None:
            yield part.metric
