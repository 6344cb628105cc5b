"""Entries against pages of real programs. Names on a page that an entry lacks are printed, and are only those named here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from catalog.small import entry
from obsc.catalog import metric

SCRAPES = Path(__file__).parents[3] / "shared/fixtures/scrapes"
# What the client libraries of a language add by themselves, and what no entry describes.
COMMON = r"(process|python|go|promhttp)_\w+|\w+_created"
# entry → page, least names in common, further names on the page (with the reason), labels that its setup adds
PAGES = {
    # A release before the catalog's first reading.
    "sglang": ("sglang-sglang.prom", 10, r"sglang:(time_per_output_token_seconds|func_latency_seconds)", ""),
    "bentoml": ("bentoml-selfrun.prom", 4, "", ""),
    "kserve": ("kserve-selfrun.prom", 4, "", ""),
    "torchserve": ("torchserve-serve-docs.prom", 21, "", ""),
    # The engine before V1.
    "vllm": ("vllm-kubeai.prom", 16, r"vllm:(num_requests_swapped|cpu_cache_usage_perc|request_params_best_of|spec_decode_\w+|avg_\w+)",
             r"num_\w+|block_size|cpu_offload_gb|swap_\w+|sliding_window|gpu_memory_utilization|enable_prefix_caching|cache_dtype"),
    # The cache of all models, before it was counted by model.
    "triton": ("triton-datadog.prom", 24, r"nv_cache_(util|num_\w+|\w+_duration)", ""),
}
# Bounds of these were others in the release of the page.
OTHER_BOUNDS = {"sglang:time_to_first_token_seconds", "sglang:e2e_request_latency_seconds", "vllm:time_to_first_token_seconds",
                "vllm:time_per_output_token_seconds", "vllm:e2e_request_latency_seconds"}
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:\\.|[^"\\])*)"')


def lines(name: str) -> list[str]:
    file = SCRAPES / PAGES[name][0]
    if not file.exists():
        pytest.skip(f"{file.name} is not here")
    return [line for line in file.read_text().splitlines() if line.strip()]


def types(page: list[str]) -> dict[str, str]:
    return {words[2]: words[3] for line in page if (words := line.split())[:2] == ["#", "TYPE"]}


def family(sample: str, kinds: dict[str, str]) -> str:
    base = re.sub(r"_(bucket|sum|count)$", "", sample)
    return base if kinds.get(base) in {"histogram", "summary"} else sample


@pytest.mark.parametrize("name", PAGES)
def test_names_on_the_page_are_known_with_their_type(name: str) -> None:
    kinds = types(lines(name))
    known = {one: found for one in kinds if (found := metric(entry(name), one)) is not None}
    unknown = sorted(set(kinds) - set(known))
    print(f"{name}: {len(known)} known, unknown: {', '.join(unknown) or 'none'}")
    assert len(known) >= PAGES[name][1]
    assert {one: found.type for one, found in known.items()} == {one: kinds[one] for one in known}
    assert [one for one in unknown if not re.fullmatch(f"{COMMON}|{PAGES[name][2]}", one)] == []


@pytest.mark.parametrize("name", PAGES)
def test_labels_and_bounds_on_the_page_are_known(name: str) -> None:
    page = lines(name)
    kinds = types(page)
    bounds: dict[str, set[float]] = {}
    for line in page:
        if line.startswith("#"):
            continue
        sample = re.split(r"[{ ]", line, maxsplit=1)[0]
        facts = metric(entry(name), family(sample, kinds))
        if facts is None:
            continue
        labels = dict(LABEL.findall(line))
        more = set(labels) - {"le", "quantile"} - set(facts.labels)
        assert not {one for one in more if not re.fullmatch(PAGES[name][3] or "(?!)", one)}, line
        if labels.get("le", "+Inf") != "+Inf":
            bounds.setdefault(facts.name, set()).add(float(labels["le"]))
    for one, found in bounds.items():
        facts = metric(entry(name), one)
        assert facts is not None
        assert not facts.buckets or (found == set(facts.buckets)) == (one not in OTHER_BOUNDS), one
