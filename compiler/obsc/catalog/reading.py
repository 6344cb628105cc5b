"""A catalog file's bytes → `Profile`. A mistake in it becomes a diagnostic at its line, as in a spec."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import log10
from typing import NamedTuple, get_args

from pydantic import ValidationError

from obsc import encode
from obsc.catalog.form import BucketRule, Change, MeasureForm, MetricForm, ProfileForm, TermForm, matcher, terms, to_profile
from obsc.catalog.profile import Metric, Profile
from obsc.catalog.versions import order
from obsc.diagnostics import Sink, render
from obsc.source import Node, Path, at, load, place_of
from obsc.spec.metrics import SIGNALS_LATER, Signal

SIGNALS: tuple[str, ...] = (*get_args(Signal), *SIGNALS_LATER)
_LONGEST_SHOWN = 60
_HIGHEST = 300  # decimal exponent of the largest bound that a sequence may reach
# The type of metric that each key of a measure reads.
_TYPES = {"errors": "counter", "total": "counter", "counters": "counter", "meanSum": "counter", "meanCount": "counter",
          "histogram": "histogram", "gauge": "gauge"}
_FORMS = frozenset({frozenset({"errors", "total"}), frozenset({"counters"}), frozenset({"histogram"}),
                    frozenset({"meanSum", "meanCount"}), frozenset({"gauge"})})


# What each kind of rule is made of, besides its start.
_RULES = {"product": ({"factor", "count"},), "power": ({"factor", "count"}, {"factor", "up_to"}),
          "linear": ({"step", "count"}, {"count", "up_to"}), "decades": ({"up_to"},)}


class _Mistake(NamedTuple):
    path: Path
    message: str
    hint: str


def read(file: str, raw: bytes, sink: Sink) -> Profile | None:
    """The entry that a file describes, or None with the reasons in the sink."""
    own = sink.fresh()
    found = _read(file, raw, own)
    sink.extend(own)
    return None if own.failed else found


def _read(file: str, raw: bytes, sink: Sink) -> Profile | None:
    source = load(file, raw, sink)
    if not source.documents or sink.failed:
        return None
    root = source.documents[0].root
    try:
        form = ProfileForm.model_validate(_tuples(root))
    except ValidationError as error:
        _misfits(error, root, sink)
        return None
    unresolved = list(_unresolved(form))
    profile = to_profile(form) if not unresolved else None
    for mistake in unresolved if profile is None else _contradictions(form, profile):
        sink.error("R280", mistake.message, place_of(root, mistake.path), path=render(mistake.path), hint=mistake.hint)
    return profile


def _tuples(node: Node) -> object:
    if isinstance(node.value, dict):
        return {key: _tuples(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return tuple(_tuples(child) for child in node.value)
    return node.value


def _misfits(error: ValidationError, root: Node, sink: Sink) -> None:
    """Report what does not have the form of a catalog file, once for each place, the most exact one."""
    found = {_path(one["loc"], root, missing=one["type"] == "missing"): one
             for one in error.errors(include_url=False, include_input=False)}
    for path, one in found.items():
        # Where one branch of a union sees the whole as wrong and another a part of it, the part says more.
        if any(other[:len(path)] == path for other in found if other != path):
            continue
        place, shown = place_of(root, path), render(path)
        if one["type"] == "missing":
            sink.error("V103", f"found no `{path[-1]}`", place, path=shown, hint="every entry of this kind has one")
        elif one["type"] == "extra_forbidden":
            sink.error("V101", f"unknown key `{_cut(path[-1])}`", place_of(root, path, key=True), path=shown,
                       hint="leave it out: a catalog file has no such key here")
        else:
            node = at(root, path)
            value = f"`{_cut(node.value)}`" if node is not None and isinstance(node.value, str | int | float) else "this"
            sink.error("V104", f"found {value}, expected: {one['msg'][:1].lower()}{one['msg'][1:]}", place, path=shown,
                       hint="look at an entry that is there already")


def _path(loc: tuple[int | str, ...], root: Node, *, missing: bool) -> Path:
    """The location in the file, from pydantic's without its own words (branches of unions, `[key]`)."""
    path: Path = ()
    for index, step in enumerate(loc):
        if at(root, (*path, step)) is not None or (missing and index == len(loc) - 1):
            path = (*path, step)
    return path


