"""Services beside each other: no file is read twice."""

from __future__ import annotations

from collections.abc import Sequence

from obsc.diagnostics import Place, Related, Sink
from obsc.ir import Service
from obsc.resolve import Resolved
from obsc.rules.overlap import overlaps


def overlapping_logs(found: Sequence[tuple[Resolved, Service]], sink: Sink) -> None:
    """Two inputs that could read one file would send its lines twice, under two names."""
    for environment in sorted({resolved.identity.environment for resolved, _ in found}):
        inputs = [(resolved, one) for resolved, service in found for one in service.logs
                  if resolved.identity.environment == environment]
        for index, other in overlaps([one for _, one in inputs]):
            first, second = inputs[index][0], inputs[other][0]
            if first is second:
                continue
            name = f"{second.identity.namespace}/{second.identity.name}"
            sink.error("S322", f"a log file could be this service's and that of `{name}`", _place(first), path="logs.paths",
                       hint="narrow `logs.paths`, or name the container in `logs.containers`",
                       related=(Related(_place(second), "the other service"),))


def _place(resolved: Resolved) -> Place:
    path = ("logs", "paths") if resolved.service.logs.paths else ("metadata", "name")
    return resolved.origins.place(path)
