"""docs/runtimes.md: which signal each runtime shows, on what condition, or why not; and what real pages say of that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

from obsc.catalog import load_runtime, names
from obsc.catalog.lacks import lacks, reasons
from obsc.catalog.profile import Measure, Metric, Presence, Profile
from obsc.catalog.versions import parse, presence
from obsc.catalog.vocabulary import INNER, OF_PROGRAMS, OUTSIDE, SIGNALS
from obsc.catalog.words import conditions, readings

from .markdown import NOTE, code, table

_SCRAPES = Path(__file__).parents[2] / "tests/catalog/scrapes.yaml"
_YES, _IF = "yes", "if"
_INTRO = """\
Which signal each runtime shows on its own page, at the newest release that was read. **yes**: a metric of every deployment does.
**if**: only on a condition, which stands [below](#conditions). Any other word is the id of the reason why nothing shows it;
`obsc compile --infos` and `obsc validate --infos` print the same ids for a service, as S332. An own series with `signal` fills a gap
wherever the language's table of signals has the word.
"""
_MORE = """\
Words that no objective takes, which rules and panels read:
"""
_PAGES = """\
Metrics that signals read, against pages of real programs (`obsc catalog check`; tests hold the table). *Conditional*: what depends on
an option, begins with its first event, or may not be in the page's release. *Explained*: missing for a reason that
`tests/catalog/scrapes.yaml` gives. *Missing* is anything else.
"""


def page() -> str:
    """The whole page."""
    known = [profile for name in names() if (profile := load_runtime(name)) is not None]
    programs = [one for one in known if one.kind != "exporter" and (one.metrics or not one.has_page)]
    exporters = [one for one in known if one.kind == "exporter" and any(signal in OUTSIDE for signal, _ in one.measures)]
    outside = [signal for signal in SIGNALS if signal in OUTSIDE]
    shown = [(code(signal), *(_cell(one, signal) for one in programs)) for signal in OF_PROGRAMS]
    seen = [(code(signal), *(_seen(one, signal) for one in exporters)) for signal in outside]
    parts = [f"# Runtimes\n\n{NOTE}\n\n{_INTRO}", table(("signal", *(one.name for one in programs)), shown),
             "## Reasons\n", table(("id", "why nothing shows the signal"), ((code(key), text) for key, text in reasons().items())),
             "## Seen from outside\n", "What exporters of the platform (`sources`) show of any runtime's pods and devices.\n",
             table(("signal", *(one.name for one in exporters)), seen),
             "## Words of rules\n", _MORE, table(("signal", "what it is"), ((code(key), text) for key, text in INNER.items())),
             "## Conditions\n", table(("runtime", "signal", "metric", "condition", "flag", "source"),
                                      (row for one in (*programs, *exporters) for row in _conditions(one))),
             "## Real pages\n", _PAGES,
             table(("page", "runtime", "read", "in the scrape", "conditional", "explained", "missing"), _counted())]
    return "\n".join(parts)


def _cell(one: Profile, signal: str) -> str:
    return lacks(one).get(signal) or _seen(one, signal)


def _seen(one: Profile, signal: str) -> str:
    ways = dict(one.measures).get(signal, ())
    if not ways:
        return ""
    return _YES if any(not any(_on_condition(fact) or _gone(fact, one) for fact in _facts(one, way)) for way in ways) else _IF


def _facts(one: Profile, way: Measure) -> list[Metric]:
    return [one.by_name[term.metric] for term in way.terms]


def _on_condition(fact: Metric) -> bool:
    return fact.condition is not None or bool(fact.engine)


def _gone(fact: Metric, one: Profile) -> bool:
    versions = parse(one.readings[-1]) if one.readings and not fact.companion else None
    return versions is not None and presence(fact, versions) is Presence.NO


def _conditions(one: Profile) -> Iterator[tuple[str, ...]]:
    """Each metric on which an `if` rests, with the flag that brings it about and where that was read."""
    for signal, ways in one.measures:
        found = dict.fromkeys(fact for way in ways for fact in _facts(one, way)) if _seen(one, signal) == _IF else {}
        for fact in found:
            source = fact.told or (one.sources[0] if one.sources else "")
            if _on_condition(fact):
                said = "; ".join(text for text in conditions(fact) if text != "lazy")
                yield one.name, code(signal), code(fact.name), said, _flag(fact), source
            elif _gone(fact, one):
                yield one.name, code(signal), code(fact.name), "; ".join(readings(fact)), "the release", source


def _flag(fact: Metric) -> str:
    option, value = fact.condition or ("", "")
    usual = f"`{option}: {value}`" if option else f"`engine: {fact.engine}`" if fact.engine else "none: the deployment decides"
    return fact.flag or usual


def _counted() -> Iterator[tuple[str, ...]]:
    said = YAML(typ="safe").load(_SCRAPES.read_text("utf-8"))
    for name, one in said.items():
        counts = one.get("read")
        if counts:
            keys = ("all", "seen", "conditional", "explained", "missing")
            yield name, one["runtime"] + (f" {one['version']}" if "version" in one else ""), *(str(counts.get(key, 0)) for key in keys)
