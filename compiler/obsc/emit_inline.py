"""A value on one line of YAML, for hints and generated documentation."""

from __future__ import annotations

import json
import re

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@-]*")


def flow(value: object) -> str:
    """`{a: 1, b: [x, "y z"]}`: quoted wherever a reader might take the text for something else."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in {"true", "false", "null", "yes", "no"}:
        return value
    return json.dumps(value, ensure_ascii=False)
