"""What `obsc catalog` says, as text and as JSON. Texts of entries are shown as a terminal shows them safely."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from obsc import durations, encode
from obsc.catalog import Catalog
from obsc.catalog.compare import Difference, Renamed
from obsc.catalog.profile import Metric, Presence, Profile
from obsc.catalog.scrape import Findings, Lack, Mismatch
from obsc.catalog.versions import Range
from obsc.catalog.words import bounds, conditions, labels, measure, readings, signals, there

Data: TypeAlias = dict[str, Any]
_OWN, _BUILT_IN = "own", "built-in"
_COLUMNS = ("name", "class", "metrics", "origin", "releases")


def origin(catalog: Catalog, name: str) -> str:
    """Whether an entry is the platform's own or built in."""
    return _OWN if name in catalog.own else _BUILT_IN


def listing(catalog: Catalog) -> list[Data]:
    """Every entry: its name, class, how many metrics it has, the releases that were read, whose it is."""
    return [{"name": name, "title": one.title, "class": one.kind, "metrics": len(one.metrics), "releases": list(one.readings),
             "origin": origin(catalog, name)} for name in catalog.names if (one := catalog.runtime(name)) is not None]


def listing_text(catalog: Catalog) -> str:
    """The same as a table."""
    rows = [tuple(column.upper() for column in _COLUMNS)]
    rows += [(one["name"], one["class"], str(one["metrics"]), one["origin"], ", ".join(one["releases"]) or "any")
             for one in listing(catalog)]
    return _table(rows)


def entry(catalog: Catalog, one: Profile, versions: Range, companions: Range) -> Data:
    """All that is known of a runtime or exporter, in a range of its releases."""
    used = signals(one)
    return {
        "name": one.name, "title": one.title, "class": one.kind, "origin": origin(catalog, one.name), "releases": list(one.readings),
        "companions": list(one.companions), "sources": list(one.sources),
        "scrape": {"port": one.port, "portName": one.port_name, "path": one.path,
                   "elsewhere": [{"option": option, "value": value, "port": port} for option, value, port in one.elsewhere]},
        "startup": durations.show(one.startup), "container": one.container, "modelLabel": one.model_label, "engines": list(one.engines),
        "needs": [asdict(need) for need in one.needs], "options": sorted(one.options),
        "signals": {signal: [{"source": way.source, "read": measure(way)} for way in ways] for signal, ways in one.measures},
        "metrics": [_metric(metric, there(metric, versions, companions), used.get(metric.name, ())) for metric in one.metrics],
    }


def _metric(one: Metric, presence: Presence, used: Sequence[str]) -> Data:
    values = dict(one.label_values)
    option, value = one.condition or ("", "")
    condition = {"option": option, "value": value if option else "", "state": "" if option else value, "flag": one.flag, "source": one.told}
    return {
        "name": one.name, "type": one.type, "unit": one.unit, "help": one.help, "signals": list(used), "presence": presence.value,
        "labels": {label: list(values.get(label, ())) for label in one.labels}, "buckets": list(one.buckets),
        "bucketRule": asdict(one.bucket_rule) if one.bucket_rule is not None else None, "lazy": one.lazy, "engine": one.engine,
        "condition": condition if one.condition is not None else None, "companion": one.companion,
        "since": {"absent": one.absent_until, "seen": one.seen_from} if one.seen_from else None,
        "until": {"seen": one.seen_until, "absent": one.absent_from} if one.seen_until else None,
    }


def entry_text(catalog: Catalog, one: Profile, versions: Range, companions: Range) -> str:
    """The same for people: facts, signals, and each metric with what it depends on."""
    used = signals(one)
    lines = [f"{one.name}: {one.title} ({one.kind}, {origin(catalog, one.name)})", *_facts(one)]
    lines += ["", "signals:", *(f"  {signal}: {way.source}: {measure(way)}" for signal, ways in one.measures for way in ways)]
    lines += ["", f"metrics ({len(one.metrics)}):"]
    for metric in one.metrics:
        lines += _metric_lines(metric, there(metric, versions, companions), used.get(metric.name, ()))
    return _lines(lines)


def _facts(one: Profile) -> Iterator[str]:
    yield f"  releases that were read: {', '.join(one.readings) or 'any'}"
    if one.port is not None:
        yield f"  metrics page: port {one.port}{f' ({one.port_name})' if one.port_name else ''}, path {one.path or '/metrics'}"
    for option, value, port in one.elsewhere:
        yield f"  metrics page with `{option}: {value}`: port {port}"
    yield f"  longest start: {durations.show(one.startup)}"
    for word, what in (("container", one.container), ("label of the model", one.model_label),
                       ("engines inside", ", ".join(one.engines)), ("programs beside it", ", ".join(one.companions))):
        if what:
            yield f"  {word}: {what}"
    for need in one.needs:
        yield f"  must be switched on: {need.flag}, in the spec `runtime.options: {{{need.option}: {need.value}}}`"


