"""Facts of the catalog in words: how a signal is read, when a metric is there, what labels it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from obsc import durations
from obsc.catalog.profile import Measure, Metric, Presence, Profile, Term
from obsc.catalog.versions import Range, presence

Mark = Callable[[str], str]


def plain(text: str) -> str:
    """A name as it stands: what marks code in other forms marks nothing here."""
    return text


def measure(way: Measure, code: Mark = plain) -> str:
    """How a signal is read: `a over b`, `rate of a + b`."""
    if way.total:
        return f"{_terms(way.errors, code)} over {_terms(way.total, code)}"
    if way.mean_sum is not None and way.mean_count is not None:
        return f"{_term(way.mean_sum, code)} over {_term(way.mean_count, code)}"
    single = way.histogram or way.gauge
    return _term(single, code) if single is not None else f"rate of {_terms(way.counters, code)}"


def _terms(found: tuple[Term, ...], code: Mark) -> str:
    return " + ".join(_term(one, code) for one in found)


def _term(one: Term, code: Mark) -> str:
    part = f"_{one.part}" if one.part else ""
    inside = ", ".join(f'{label}{sign}"{value}"' for label, sign, value in one.matchers)
    return code(f"{one.metric}{part}" + (f"{{{inside}}}" if inside else ""))


def conditions(one: Metric) -> Iterator[str]:
    """On what it depends, release aside, that a metric is there."""
    if one.condition is not None:
        option, value = one.condition
        yield {"": value, "fields": "if the platform names it in `fields`"}.get(option, f"with `{option}: {value}`")
    if one.engine:
        yield f"with the engine {one.engine}"
    if one.lazy:
        yield "lazy"


def readings(one: Metric) -> Iterator[str]:
    """The two releases around the appearance of a metric, and those around its removal."""
    of = f" of {one.companion}" if one.companion else ""
    if one.seen_from:
        yield f"since {one.seen_from}{of}" + (f" (not in {one.absent_until})" if one.absent_until else "")
    if one.seen_until:
        yield f"until {one.seen_until}{of}" + (f" (not in {one.absent_from})" if one.absent_from else "")


def labels(one: Metric, code: Mark = plain) -> str:
    """Labels, each with its known values if these are all."""
    values = dict(one.label_values)
    return ", ".join(code(label) + (f" {{{', '.join(values[label])}}}" if label in values else "") for label in one.labels)


def bounds(one: Metric) -> str:
    """Bucket bounds, or what they are computed from."""
    if one.buckets:
        return ", ".join(durations.number(bound) for bound in one.buckets)
    rule = one.bucket_rule
    return f"computed up to the option `{rule.option}`" if rule is not None and rule.option else ""


def there(one: Metric, versions: Range, companions: Range) -> Presence:
    """Whether a metric exists in a range of releases of its own program; `companions`: in one of the programs beside it."""
    return presence(one, companions if one.companion else versions)


def signals(profile: Profile) -> dict[str, tuple[str, ...]]:
    """By metric, the signals that it is read for."""
    found: dict[str, dict[str, None]] = {}
    for signal, ways in profile.measures:
        for way in ways:
            for one in way.terms:
                found.setdefault(one.metric, {})[signal] = None
    return {name: tuple(words) for name, words in found.items()}
