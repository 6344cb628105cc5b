"""Every entry is sound by itself, and what it says of one thing agrees with what it says of another."""

from __future__ import annotations

from importlib.resources import files

import pytest

from catalog.small import entry
from obsc.catalog import names
from obsc.catalog.bounds import bounds
from obsc.catalog.profile import BucketRule, Measure, Metric, Term
from obsc.catalog.reading import read
from obsc.diagnostics import Sink

KINDS = {"errors": "counter", "total": "counter", "counters": "counter", "histogram": "histogram", "mean_sum": "counter",
         "mean_count": "counter", "gauge": "gauge"}


def terms(measure: Measure) -> list[tuple[str, Term]]:
    found = []
    for key in KINDS:
        value = getattr(measure, key)
        found += [(key, one) for one in ((value,) if isinstance(value, Term) else value or ())]
    return found


@pytest.mark.parametrize("name", names())
def test_an_entry_is_read_without_a_word(name: str) -> None:
    sink = Sink(strict=True)
    found = read(f"{name}.yaml", (files("obsc.catalog") / f"{name}.yaml").read_bytes(), sink)
    assert [f"{one.place.line}: {one.message}" for one in sink] == []
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("name", names())
def test_metrics_stand_once(name: str) -> None:
    found = [one.name for one in entry(name).metrics]
    assert sorted(set(found)) == sorted(found)


@pytest.mark.parametrize("name", names())
def test_a_signal_is_read_from_metrics_that_exist_and_have_the_right_type(name: str) -> None:
    by_name = {one.name: one for one in entry(name).metrics}
    for signal, ways in entry(name).measures:
        for way in ways:
            for key, term in terms(way):
                kind = "counter" if term.part else by_name[term.metric].type
                assert kind == KINDS[key], (signal, term)
                assert {label for label, _, _ in term.matchers} <= set(by_name[term.metric].labels), (signal, term)


@pytest.mark.parametrize("name", names())
def test_failures_leave_out_what_the_client_did(name: str) -> None:
    clients = {"validation", "template", "dropped", "tokenization", "model_type", "batch_size", "missing_values", "CANCELED",
               "abort", "4xx", "400", "404", "422", "429", "499"}
    for way in dict(entry(name).measures).get("availability", ()):
        by_name = {one.name: one for one in entry(name).metrics}
        for term in way.errors:
            for label, values in by_name[term.metric].label_values:
                counted = {value for value in values if all(_passes(value, one) for one in term.matchers if one[0] == label)}
                assert not counted & clients or label not in {one[0] for one in term.matchers}, (term, counted & clients)


def _passes(value: str, matcher: tuple[str, str, str]) -> bool:
    import re  # noqa: PLC0415

    _, sign, said = matcher
    same = value == said if sign in {"=", "!="} else re.fullmatch(said, value) is not None
    return same == (sign in {"=", "=~"})


@pytest.mark.parametrize("name", names())
def test_engines_are_entries_of_the_catalog(name: str) -> None:
    assert set(entry(name).engines) <= set(names())


@pytest.mark.parametrize("name", ["sglang", "tgi", "tei", "llamacpp", "ray-serve", "kserve", "bentoml", "torchserve", "litellm",
                                  "otel-genai-metrics", "node-exporter", "amd-gpu"])
def test_facts_say_where_they_were_read(name: str) -> None:
    assert entry(name).sources


@pytest.mark.parametrize("name", names())
def test_computed_bounds_rise_and_are_known_where_no_option_decides(name: str) -> None:
    for one in entry(name).metrics:
        rule = one.bucket_rule
        if rule is None:
            continue
        found = bounds(rule, 4096.0 if rule.option else None)
        assert len(found) > 1, one.name
        assert list(found) == sorted(set(found)), one.name
        assert one.buckets == (() if rule.option else found), one.name


def metric_of(runtime: str, name: str) -> Metric:
    return next(one for one in entry(runtime).metrics if one.name == name)


def test_bounds_that_a_program_multiplies_are_its_numbers_to_the_last_digit() -> None:
    # As the router prints them: 0.0001 times 1.5 again and again, each rounded to a double.
    found = metric_of("tgi", "tgi_request_duration").buckets
    assert len(found) == 35
    assert [repr(one) for one in found[:1] + found[19:23] + found[-1:]] == [
        "0.00015000000000000001", "0.33252567300796504", "0.49878850951194753", "0.7481827642679213", "1.122274146401882",
        "145.61096060497135"]
    power = [0.0001 * 1.5**i for i in range(1, 36)]
    assert list(found) != power


