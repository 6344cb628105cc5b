"""docs/catalog.md: what is known of each runtime and exporter, from the catalog's files."""

from __future__ import annotations

from collections.abc import Iterator

from obsc import durations
from obsc.catalog import load_runtime, names, words
from obsc.catalog.profile import Metric, Profile

from .markdown import NOTE, anchor, code, listed, table

_INTRO = """\
Facts that expressions rest on. *Presence*: the releases between which a metric appeared or went; what lies between two that were
read is unknown, and rules read both names. *lazy*: the series appears with its first event. Values in braces are all that a label
has; other labels are open.
"""


def page() -> str:
    """The whole page."""
    known = [profile for name in names() if (profile := load_runtime(name)) is not None]
    rows = [(f"[{one.name}](#{anchor(one.name)})", one.title, one.kind, str(len(one.metrics)), ", ".join(one.readings) or "any")
            for one in known]
    parts = [f"# Catalog\n\n{NOTE}\n\n{_INTRO}", table(("name", "what it is", "class", "metrics", "releases that were read"), rows)]
    return "\n".join([*parts, *(_entry(one) for one in known)])


def _entry(one: Profile) -> str:
    parts = [f"## {one.name}\n", f"{one.title}.\n", table(("", ""), _facts(one))]
    signals = [(code(signal), "; ".join(f"{way.source}: {words.measure(way, code)}" for way in ways)) for signal, ways in one.measures]
    if signals:
        parts.append(table(("signal", "how it is read, the preferred way first"), signals))
    if one.metrics:
        parts.append(table(("metric", "type", "unit", "labels", "presence", "what it says"), map(_metric, one.metrics)))
    return "\n".join(parts)


def _facts(one: Profile) -> Iterator[tuple[str, str]]:
    yield "class", one.kind
    if one.port is not None:
        yield "metrics page", f"port {one.port}" + (f" ({code(one.port_name)})" if one.port_name else "") + f", path {code(one.path)}"
    yield "longest start", durations.show(one.startup)
    if one.container:
        yield "container", code(one.container)
    if one.model_label:
        yield "label of the model", code(one.model_label)
    if one.matchers:
        yield "its series", code(", ".join(f'{label}{sign}"{value}"' for label, sign, value in one.matchers))
    if one.engines:
        yield "engines inside", listed(one.engines)
    if one.needs:
        yield "must be switched on", "; ".join(f"{code(need.flag)}, in the spec `runtime.options: {{{need.option}: {need.value}}}`"
                                               for need in one.needs)
    if one.options:
        yield "`runtime.options` that matter", listed(sorted(one.options))


def _metric(one: Metric) -> tuple[str, ...]:
    bounds = f" Buckets: {words.bounds(one)}." if one.buckets else ""
    presence = "; ".join((*words.readings(one), *words.conditions(one))) or "always"
    return code(one.name), one.type, one.unit, words.labels(one, code), presence, one.help + bounds
