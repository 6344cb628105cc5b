"""Labels with a value for each request or person: every one makes a series that is kept for weeks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from obsc.patterns.finding import Pattern, Setting
from obsc.patterns.tree import Node, parts, selectors
from obsc.patterns.value import Reader

_UNBOUNDED = re.compile(
    r"(.*_)?(request|req|trace|span|session|conversation|chat|thread|message|correlation|transaction|invocation|user|customer|account)_?(id|uuid)"
    r"|(end_?)?user(_?name)?|(user_)?e?mail|(user_)?prompt(_text)?|query(_text)?|question|answer|completion(_text)?|(client_|remote_|source_)?ip"
    r"|url|uri|full_path|user_agent|(hashed_)?api_?key(_hash)?|token_hash|timestamp|time", re.IGNORECASE)
_CONTINUOUS = frozenset({"ratio", "percent", "seconds", "milliseconds", "microseconds", "bytes", "mebibytes", "celsius", "watts"})


def is_unbounded(label: str) -> bool:
    """Whether a label, by its name, has another value for each request, person or moment."""
    return _UNBOUNDED.fullmatch(label) is not None


def unbounded(root: Node, reader: Reader, _: Setting) -> Iterator[Pattern]:
    """Groupings by labels without bounds, and series made of values."""
    for node in parts(root):
        if node.kind != "aggregate":
            continue
        if node.name == "count_values" and _continuous(node, reader):
            name = next((one.name for one in selectors(node)), "")
            yield Pattern("S392", f"`count_values` makes a series of each value that `{name}` ever has", "count with a comparison: "
                          f"`count({name} > …)`")
        label = next((one for one in node.labels or () if not node.without and is_unbounded(one)), None)
        if label is not None:
            yield Pattern("S392", f"the label `{label}` has another value for each request or person, and each makes a series",
                          "group by what has few values, and find single requests in logs and traces")


def _continuous(node: Node, reader: Reader) -> bool:
    return reader.value(node.args[-1]).unit in _CONTINUOUS