@pytest.mark.parametrize(("rule", "limit", "expected"), [
    (BucketRule("power", 1, 2, 0, 4, ""), None, (1, 2, 4, 8)),
    (BucketRule("power", 1, 2, 0, 0, "longest"), 10.0, (1, 2, 4, 8)),
    (BucketRule("linear", 1, 0, 1, 3, ""), None, (1, 2, 3)),
    (BucketRule("linear", 1, 0, 0, 4, "longest"), 2000.0, (500, 1000, 1500, 2000)),
    (BucketRule("decades", 1, 0, 0, 0, "longest"), 60.0, (1, 2, 5, 10, 20, 50)),
    (BucketRule("decades", 1, 0, 0, 0, "longest"), None, ()),
    (BucketRule("decades", 1, 0, 0, 0, "longest"), -1.0, ()),
    (BucketRule("decades", 1, 0, 0, 0, "longest"), float("inf"), ()),
])
def test_a_rule_gives_its_bounds(rule: BucketRule, limit: float | None, expected: tuple[float, ...]) -> None:
    assert bounds(rule, limit) == expected


def test_ranks_that_repeat_are_told_from_those_that_share() -> None:
    running = metric_of("sglang", "sglang:num_running_reqs")
    assert running.repeated == ("moe_ep_rank", "pp_rank", "tp_rank")
    assert "dp_rank" in running.labels
    assert metric_of("sglang", "sglang:num_requests_total").repeated == ()


# --- contradictions --------------------------------------------------------------------------------------------------------

GOOD = """\
name: example
title: Example
class: generic
startup: 2m
needs: [{option: metrics, flag: --metrics}]
readings: ["1.0", "1.1"]
companions: {proxy: ["1.18", "1.19"]}
ranks: {tp_rank: max}
entities: {engine: [tp_rank]}
bucketRules: {token: {kind: product, start: 0.0001, factor: 1.5, count: 35}}
signals:
  traffic: [{source: the server, counters: [{metric: duration_seconds, part: count}]}]
metrics:
  - {name: duration_seconds, type: histogram, unit: seconds, of: engine, bucketRule: token, help: Time.}
  - {name: size_bytes, type: histogram, unit: bytes, bucketRule: {kind: linear, count: 10, upTo: longest}, help: Size.}
  - {name: waiting, type: gauge, unit: requests, since: {absent: "1.18", seen: "1.19", of: proxy}, help: Requests.}
"""


def reported(text: str) -> list[tuple[str, str, int]]:
    sink = Sink()
    assert (read("example.yaml", text.encode(), sink) is None) == sink.failed
    return [(one.code, one.path, one.place.line) for one in sink]


def test_the_example_is_sound() -> None:
    assert reported(GOOD) == []


@pytest.mark.parametrize(("good", "bad", "code", "path", "line"), [
    ("flag: --metrics", "value: 'true'", "V103", "needs[0].flag", 5),
    ('["1.18", "1.19"]', '["1.19", "1.18"]', "R280", "companions.proxy", 7),
    ("{tp_rank: max}", "{tp_rank: mean}", "V104", "ranks.tp_rank", 8),
    ("{tp_rank: max}", "{ep_rank: max}", "R280", "ranks.ep_rank", 8),
    ("kind: product, start: 0.0001, factor: 1.5, count: 35", "kind: product, factor: 1.5", "R280", "bucketRules.token", 10),
    ("factor: 1.5", "factor: 0.5", "R280", "bucketRules.token.factor", 10),
    ("factor: 1.5, count: 35", "factor: 1e200, count: 35", "R280", "bucketRules.token.count", 10),
    ("kind: product", "kind: exponential", "V104", "bucketRules.token.kind", 10),
    ("part: count", "part: bucket", "V104", "signals.traffic[0].counters[0].part", 12),
    ("metric: duration_seconds, part: count", "metric: duration_seconds", "R280", "signals.traffic[0].counters[0].metric", 12),
    ("metric: duration_seconds, part", "metric: waiting, part", "R280", "signals.traffic[0].counters[0].part", 12),
    ("bucketRule: token", "bucketRule: tokens", "R280", "metrics[0].bucketRule", 14),
    ("bucketRule: token", "bucketRule: token, buckets: [1, 2]", "R280", "metrics[0].bucketRule", 14),
    ("count: 10, upTo: longest", "count: 10", "R280", "metrics[1].bucketRule", 15),
    ("count: 10, upTo: longest", "count: 10, upTo: longest, step: 1", "R280", "metrics[1].bucketRule", 15),
    ("type: gauge", "type: gauge, bucketRule: token", "R280", "metrics[2].bucketRule", 16),
    ("of: proxy", "of: router", "R280", "metrics[2].since.of", 16),
    ('seen: "1.19"', 'seen: "1.20"', "R280", "metrics[2].since.seen", 16),
    ("of: proxy}", 'of: proxy}, until: {seen: "1.0", absent: "1.1"}', "R280", "metrics[2].until", 16),
])
def test_a_contradiction_is_reported_at_its_line(good: str, bad: str, code: str, path: str, line: int) -> None:
    assert good in GOOD
    assert reported(GOOD.replace(good, bad, 1)) == [(code, path, line)]