def _cut(value: object) -> str:
    return encode.terminal(str(value)[:_LONGEST_SHOWN])


def _unresolved(form: ProfileForm) -> Iterator[_Mistake]:
    """Names of entities and buckets that the file does not define."""
    for index, one in enumerate(form.metrics):
        path: Path = ("metrics", index)
        if one.of is not None and one.of not in form.entities:
            yield _Mistake((*path, "of"), f"no entity `{one.of}` in this file", "add it to `entities`")
        if isinstance(one.buckets, str) and one.buckets not in form.buckets:
            yield _Mistake((*path, "buckets"), f"no bucket set `{one.buckets}` in this file", "add it to `buckets`")
        if isinstance(one.bucket_rule, str) and one.bucket_rule not in form.bucket_rules:
            yield _Mistake((*path, "bucketRule"), f"no bucket rule `{one.bucket_rule}` in this file", "add it to `bucketRules`")
        if isinstance(one.bucket_rule, BucketRule):
            yield from _rule(one.bucket_rule, (*path, "bucketRule"))
    for name, rule in form.bucket_rules.items():
        yield from _rule(rule, ("bucketRules", name))


def _rule(rule: BucketRule, path: Path) -> Iterator[_Mistake]:
    given = {key for key in ("factor", "step", "count", "up_to") if getattr(rule, key) is not None}
    if given not in _RULES[rule.kind]:
        shapes = " or ".join(", ".join(f"`{key.replace('up_to', 'upTo')}`" for key in sorted(one)) for one in _RULES[rule.kind])
        yield _Mistake(path, f"a rule of the kind `{rule.kind}` has {shapes}", "write just these, and `start` if it is not 1")
    if rule.factor is not None and rule.factor <= 1:
        yield _Mistake((*path, "factor"), "bounds would not rise", "write a factor above 1")
    elif rule.factor is not None and log10(rule.start) + (rule.count or 0) * log10(rule.factor) > _HIGHEST:
        yield _Mistake((*path, "count"), "the last bound is no number any more", "write a smaller `count` or `factor`")


def _contradictions(form: ProfileForm, profile: Profile) -> Iterator[_Mistake]:
    lists: list[tuple[Path, tuple[str, ...]]] = [(("readings",), form.readings)]
    for found, releases in [*lists, *((("companions", name), one) for name, one in form.companions.items())]:
        if list(releases) != sorted(set(releases), key=order):
            yield _Mistake(found, "the readings are not in order, or one stands twice", "write the oldest first")
    for key, label in (*(("ranks", label) for label in form.ranks), *(("scope", label) for label in form.scope)):
        if not any(label in one.labels for one in profile.metrics):
            yield _Mistake((key, label), f"no metric has the label `{label}`", "delete it, or add it to an entity")
    by_name: dict[str, Metric] = {}
    for index, (one, facts) in enumerate(zip(form.metrics, profile.metrics, strict=True)):
        path: Path = ("metrics", index)
        if facts.name in by_name:
            yield _Mistake((*path, "name"), f"the metric `{facts.name}` stands twice", "delete one of them")
        by_name.setdefault(facts.name, facts)
        yield from _metric(one, facts, form, path)
    for signal, ways in form.signals.items():
        if signal not in SIGNALS:
            yield _Mistake(("signals", signal), f"the language has no signal `{_cut(signal)}`", "take a word of its own")
        for index, way in enumerate(ways):
            yield from _measure(way, by_name, ("signals", signal, index))


