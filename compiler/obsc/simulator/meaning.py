"""What moves a metric: rules by name, written down as data (`meanings/`), so that no program is known here.

Rules are the simulator's own reading of what programs do, and not the catalog's ways to read a signal: these are what is proved
on it. Only a metric that a spec brings along means what its spec says it is for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

from obsc.catalog.profile import Metric, Profile
from obsc.diagnostics import Sink
from obsc.source import load, plain

_FOLDER = files("obsc.simulator").joinpath("meanings")
_RULES = ("metrics.yaml", "exporters.yaml")


@dataclass(frozen=True, slots=True)
class Cell:
    """A series of a metric: what is added up for it, labels of its own. `late`: it begins with its first event, whatever others do."""

    terms: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    late: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a metric means. `per`: whose series they are ("" for the program's or its model's). `is_sum`: a counter of what is
    observed. `says`: the type on the page, where it is another. `known` is false if no rule has it: then it never moves.
    """

    cells: tuple[Cell, ...]
    per: str = ""
    is_sum: bool = False
    says: str = ""
    quantiles: tuple[float, ...] = ()
    known: bool = True


@dataclass(frozen=True, slots=True)
class Style:
    """How a program writes its page: see `pages` in labels.yaml."""

    floats: str = "short"
    library: bool = False
    created: bool = False
    comma: bool = False
    types: str = ""


@dataclass(frozen=True, slots=True)
class Own:
    """A metric that a library adds by itself."""

    metric: Metric
    cell: Cell


def meaning(metric: Metric, profile: Profile) -> Meaning:
    """The meaning of a metric; one that nobody knows stands still."""
    for name, kind, found in _rules():
        if name.fullmatch(metric.name) and kind in {"", metric.type}:
            return found
    for signal, ways in profile.measures:
        terms = {term.metric for way in ways for term in (*way.errors, *way.total, *way.counters)}
        terms |= {one.metric for way in ways for one in (way.histogram, way.mean_sum, way.mean_count, way.gauge) if one is not None}
        if metric.name in terms and signal in _words("signals"):
            return Meaning((Cell((_words("signals")[signal],)),), is_sum=metric.type == "counter" and metric.unit.endswith("seconds"))
    return Meaning((Cell(("0",) if metric.type != "histogram" else ("none",)),), known=False)


def label(name: str) -> str:
    """What a label says where no rule does: a text with facts in it, "" for no label."""
    return _words("labels").get(name, "")


def number(option: str) -> float | None:
    """The number that an option has where a deployment does not set it."""
    found = _words("options").get(option)
    return float(found) if found is not None else None


def holds(state: str, *, partitioned: bool) -> bool:
    """Whether a circumstance holds in the simulated world."""
    return state in _read("labels.yaml")["states"] and not (partitioned and "partitioned" in state)


def style(profile: Profile) -> Style:
    """How a program writes its page."""
    return Style(**_read("labels.yaml")["pages"].get(profile.name, {}))


@lru_cache(maxsize=1)
def library() -> tuple[Own, ...]:
    """What the metrics library of a program says of the process."""
    return tuple(Own(Metric(one["name"], one["type"], "unspecified", tuple(one.get("with", {})), one["help"]),
                     Cell((one["is"],), one.get("with", {}))) for one in _read("labels.yaml")["library"])


def _words(key: str) -> Mapping[str, str]:
    found: Mapping[str, str] = _read("labels.yaml")[key]
    return found


@lru_cache(maxsize=1)
def _rules() -> tuple[tuple[re.Pattern[str], str, Meaning], ...]:
    return tuple((re.compile(one["name"]), one.get("type", ""), _meaning(one)) for file in _RULES for one in _read(file)["rules"])


def _meaning(rule: dict[str, Any]) -> Meaning:
    shared = rule.get("with", {})
    cells = rule.get("cells") or [{"is": rule["is"]}]
    return Meaning(tuple(Cell(tuple(one["is"].split(" + ")), shared | one.get("with", {}), bool(one.get("late"))) for one in cells),
                   rule.get("per", ""), bool(rule.get("sum")), rule.get("says", ""), tuple(map(float, rule.get("quantiles", ()))))


@lru_cache(maxsize=8)
def _read(file: str) -> dict[str, Any]:
    found = plain(load(file, _FOLDER.joinpath(file).read_bytes(), Sink()).documents[0].root)
    assert isinstance(found, dict)
    return found
