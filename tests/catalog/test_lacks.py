"""What a program does not show: every empty cell of docs/runtimes.md has a reason, and the compiler gives the same ones."""

from __future__ import annotations

import re

import pytest

from catalog.small import PROD, SPEC, entry
from obsc import pipeline
from obsc.catalog import load_runtime, names
from obsc.catalog.lacks import lacks, reasons
from obsc.catalog.vocabulary import OF_PROGRAMS
from obsc.diagnostics import Sink
from obsc.source import load

PROGRAMS = [name for name in names() if (one := load_runtime(name)) is not None and one.kind != "exporter"]


def told(runtime: str, rest: str = "") -> dict[str, str]:
    """Signals and reasons that the compiler gives for a small spec."""
    sink = Sink()
    texts = {"chat.yaml": SPEC.format(runtime=runtime, more="", rest=rest), "prod.yaml": PROD}
    pipeline.compile_specs({name: load(name, text.encode(), sink) for name, text in texts.items()}, sink)
    found = [one.message for one in sink if one.code == "S332"]
    return {signal: message.partition(":")[0] for message in found for signal in re.findall(r"`(\w+)`", message)}


@pytest.mark.parametrize("runtime", PROGRAMS)
def test_the_compiler_gives_just_the_reasons_of_the_matrix(runtime: str) -> None:
    assert told(runtime) == lacks(entry(runtime))


def test_a_cell_is_read_or_has_a_known_reason() -> None:
    for one in map(entry, PROGRAMS):
        read = {signal for signal, _ in one.measures}
        found = lacks(one)
        assert not one.metrics or set(found) == set(OF_PROGRAMS) - read
        assert set(found.values()) <= set(reasons())


def test_a_series_of_the_service_fills_a_gap() -> None:
    series = "metrics: {series: [{name: score, type: gauge, unit: ratio, signal: qualityScore}]}\n"
    assert told("vllm")["qualityScore"] == "own-series"
    assert "qualityScore" not in told("vllm", series)
