"""What a check finds, before anybody knows on which line it stands; and reading data that may have any shape."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from obsc import encode
from obsc.diagnostics import Severity
from obsc.secrets import looks_like_credential
from obsc.source import Path

# What to do where a check has no better advice.
HINTS = {
    "X603": "mend apiVersion and kind", "X604": "delete it, or mend its name", "X605": "write a value of that form",
    "X610": "rename it", "X611": "rename it", "X612": "write for example `500m` or `512Mi`", "X613": "write the same in both",
    "X614": "mend the port", "X615": "add the volume, or delete the mount", "X621": "mend the expression",
    "X623": "write for example `5m`", "X624": "mend the expression", "X625": "mend the template", "X626": "rename it",
    "X630": "mend the configuration", "X631": "mend the configuration", "X632": 'write for example `severity="critical"`',
    "X633": "mend the configuration", "X634": "mend the configuration", "X640": "mend the dashboard", "X641": "mend the dashboard",
    "X642": "move the panel", "X645": "add the variable, or mend its name"}
_LONGEST_SHOWN = 60
_TYPES = {bool: "a truth value", int: "a number", float: "a number", str: "a text", dict: "a mapping", list: "a list"}


class Problem(NamedTuple):
    """A finding in a document: its code, the path of what it is about, what was found and expected, what to do.

    With `key`, the key of the path's last step is meant and not its value.
    """

    code: str
    path: Path
    message: str
    hint: str = ""
    key: bool = False
    severity: Severity = Severity.ERROR


def below(path: Path, problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems of a part as problems of the whole, in which the part stands at `path`."""
    for one in problems:
        yield one._replace(path=(*path, *one.path))


def shown(value: object) -> str:
    """A value for a message: short, on one line, no credential, with nothing that a terminal would obey."""
    if value is None or isinstance(value, dict | list):
        return "nothing" if value is None else f"{'an empty' if not value else 'a'} {_TYPES[type(value)][2:]}"
    text = {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    if looks_like_credential(text):
        return "a value that looks like a credential"
    line = text.replace("\n", " ").replace("\t", " ")
    return f"`{encode.terminal(line if len(line) <= _LONGEST_SHOWN else line[:_LONGEST_SHOWN] + '…')}`"


def kind(value: object) -> str:
    """What a value is, in words."""
    return "nothing" if value is None else _TYPES.get(type(value), "something else")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names the known word that is most like this one; nothing if none is."""
    found = difflib.get_close_matches(name, [one for one in known if len(one) < _LONGEST_SHOWN], 1, 0.7)
    return f"did you mean `{found[0]}`?" if found else ""


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one: what is no mapping is another check's finding."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def at(value: object, *path: str | int) -> Any:  # noqa: ANN401  data of any shape
    """The value at a path, or None."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step] if -len(value) <= step < len(value) else None
        else:
            return None
    return value


def repeated(values: Iterable[object]) -> Iterator[tuple[int, int]]:
    """Pairs of positions: an item, and the first one before it that equals it. None equals nothing."""
    seen: dict[object, int] = {}
    for index, value in enumerate(values):
        if value is None or isinstance(value, dict | list):
            continue
        first = seen.setdefault(value, index)
        if first != index:
            yield index, first
