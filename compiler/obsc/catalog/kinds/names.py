"""Kinds of workload as frozen data: how their pods are named, and which series count their replicas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from obsc import encode

# What a star in the name of an object stands for.
_ANY = "[a-z0-9.-]*"


@dataclass(frozen=True, slots=True)
class Counted:
    """Series of kube-state-metrics about an object: `label` carries its name."""

    label: str
    wanted: str
    available: str


@dataclass(frozen=True, slots=True)
class PodNames:
    """How pods are named: the object's name, `base` (a template), and what the RE2 expression `end` matches.

    Of name and base only `most` characters survive (0: all); `cut` is the rest where they were cut.
    """

    base: str
    most: int
    end: str
    cut: str


@dataclass(frozen=True, slots=True)
class Owned:
    """An object of another kind that an object makes; `name` is the template of what follows the name."""

    kind: str
    name: str
    counts: bool


@dataclass(frozen=True, slots=True)
class WorkloadKind:
    """A kind of workload. `selector`: labels of its pods with the values that each may have, `{name}` in them for the
    object's name; with `shared` they do not tell one object's pods from another's. `service`: name of its Service. `longest`:
    length of the longest name that is told of here, 0 for any. In templates `#` is a digit and `%` a random character.
    """

    name: str
    counted: Counted | None
    pods: tuple[PodNames, ...]
    objects: tuple[Owned, ...]
    selector: tuple[tuple[str, tuple[str, ...]], ...]
    shared: bool
    container: str
    service: str
    longest: int


@dataclass(frozen=True, slots=True)
class Count:
    """Series that count replicas, and the RE2 expression of the names of the objects that they are about."""

    series: Counted
    names: str


def named(name: str) -> str:
    """RE2 expression of a name, or of a glob of names."""
    return encode.re2_glob(name, _ANY)


def either(expressions: Sequence[str]) -> str:
    """One expression of several, which something else may stand beside."""
    found = "|".join(dict.fromkeys(expressions))
    return f"(?:{found})" if "|" in found else found


def pod_names(kinds: Mapping[str, WorkloadKind], kind: str, names: Sequence[str]) -> str:
    """RE2 expression of the names of the pods of objects; "" for kinds without pods of their own."""
    known = kinds.get(kind)
    if known is None:
        return ""
    ends: dict[str, list[tuple[str, str]]] = {}
    for suffix, pods in _pods(kinds, known, ""):
        for name in names:
            start, end = _parts(name, suffix, pods)
            ends.setdefault(end, []).append(start)
    return "|".join(_starts(starts) + either([end]) for end, starts in ends.items())


def counts(kinds: Mapping[str, WorkloadKind], kind: str, names: Sequence[str]) -> tuple[Count, ...]:
    """Which series count the replicas of objects, each kind of series once; () where there are none."""
    known = kinds.get(kind)
    found: dict[Counted, list[tuple[str, str]]] = {}
    for suffix, series in _counted(kinds, known, "") if known is not None else ():
        found.setdefault(series, []).extend((named(name), pattern(suffix)) for name in names)
    return tuple(Count(series, _starts(objects)) for series, objects in found.items())


def _starts(starts: Sequence[tuple[str, str]]) -> str:
    """Names with what follows each: all combinations, or only those that occur."""
    names, suffixes = (tuple(dict.fromkeys(column)) for column in zip(*starts, strict=True))
    if len(names) * len(suffixes) == len(set(starts)):
        return either(names) + either(suffixes)
    return either([name + suffix for name, suffix in starts])


def _parts(name: str, suffix: str, pods: PodNames) -> tuple[tuple[str, str], str]:
    """Expressions of a name, of what follows it, and of the end. How long a glob's names are is not known: they are not cut."""
    base = suffix + pods.base
    if not pods.most or "*" in name or len(name) + len(base) <= pods.most:
        return (named(name), pattern(base)), pods.end
    kept = name[:pods.most]
    return (named(kept), pattern(base[:pods.most - len(kept)])), pods.cut


def _pods(kinds: Mapping[str, WorkloadKind], kind: WorkloadKind, suffix: str) -> Iterator[tuple[str, PodNames]]:
    for owned in kind.objects:
        yield from _pods(kinds, kinds[owned.kind], suffix + owned.name)
    for one in kind.pods:
        yield suffix, one


def _counted(kinds: Mapping[str, WorkloadKind], kind: WorkloadKind, suffix: str) -> Iterator[tuple[str, Counted]]:
    if kind.counted is not None:
        yield suffix, kind.counted
    for owned in kind.objects:
        if owned.counts:
            yield from _counted(kinds, kinds[owned.kind], suffix + owned.name)


# Random endings are of these (k8s.io/apimachinery rand.SafeEncodeString): no vowels, no 0, 1, 3.
_SAFE, _DIGIT = "[bcdfghjklmnpqrstvwxz2456789]", "[0-9]"


def spelled(expression: str) -> str:
    """An expression with its random characters and digits spelled out."""
    return expression.replace("%", _SAFE).replace("#", _DIGIT)


def pattern(template: str) -> str:
    """A template as an RE2 expression: runs of one placeholder are counted."""
    return re.sub(r"%+|#+|[^%#]+", _piece, template)


def _piece(found: re.Match[str]) -> str:
    text = found.group()
    if text[0] not in "%#":
        return encode.re2_literal(text)
    return spelled(text[0]) + (f"{{{len(text)}}}" if len(text) > 1 else "")