def _metric(form: MetricForm, facts: Metric, whole: ProfileForm, path: Path) -> Iterator[_Mistake]:
    if len(set(facts.labels)) < len(facts.labels):
        yield _Mistake((*path, "labels"), f"a label of `{facts.name}` stands twice", "its entity has it already")
    if form.buckets and (facts.type != "histogram" or list(facts.buckets) != sorted(set(facts.buckets))):
        yield _Mistake((*path, "buckets"), f"the buckets of `{facts.name}` do not rise, or it is no histogram",
                       "list the finite bounds in rising order")
    if form.bucket_rule is not None and (facts.type != "histogram" or form.buckets):
        yield _Mistake((*path, "bucketRule"), f"`{facts.name}` has bounds already, or it is no histogram",
                       "keep either `buckets` or `bucketRule`")
    if form.when is not None and form.when.option is form.when.state is None:
        yield _Mistake((*path, "when"), "found none of `option` and `state`", "name one of them")
    yield from _change(form.since, whole, (*path, "since"), rising=True)
    yield from _change(form.until, whole, (*path, "until"), rising=False)
    if form.since is not None and form.until is not None and form.since.of != form.until.of:
        yield _Mistake((*path, "until"), "its two changes belong to two programs", "name one of them")


def _change(said: Change | None, whole: ProfileForm, path: Path, *, rising: bool) -> Iterator[_Mistake]:
    if said is None:
        return
    if said.of is not None and said.of not in whole.companions:
        yield _Mistake((*path, "of"), f"no companion `{said.of}` in this file", "add it and its readings to `companions`")
        return
    readings = whole.readings if said.of is None else whole.companions[said.of]
    for key, release in (("seen", said.seen), ("absent", said.absent)):
        if release is not None and release not in readings:
            yield _Mistake((*path, key), f"`{release}` is none of the releases that were opened", "add it to `readings`")
    if said.absent is not None and (order(said.absent) < order(said.seen)) != rising:
        yield _Mistake(path, "the two readings stand in the wrong order",
                       "`since` has `absent` before `seen`, `until` has it behind")


def _measure(way: MeasureForm, metrics: dict[str, Metric], path: Path) -> Iterator[_Mistake]:
    used = frozenset(key for key, _ in terms(way))
    if used not in _FORMS:
        yield _Mistake(path, "found none or several of the forms of a measure",
                       "fill in `errors` and `total`, or `counters`, `histogram`, `gauge`, or `meanSum` and `meanCount`")
    for key, term in terms(way):
        facts = metrics.get(term.metric)
        if facts is None:
            yield _Mistake((*path, key), f"no metric `{term.metric}` in this file", "add it to `metrics`")
            continue
        if term.part is not None and facts.type not in {"histogram", "summary"}:
            yield _Mistake((*path, key), f"`{term.metric}` is a {facts.type}, which has no `{term.part}`", "leave `part` out")
            continue
        kind = facts.type if term.part is None else "counter"
        if kind != _TYPES[key]:
            yield _Mistake((*path, key), f"`{term.metric}` is a {kind}, expected a {_TYPES[key]}", "use another form")
        if kind == "histogram" and not (facts.buckets or facts.bucket_rule):
            yield _Mistake((*path, key), f"the buckets of `{term.metric}` are unknown", "add `buckets` or `bucketRule`")
        yield from _matchers(term, facts, (*path, key))


def _matchers(term: TermForm, facts: Metric, path: Path) -> Iterator[_Mistake]:
    known = dict(facts.label_values)
    for label, sign, value in map(matcher, term.match):
        if label not in facts.labels:
            yield _Mistake(path, f"`{facts.name}` has no label `{label}`", f"it has {', '.join(facts.labels) or 'none'}")
        elif label in known and not any(_matches(sign, value, one) for one in known[label]):
            yield _Mistake(path, f'no known value of the label `{label}` passes `{label}{sign}"{value}"`',
                           f"known values are {', '.join(known[label])}")


def _matches(sign: str, value: str, known: str) -> bool:
    try:
        same = known == value if sign in {"=", "!="} else re.fullmatch(value, known) is not None
    except re.error:
        return False
    return same == (sign in {"=", "=~"})
