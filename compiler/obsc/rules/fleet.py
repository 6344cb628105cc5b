"""Services beside each other: no file is read twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from obsc.diagnostics import Place, Related, Sink
from obsc.ir import LogInput, Service
from obsc.resolve import Resolved

_ID = "0" * 64


def overlapping_logs(found: Sequence[tuple[Resolved, Service]], sink: Sink) -> None:
    """Two inputs that could read one file would send its lines twice, under two names."""
    inputs = [(resolved, one) for resolved, service in found for one in service.logs]
    for index, (first, left) in enumerate(inputs):
        for second, right in inputs[index + 1:]:
            same_place = first.identity.environment == second.identity.environment
            if same_place and first is not second and overlap(left, right):
                name = f"{second.identity.namespace}/{second.identity.name}"
                sink.error("S322", f"a log file could be this service's and that of `{name}`",
                           _place(first), path="logs.paths",
                           hint="narrow `logs.paths`, or name the container in `logs.containers`",
                           related=(Related(_place(second), "the other service"),))


def _place(resolved: Resolved) -> Place:
    path = ("logs", "paths") if resolved.service.logs.paths else ("metadata", "name")
    return resolved.origins.place(path)


def overlap(left: LogInput, right: LogInput) -> bool:
    """Whether some file name fits both. Decided on examples that each side's own expressions produce: where both
    only have globs, on the globs' literal parts, and then rather yes than no.
    """
    if left.include and right.include:
        return any(_reads(right, path) for path in _examples(left)) or any(_reads(left, path) for path in _examples(right))
    if left.include or right.include:
        exact, loose = (left, right) if left.include else (right, left)
        return any(_reads(loose, path) for path in _examples(exact))
    return any(_meet(one, other) for one in left.files for other in right.files)


def _examples(one: LogInput) -> Iterator[str]:
    """File names that the input reads: what its expression says, with each repetition filled in."""
    text = one.include.removesuffix("$").replace("\\.", ".").replace("\\", "")
    text = re.sub(r"\[0-9a-f\]\{64\}", _ID, text)
    text = re.sub(r"\[[^\]]*\]\{1,10\}", "bcdfghjklm", text)
    text = re.sub(r"\[[^\]]*\]\{5\}", "bcdfg", text)
    text = re.sub(r"\[0-9\]\+", "0", text)
    text = re.sub(r"\[[^\]]*\](\{[0-9,]+\}|\+)", "main", text)
    for path in one.files:
        folder = path.rpartition("/")[0]
        name = folder + text
        if _glob(path).fullmatch(name):
            yield name


def _reads(one: LogInput, path: str) -> bool:
    return any(_glob(glob).fullmatch(path) for glob in one.files) and (not one.include or bool(re.search(one.include, path)))


def _glob(glob: str) -> re.Pattern[str]:
    return re.compile("".join("[^/]*" if char == "*" else "[^/]" if char == "?" else re.escape(char) for char in glob))


def _meet(one: str, other: str) -> bool:
    """Whether two globs have a name in common: their literal beginnings and ends must agree."""
    heads = (one.partition("*")[0], other.partition("*")[0])
    tails = (one.rpartition("*")[2], other.rpartition("*")[2])
    same_head = heads[0].startswith(heads[1]) or heads[1].startswith(heads[0])
    same_tail = tails[0].endswith(tails[1]) or tails[1].endswith(tails[0])
    return same_head and same_tail
