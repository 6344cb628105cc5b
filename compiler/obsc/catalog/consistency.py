"""Whether what a catalog file says of one thing agrees with what it says of another.

Of a file whose unsound parts were taken out, only what these parts cannot have brought about is complained of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, log10
from typing import NamedTuple

from obsc.advice import nearest, quoted
from obsc.catalog.form import BucketRule, Change, MeasureForm, MetricForm, ProfileForm, TermForm, matcher, terms
from obsc.catalog.profile import Metric, Profile
from obsc.catalog.versions import order
from obsc.catalog.vocabulary import OF_PROGRAMS, SIGNALS
from obsc.promql import pattern_problem
from obsc.source import Node, Path, at

_HIGHEST = 300  # decimal exponent of the largest bound that a sequence may reach
# The type of metric that each key of a measure reads.
_TYPES = {"errors": "counter", "total": "counter", "counters": "counter", "meanSum": "counter", "meanCount": "counter",
          "histogram": "histogram", "gauge": "gauge"}
_LISTS = frozenset({"errors", "total", "counters"})
_FORMS = frozenset({frozenset({"errors", "total"}), frozenset({"counters"}), frozenset({"histogram"}),
                    frozenset({"meanSum", "meanCount"}), frozenset({"gauge"})})
# What each kind of rule is made of, besides its start.
_RULES = {"product": ({"factor", "count"},), "power": ({"factor", "count"}, {"factor", "up_to"}),
          "linear": ({"step", "count"}, {"count", "up_to"}), "decades": ({"up_to"},)}
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
# What Python's matcher, which goes back and forth, answers at once: two repetitions, one group, none of these repeated.
_REPEATED, _GROUPED, _AGAIN = re.compile(r"[*+?{]"), re.compile(r"\("), re.compile(r"\)[*+?{]")
_MOST_REPEATED = 2


class Mistake(NamedTuple):
    """What is wrong at a path of the file."""

    path: Path
    message: str
    hint: str
    code: str = "R280"
    on_key: bool = False


@dataclass(frozen=True, slots=True)
class _Whole:
    """An entry, and what its file names whether it is sound or not; `partial`: some of it was not, and is left out here;
    `nameless`: so are metrics of which nobody knows the names.
    """

    form: ProfileForm
    metrics: Mapping[str, tuple[MetricForm, Metric]]
    named: Mapping[str, frozenset[str]]
    partial: bool
    nameless: bool

    def knows(self, table: str, name: str) -> bool:
        """Whether the file defines a name, or tries to."""
        return name in self.named[table] or (self.nameless and table == "metrics")

    def near(self, table: str, name: str) -> str:
        """What was meant by a name that the file does not define, or where to define it."""
        return nearest(name, sorted(self.named[table]), f"add it to `{table}`")


def mistakes(form: ProfileForm, profile: Profile, root: Node | None) -> Iterator[Mistake]:
    """Every contradiction of an entry. `root` is the file as written if parts of it are missing from the form."""
    tables: dict[str, Iterable[str]] = {"entities": form.entities, "buckets": form.buckets, "bucketRules": form.bucket_rules,
                                        "companions": form.companions}
    named = {table: frozenset(names) | _written_keys(root, table) for table, names in tables.items()}
    written = _written_metrics(root)
    named["metrics"] = frozenset(one.name for one in form.metrics) | frozenset(written)
    both = list(zip(form.metrics, profile.metrics, strict=True))
    whole = _Whole(form, {facts.name: (one, facts) for one, facts in reversed(both)}, named, root is not None,
                   not all(_NAME.fullmatch(name) for name in written))
    yield from _readings(form)
    for index, (one, facts) in enumerate(both):
        yield from _metric(one, facts, whole, ("metrics", index))
    for name, rule in form.bucket_rules.items():
        yield from _rule(rule, ("bucketRules", name))
    yield from _labels(whole, profile)
    yield from _signals(whole)
    for index, text in enumerate(form.matchers):
        yield from _pattern(text, ("matchers", index))


def _written_keys(root: Node | None, key: str) -> frozenset[str]:
    node = at(root, (key,)) if root is not None else None
    return frozenset(node.value) if node is not None and isinstance(node.value, dict) else frozenset()


def _written_metrics(root: Node | None) -> list[str]:
    """Names of metrics as they are written, whatever they are; "" where there is none."""
    node = at(root, ("metrics",)) if root is not None else None
    items = node.value if node is not None and isinstance(node.value, tuple) else ()
    return [str(name.value) if (name := at(one, ("name",))) is not None else "" for one in items]


def _readings(form: ProfileForm) -> Iterator[Mistake]:
    lists: list[tuple[Path, tuple[str, ...]]] = [(("readings",), form.readings)]
    for found, releases in [*lists, *((("companions", name), one) for name, one in form.companions.items())]:
        if list(releases) != sorted(set(releases), key=order):
            yield Mistake(found, "the readings are not in order, or one stands twice", "write the oldest first")


def _labels(whole: _Whole, profile: Profile) -> Iterator[Mistake]:
    """Labels of processes and of scopes are labels of a metric."""
    for key, label in (*(("ranks", label) for label in whole.form.ranks), *(("scope", label) for label in whole.form.scope)):
        if not whole.partial and not any(label in one.labels for one in profile.metrics):
            yield Mistake((key, label), f"no metric has the label `{label}`", "delete it, or add it to an entity", on_key=True)


def _signals(whole: _Whole) -> Iterator[Mistake]:
    for signal, ways in whole.form.signals.items():
        if signal not in SIGNALS:
            yield Mistake(("signals", signal), f"the language has no signal `{quoted(signal)}`",
                          nearest(signal, SIGNALS, "take a word of its own"), on_key=True)
        for index, way in enumerate(ways):
            yield from _measure(way, whole, ("signals", signal, index))
    for signal in whole.form.lacks:
        if signal not in OF_PROGRAMS:
            yield Mistake(("lacks", signal), f"`{quoted(signal)}` is no signal that a program shows",
                          nearest(signal, OF_PROGRAMS, "delete it"), on_key=True)
        elif signal in whole.form.signals:
            yield Mistake(("lacks", signal), f"`{signal}` is read, and is said not to be shown", "delete one of the two", on_key=True)


def _metric(form: MetricForm, facts: Metric, whole: _Whole, path: Path) -> Iterator[Mistake]:
    if whole.metrics[facts.name][0] is not form:
        yield Mistake((*path, "name"), f"the metric `{facts.name}` stands twice", "delete one of them")
    if form.of is not None and not whole.knows("entities", form.of):
        yield Mistake((*path, "of"), f"no entity `{form.of}` in this file", whole.near("entities", form.of))
    if len(set(facts.labels)) < len(facts.labels):
        yield Mistake((*path, "labels"), f"a label of `{facts.name}` stands twice", "its entity has it already")
    yield from _buckets(form, facts, whole, path)
    if form.when is not None and form.when.option is form.when.state is None:
        yield Mistake((*path, "when"), "found none of `option` and `state`", "name one of them")
    yield from _change(form.since, whole, (*path, "since"), rising=True)
    yield from _change(form.until, whole, (*path, "until"), rising=False)
    if form.since is not None and form.until is not None and form.since.of != form.until.of:
        yield Mistake((*path, "until"), "its two changes belong to two programs", "name one of them")


def _buckets(form: MetricForm, facts: Metric, whole: _Whole, path: Path) -> Iterator[Mistake]:
    if isinstance(form.buckets, str) and not whole.knows("buckets", form.buckets):
        yield Mistake((*path, "buckets"), f"no bucket set `{form.buckets}` in this file", whole.near("buckets", form.buckets))
    elif form.buckets and (facts.type != "histogram" or list(facts.buckets) != sorted(set(facts.buckets))):
        yield Mistake((*path, "buckets"), f"the buckets of `{facts.name}` do not rise, or it is no histogram",
                      "list the finite bounds in rising order")
    rule = form.bucket_rule
    if isinstance(rule, str) and not whole.knows("bucketRules", rule):
        yield Mistake((*path, "bucketRule"), f"no bucket rule `{rule}` in this file", whole.near("bucketRules", rule))
    if rule is not None and (facts.type != "histogram" or form.buckets):
        yield Mistake((*path, "bucketRule"), f"`{facts.name}` has bounds already, or it is no histogram",
                      "keep either `buckets` or `bucketRule`")
    if isinstance(rule, BucketRule):
        yield from _rule(rule, (*path, "bucketRule"))


def _rule(rule: BucketRule, path: Path) -> Iterator[Mistake]:
    given = {key for key in ("factor", "step", "count", "up_to") if getattr(rule, key) is not None}
    if given not in _RULES[rule.kind]:
        shapes = " or ".join(", ".join(f"`{key.replace('up_to', 'upTo')}`" for key in sorted(one)) for one in _RULES[rule.kind])
        yield Mistake(path, f"a rule of the kind `{rule.kind}` has {shapes}", "write just these, and `start` if it is not 1")
    if rule.factor is not None and rule.factor <= 1:
        yield Mistake((*path, "factor"), "bounds would not rise", "write a factor above 1")
    elif rule.factor is not None and log10(rule.start) + (rule.count or 0) * log10(rule.factor) > _HIGHEST:
        yield Mistake((*path, "count"), "the last bound is no number any more", "write a smaller `count` or `factor`")
    if not isfinite(rule.start + (rule.step or 0) * (rule.count or 0)):
        yield Mistake((*path, "step"), "the last bound is no number any more", "write a smaller `count` or `step`")


def _change(said: Change | None, whole: _Whole, path: Path, *, rising: bool) -> Iterator[Mistake]:
    if said is None:
        return
    if said.of is not None and said.of not in whole.form.companions:
        if not whole.knows("companions", said.of):
            yield Mistake((*path, "of"), f"no companion `{said.of}` in this file", whole.near("companions", said.of))
        return
    readings = whole.form.readings if said.of is None else whole.form.companions[said.of]
    for key, release in (("seen", said.seen), ("absent", said.absent)):
        if release is not None and release not in readings and not whole.partial:
            yield Mistake((*path, key), f"`{release}` is none of the releases that were opened", "add it to `readings`")
    if said.absent is not None and (order(said.absent) < order(said.seen)) != rising:
        yield Mistake(path, "the two readings stand in the wrong order",
                      "`since` has `absent` before `seen`, `until` has it behind")


def _measure(way: MeasureForm, whole: _Whole, path: Path) -> Iterator[Mistake]:
    used = frozenset(key for key, _ in terms(way))
    if used not in _FORMS and not whole.partial:
        yield Mistake(path, "found none or several of the forms of a measure",
                      "fill in `errors` and `total`, or `counters`, `histogram`, `gauge`, or `meanSum` and `meanCount`")
    numbers: dict[str, int] = {}
    for key, term in terms(way):
        index = numbers[key] = numbers.get(key, -1) + 1
        where: Path = (*path, key, index) if key in _LISTS else (*path, key)
        for number, text in enumerate(term.match):
            yield from _pattern(text, (*where, "match", number))
        if term.metric in whole.metrics:
            yield from _term(term, key, whole, where)
        elif not whole.knows("metrics", term.metric):
            yield Mistake((*where, "metric"), f"no metric `{term.metric}` in this file", whole.near("metrics", term.metric))


def _term(term: TermForm, key: str, whole: _Whole, path: Path) -> Iterator[Mistake]:
    form, facts = whole.metrics[term.metric]
    if term.part is not None and facts.type not in {"histogram", "summary"}:
        yield Mistake((*path, "part"), f"`{term.metric}` is a {facts.type}, which has no `{term.part}`", "leave `part` out")
        return
    kind = facts.type if term.part is None else "counter"
    if kind != _TYPES[key]:
        yield Mistake((*path, "metric"), f"`{term.metric}` is a {kind}, expected a {_TYPES[key]}", "use another form")
    if kind == "histogram" and not (form.buckets or form.bucket_rule or whole.partial):
        yield Mistake((*path, "metric"), f"the buckets of `{term.metric}` are unknown", "add `buckets` or `bucketRule`")
    # Of a metric whose entity is not there, labels are missing that nobody knows.
    known = not whole.partial and (form.of is None or form.of in whole.form.entities)
    for number, text in enumerate(term.match if known else ()):
        yield from _matcher(matcher(text), facts, (*path, "match", number))


def _matcher(said: tuple[str, str, str], facts: Metric, path: Path) -> Iterator[Mistake]:
    label, sign, value = said
    known = dict(facts.label_values)
    if label not in facts.labels:
        yield Mistake(path, f"`{facts.name}` has no label `{label}`",
                      nearest(label, facts.labels, f"it has {', '.join(facts.labels) or 'none'}"))
    elif label in known and not any(_matches(sign, value, one) for one in known[label]):
        yield Mistake(path, f'no known value of the label `{label}` passes `{label}{sign}"{quoted(value)}"`',
                      f"known values are {quoted(', '.join(known[label]))}")


def _pattern(text: str, path: Path) -> Iterator[Mistake]:
    label, sign, value = matcher(text)
    problem = pattern_problem(value) if sign in {"=~", "!~"} else None
    if problem is not None:
        yield Mistake(path, f"the expression of the matcher for `{label}` is not RE2: {problem}",
                      "use no lookaround and no back-references", "S324")


def _matches(sign: str, value: str, known: str) -> bool:
    """Whether a value passes; true where to tell could take for ever."""
    if sign in {"=", "!="}:
        return (known == value) == (sign == "=")
    hard = len(_REPEATED.findall(value)) > _MOST_REPEATED or len(_GROUPED.findall(value)) > 1 or _AGAIN.search(value) is not None
    if hard or pattern_problem(value) is not None:
        return True
    try:
        return (re.fullmatch(value, known) is not None) == (sign == "=~")
    except re.error:
        return True
