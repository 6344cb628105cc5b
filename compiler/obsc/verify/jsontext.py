"""JSON text → data, and the places of its parts, which are looked for only when a finding needs one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from obsc.diagnostics import Place, Sink
from obsc.source import Path

_SPACE = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]', re.DOTALL)
_DECODER = json.JSONDecoder()


class _Spot(NamedTuple):
    """Offsets of a value: where its key begins (the value itself if it has none), where it begins and ends."""

    key: int
    start: int
    end: int


def read(file: str, text: str, sink: Sink) -> tuple[object, bool]:
    """The data of a JSON text, and whether it could be read. Keys that stand twice are reported."""
    doubled: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        data = dict(found)
        if len(data) < len(found):
            doubled.append("")
        return data

    try:
        data = json.loads(text, object_pairs_hook=pairs, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        place = Place(file, error.lineno, error.colno, error.lineno, error.colno + 1)
        sink.error("X602", f"the text is no JSON: {error.msg[:1].lower()}{error.msg[1:]}", place, hint="mend the syntax")
        return None, False
    except (ValueError, RecursionError) as error:
        what = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        sink.error("X602", f"the text is no JSON: {what}", Place(file), hint="mend the syntax")
        return None, False
    if doubled:
        for start, end, key in _doubled(text):
            sink.error("L007", f"found the key `{key[:40]}` twice in one mapping", _place(file, text, start, end),
                       hint="delete one of them")
    return data, True


def place(file: str, text: str, path: Path, *, key: bool = False) -> Place:
    """Place of the value at a path (`key`: of its key), or of the nearest thing around it that there is.

    As in YAML, what has an inside is shown at its key.
    """
    spot = _Spot(_skip(text, 0), _skip(text, 0), _skip(text, 0) + 1)
    for index, step in enumerate(path):
        found = next((one for name, one in _children(text, spot.start) if name == step), None)
        if found is None:
            return _shown(file, text, spot, key=index > 0)
        spot = found
    return _shown(file, text, spot, key=key or text[spot.start] in "{[")


def _shown(file: str, text: str, spot: _Spot, *, key: bool) -> Place:
    if key and spot.key != spot.start:
        return _place(file, text, spot.key, _DECODER.raw_decode(text, spot.key)[1])
    return _place(file, text, spot.start, spot.start + 1 if text[spot.start] in "{[" else spot.end)


def _place(file: str, text: str, start: int, end: int) -> Place:
    line = text.count("\n", 0, start) + 1
    column = start - text.rfind("\n", 0, start)
    return Place(file, line, column, line, column + max(end - start, 1))


def _skip(text: str, offset: int) -> int:
    found = _SPACE.match(text, offset)
    return found.end() if found else offset


def _children(text: str, start: int) -> Iterator[tuple[str | int, _Spot]]:
    """The members of the object or array that begins at an offset. The text is known to be JSON."""
    if text[start] not in "{[":
        return
    offset, index = _skip(text, start + 1), 0
    while text[offset] not in "]}":
        key, name = offset, None
        if text[start] == "{":
            name, offset = _DECODER.raw_decode(text, offset)
            offset = _skip(text, _skip(text, offset) + 1)
        else:
            key = offset
        _, end = _DECODER.raw_decode(text, offset)
        yield (index if name is None else name), _Spot(key, offset, end)
        index += 1
        offset = _skip(text, end)
        offset = _skip(text, offset + 1) if text[offset] == "," else offset


def _doubled(text: str) -> Iterator[tuple[int, int, str]]:
    """Each key that its object already has: its offsets and itself."""
    stack: list[set[str] | None] = []
    for found in _TOKEN.finditer(text):
        word = found.group()
        if word in {"{", "["}:
            stack.append(set() if word == "{" else None)
        elif word in {"}", "]"}:
            stack.pop()
        elif word.startswith('"') and text.startswith(":", _skip(text, found.end())):
            key, known = json.loads(word), stack[-1]
            if known is not None and key in known:
                yield found.start(), found.end(), key
            elif known is not None:
                known.add(key)


def _refuse(constant: str) -> float:
    raise ValueError(f"`{constant}` is not a number that JSON has")
