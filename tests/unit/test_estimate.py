"""How many series a service is said to have: against pages of real programs, and what makes it more or less.

The estimate is of a budget: it may be too high, for a page on which not everything has happened yet, and hardly too low. Of the
metrics that are on a page and in the catalog it is at least nine tenths and at most three times what the page has.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Compile
from obsc import translate
from obsc.catalog.scrape import parse_page
from obsc.diagnostics import Diagnostic, Sink
from obsc.ir import Service
from obsc.resolve import Resolved
from obsc.rules.estimate import Share, estimated
from samples import PLATFORM, SPEC, told

SCRAPES = Path(__file__).parents[3] / "shared/fixtures/scrapes"
LEAST, MOST = 0.9, 3.0
# Page: its runtime, release, number of models and options.
PAGES = {
    "vllm-kubeai": ("vllm", "0.8.5", 1, "max-model-len: 32768"), "sglang-sglang": ("sglang", "", 1, 'enable-metrics: "true"'),
    "triton-datadog": ("triton", "", 8, 'summary_latencies: "true"'), "bentoml-selfrun": ("bentoml", "", 1, ""),
    "kserve-selfrun": ("kserve", "", 1, ""), "fastapi-sklearn-selfrun": ("fastapi", "", 1, ""),
    "torchserve-serve-docs": ("torchserve", "", 1, "")}


def shares(compile_texts: Compile, text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Share, ...]:
    found: list[tuple[Share, ...]] = []

    def look(resolved: Resolved, service: Service, sink: Sink) -> None:
        found.append(estimated(resolved, len(service.recordings)))

    monkeypatch.setattr(translate, "RULES", (look,))
    compile_texts({"a.yaml": text, "p.yaml": PLATFORM})
    return found[0]


@pytest.mark.parametrize("name", PAGES)
def test_the_estimate_is_near_a_real_page(name: str, compile_texts: Compile, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SCRAPES / f"{name}.prom"
    if not file.exists():
        pytest.skip(f"{file.name} is not here")
    runtime, version, models, options = PAGES[name]
    release = f', version: "{version}"' if version else ""
    text = f"""\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {{name: chat, namespace: ai, team: ml}}
runtime: {{name: {runtime}{release}, options: {{{options}}}}}
models: [{", ".join(f"{{name: model-{number}}}" for number in range(models))}]
"""
    page = {one.name: one.samples for one in parse_page(file.read_text()) if one.samples}
    both = [(one, page.get(one.metric) or page.get(one.metric.removesuffix("_total"))) for one in shares(compile_texts, text, monkeypatch)]
    here, there = (sum(sizes) for sizes in zip(*((one.series, samples) for one, samples in both if samples), strict=True))
    print(f"{name}: {here} estimated, {there} on the page")
    assert LEAST <= here / there <= MOST, [one for one in both if one[1] and one[1] != one[0].series]


def budgeted(compile_texts: Compile, budget: int, more: str = "", metrics: str = "") -> list[Diagnostic]:
    """What is said of a budget."""
    text = SPEC + f"workload: {{replicas: {{min: 1, max: 10}}}}\nmetrics: {{seriesBudget: {budget}{metrics}}}\n{more}"
    _, found = compile_texts({"a.yaml": text, "p.yaml": PLATFORM})
    return [one for one in found if one.code == "S393"]


def total(compile_texts: Compile, more: str = "", metrics: str = "") -> int:
    """The estimate, from the words of the finding."""
    [found] = budgeted(compile_texts, 1, more, metrics)
    return int(found.message.split()[1])


def test_more_than_the_budget_is_an_error_at_its_line_that_says_what_to_drop(compile_texts: Compile) -> None:
    series = total(compile_texts)
    assert budgeted(compile_texts, series) == []
    [found] = budgeted(compile_texts, series - 1)
    assert (found.severity.name, found.place.line) == ("ERROR", 7)
    assert "vllm:time_to_first_token_seconds" in found.message
    dropped = found.hint[found.hint.index("["):found.hint.index("]") + 1]
    assert budgeted(compile_texts, series - 1, metrics=f", dropMetrics: {dropped}") == []


def test_replicas_models_values_and_buckets_multiply(compile_texts: Compile) -> None:
    base = total(compile_texts)
    own = ", series: [{name: answers_total, type: counter, labels: {kind: [a, b, c], reason: [x, y]}}]"
    assert total(compile_texts, metrics=own) == base + 10 * 3 * 2
    timed = ", series: [{name: answer_seconds, type: histogram, unit: seconds, buckets: [1, 2, 5], labels: {kind: [a, b]}}]"
    assert total(compile_texts, metrics=timed) == base + 10 * 2 * (3 + 3)
    unbounded = ", series: [{name: answers_total, type: counter, labels: {customer: []}}]"
    assert total(compile_texts, metrics=unbounded) == base + 10 * 10
    part = "components: [{name: guard, runtime: {name: custom}, metrics: {series: [{name: refusals_total, type: counter}]}}]\n"
    assert total(compile_texts, part) >= base + 1


def test_a_release_without_a_metric_has_none_of_its_series(compile_texts: Compile, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = {one.metric for one in shares(compile_texts, SPEC, monkeypatch)}
    older = {one.metric for one in shares(compile_texts, SPEC.replace('"0.15"', '"0.8.5"'), monkeypatch)}
    assert ("vllm:kv_cache_usage_perc" in newer, "vllm:gpu_cache_usage_perc" in newer) == (True, False)
    assert ("vllm:kv_cache_usage_perc" in older, "vllm:gpu_cache_usage_perc" in older) == (False, True)


def test_a_platform_gives_the_budget_that_a_spec_does_not(compile_texts: Compile) -> None:
    _, found = compile_texts({"a.yaml": SPEC, "p.yaml": PLATFORM + "defaults: {metrics: {seriesBudget: 10}}\n"})
    assert [code for code, _ in told(found)] == ["S393"]
    assert found[[one.code for one in found].index("S393")].place.file == "p.yaml"
    _, found = compile_texts({"a.yaml": SPEC, "p.yaml": PLATFORM})
    assert told(found) == []