def _metric_lines(one: Metric, presence: Presence, used: Sequence[str]) -> Iterator[str]:
    yield f"  {one.name}  {one.type}, {one.unit}: {_THERE[presence]}"
    yield f"      {one.help}"
    when = "; ".join((*readings(one), *conditions(one)))
    flag = " ".join(f"({text})" for text in (one.flag, one.told) if text)
    facts = (("labels", labels(one)), ("buckets", bounds(one)), ("when", f"{when} {flag}".strip()), ("read for", ", ".join(used)))
    yield from (f"      {word}: {what}" for word, what in facts if what)


_THERE = {Presence.YES: "there", Presence.NO: "not there", Presence.UNKNOWN: "not known whether there"}


def difference(found: Difference) -> Data:
    """What is not the same in two releases."""
    return {
        "appear": list(found.appear), "vanish": list(found.vanish), "renamed": [asdict(one) for one in found.renamed],
        "unknown": [{"name": name, "before": before.value, "after": after.value} for name, before, after in found.open],
        "signals": [{"signal": one.name, "before": list(one.before), "after": list(one.after)} for one in found.signals],
    }


def difference_text(found: Difference) -> str:
    """The same for people; a line that says so if nothing differs."""
    lines = [line for one in found.renamed for line in _renamed(one)]
    lines += [f"+ {name}" for name in found.appear]
    lines += [f"- {name}" for name in found.vanish]
    lines += [f"? {name}: {_THERE[before]} before, {_THERE[after]} after" for name, before, after in found.open]
    lines += [f"signal {one.name}: {_ways(one.before)} -> {_ways(one.after)}" for one in found.signals]
    return _lines(lines or ["nothing that is known of the two is different"])


def _renamed(one: Renamed) -> Iterator[str]:
    yield f"~ {one.old} -> {one.new} ({one.signal})"
    yield from (f"    label {label} goes" for label in one.labels_gone)
    yield from (f"    label {label} comes" for label in one.labels_new)
    for word, pair in (("type", one.type), ("unit", one.unit), ("buckets", one.buckets)):
        if pair is not None:
            yield f"    {word}: {pair[0] or 'unknown'} -> {pair[1] or 'unknown'}"


def _ways(found: Iterable[str]) -> str:
    return " or ".join(found) or "not read"


def findings(found: Findings) -> Data:
    """What a page lacks and has."""
    kinds = (("missing", found.missing), ("unseen", found.unseen), ("conditional", found.conditional), ("unknown", found.unsure),
             ("unexpected", found.unexpected))
    return {
        "known": found.known, "failed": found.failed, **{word: [asdict(one) for one in lacks] for word, lacks in kinds},
        "foreign": [{"name": one.name, "type": one.type, "labels": sorted(one.labels)} for one in found.foreign],
        "library": list(found.library), "mismatches": [asdict(one) for one in found.mismatches],
    }


def findings_text(found: Findings) -> str:
    """The same for people, what fails first."""
    lines = [f"{found.known} metrics of the entry are on the page"]
    lines += _section("missing, though the catalog has them", found.missing)
    lines += map(_mismatch, found.mismatches)
    lines += _section("on the page, though the catalog says they are not of this release", found.unexpected)
    lines += _section("not there, as far as the release is known", found.unsure)
    lines += _section("not there, since the deployment decides", found.conditional)
    lines += _section("not there yet", found.unseen)
    lines += _section("on the page, and not in the catalog", [Lack(one.name, one.type) for one in found.foreign])
    lines += [f"on the page, of client libraries: {len(found.library)}"] if found.library else []
    return _lines(lines)


def _mismatch(one: Mismatch) -> str:
    if one.what == "labels":
        return f"{one.name}: labels of the page only: {one.found or 'none'}; of the entry only: {one.expected or 'none'}"
    return f"{one.name}: {one.what} is {one.found}, expected {one.expected}"


def _section(title: str, found: Sequence[Lack]) -> list[str]:
    return [f"{title}:", *(f"  {one.name}" + (f": {one.reason}" if one.reason else "") for one in found)] if found else []


def to_json(data: Data | list[Data]) -> str:
    """JSON, as every command prints it."""
    return json.dumps(data, indent=2) + "\n"


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return _lines("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{encode.terminal(line)}\n" for line in lines)
