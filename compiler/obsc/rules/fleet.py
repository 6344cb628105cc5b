"""Services beside each other: no file is read twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from obsc.diagnostics import Place, Related, Sink
from obsc.ir import Identity
from obsc.resolve import Resolved
from obsc.rules.overlap import Reads, overlaps


@dataclass(frozen=True, slots=True)
class Files:
    """Globs of log files, and an expression that the paths match too, or ""."""

    files: tuple[str, ...]
    include: str


@dataclass(frozen=True, slots=True)
class Member:
    """What rules about several services look at: whose it is, which log files it reads, and where that is said."""

    identity: Identity
    logs: tuple[Files, ...]
    place: Place


def member(resolved: Resolved, logs: Sequence[Reads]) -> Member:
    """A service as one of several."""
    path = ("logs", "paths") if resolved.service.logs.paths else ("metadata", "name")
    return Member(resolved.identity, tuple(Files(one.files, one.include) for one in logs), resolved.origins.place(path))


def overlapping_logs(found: Sequence[Member], sink: Sink) -> None:
    """Two inputs that could read one file would send its lines twice, under two names."""
    for environment in sorted({one.identity.environment for one in found}):
        inputs = [(one, files) for one in found for files in one.logs if one.identity.environment == environment]
        for index, other in overlaps([files for _, files in inputs], [one.identity for one, _ in inputs]):
            first, second = inputs[index][0], inputs[other][0]
            name = f"{second.identity.namespace}/{second.identity.name}"
            sink.error("S322", f"a log file could be this service's and that of `{name}`", first.place, path="logs.paths",
                       hint="narrow `logs.paths`, or name the container in `logs.containers`",
                       related=(Related(second.place, "the other service"),))
