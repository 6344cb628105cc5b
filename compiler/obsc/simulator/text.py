"""Metrics as text, in the format that Prometheus has read since its beginnings (0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable
from math import isinf, isnan

from obsc.simulator.pages import Family


def page(families: Iterable[Family], *, python: bool = False, comma: bool = False) -> str:
    """A page. `python`: numbers as Python writes them; `comma`: one stands behind the last label too."""
    lines: list[str] = []
    for family in families:
        lines.append(f"# HELP {family.name} {_help(family.help)}")
        lines.append(f"# TYPE {family.name} {family.type}")
        lines += (sample(name, labels, comma=comma) + " " + number(value, python=python) for name, labels, value in family.samples)
    return "".join(f"{line}\n" for line in lines)


def sample(name: str, labels: Iterable[tuple[str, str]], *, comma: bool = False) -> str:
    """A series: `name{label="value"}`."""
    inside = ",".join(f'{label}="{escaped(text)}"' for label, text in labels)
    return f"{name}{{{inside}{',' if comma else ''}}}" if inside else name


def escaped(text: str) -> str:
    """A label's value between its quotes."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def number(value: float, *, python: bool = False) -> str:
    """A value: `NaN`, `+Inf`, whole numbers with or without `.0`."""
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if not python and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value))


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
