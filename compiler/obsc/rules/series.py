"""How many series a service has: labels without bounds, and the budget of all of them."""

from __future__ import annotations

from obsc.diagnostics import Sink, render
from obsc.ir import Service
from obsc.patterns import is_unbounded
from obsc.resolve import Resolved
from obsc.source import Path


def unbounded_labels(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Labels of a service's own series have few values."""
    for index, one in enumerate(resolved.service.metrics.series):
        for label, known in one.labels.items():
            if not known and is_unbounded(label):
                path: Path = ("metrics", "series", index, "labels", label)
                sink.warning("S392", f"the label `{label}` of `{one.name}` has another value for each request or person, and each makes a "
                             "series", resolved.origins.place(path, key=True), path=render(path),
                             hint="leave it out where the series is made, and find single requests in logs and traces")
