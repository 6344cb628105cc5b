"""Another valid value for a value of the language: near by, of the same kind, told apart from the first in the outputs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from obsc import durations
from obsc.source import Path
from obsc.spec.base import Block
from obsc.spec.reflect import site

_RELEASE = re.compile(r"([0-9]+(?:\.[0-9]+)*?)\.?([0-9]+)")


def alternatives(model: type[Block], path: Path, value: object) -> Iterator[object]:
    """Values to try in place of one, the most alike first. Not all of them need be valid where they stand."""
    found = site(model, path)
    seen = {repr(value)}
    near = () if str(value) in found.choices else _of_kind(value)
    for one in (*near, *found.choices, found.example):
        if one is not None and type(one) in {bool, int, float, str} and repr(one) not in seen:
            seen.add(repr(one))
            yield one


def _of_kind(value: object) -> Iterator[object]:
    match value:
        case bool():
            yield not value
        case int():
            yield from (value + 1, value * 2, max(0, value - 1))
        case float():
            yield from (value * 1.5, value / 2)
        case str():
            yield from _texts(value)


def _texts(value: str) -> Iterator[str]:
    seconds = durations.parse(value)
    if seconds:
        yield from (durations.show(seconds * 2), durations.show(max(1.0, seconds / 2)))
        return
    if value.endswith("%") and value[:-1].replace(".", "", 1).isdigit():
        share = float(value[:-1])
        yield from (f"{durations.number(share / 2)}%", f"{durations.number(min(99.5, share * 1.2))}%")
        return
    release = _RELEASE.fullmatch(value)
    if release is not None:
        head, last = (release[1] + ".", release[2]) if "." in value else ("", value)
        yield from (f"{head}{int(last) + 1}", f"{head}{max(0, int(last) - 1)}")
        return
    if value.startswith(("http://", "https://")):
        yield from (value.rstrip("/") + "/x", value.replace("://", "://x."))
    host, colon, port = value.rpartition(":")
    if colon and port.isdigit():
        yield from (f"{host}:{int(port) + 1}", f"x{value}")
    yield from (value + "x", value + "-x", "x" + value, value + " x")
