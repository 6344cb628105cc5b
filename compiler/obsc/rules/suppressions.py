"""Comments that keep findings quiet, once all findings are known: each one does, or is said to be of no use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from obsc.diagnostics import Related, Sink
from obsc.resolve import Environment
from obsc.source import Document
from obsc.tree import walk

# What a platform says of services: whether it causes a finding depends on the services that are compiled.
_OF_SERVICES = frozenset({"defaults", "profiles", "enforced"})


def suppressions_used(told: Sink, found: Sequence[Environment], sink: Sink) -> None:
    """A suppression that suppresses nothing hides what comes next; an error is never suppressed.

    Bad: `for: 5m  # obsc: ignore S312 -- flaps at night`, where `5m` is long enough.
    Good: no comment. Files with errors (or whose platform has one) are not judged: what was not read may be what is meant.
    """
    failed = set(told.places())
    if failed & {one.document.file for one in found}:
        return
    exempt = {(one.document.file, line) for one in found for line in _of_services(one.document)}
    for suppression, error in told.unheeded():
        code, place = suppression.code, suppression.place
        if error is not None:
            sink.warning("L025", f"`{code}` is an error here, and errors cannot be suppressed", place,
                         hint="mend it, and delete the comment", related=(Related(error.place, "the error"),))
        elif place.file not in failed and (place.file, suppression.line) not in exempt:
            sink.warning("L026", f"no finding `{code}` stands on line {suppression.line}: the comment suppresses nothing", place,
                         hint="delete it, or move it to the line that the finding names")


def _of_services(document: Document) -> Iterator[int]:
    for path, node in walk(document.root):
        if _OF_SERVICES.intersection(path[:1] + path[2:3]):
            yield node.place.line
            yield from (place.line for place in (node.keys or {}).values())
