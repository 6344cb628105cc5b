"""`runtime`: what serves the model, which decides the metrics there are."""

from __future__ import annotations

from obsc.spec.base import Block, leaf
from obsc.spec.types import Bound, MetricName, OptionValue, Version, Word


class Runtime(Block):
    """The serving program and the release of it."""

    name: Word = leaf("An entry of the catalog, or `custom` for a program that only your own series describe.", "vllm")
    version: Version | None = leaf(
        "Release of the program (not of its image or chart): `0.15` means 0.15.x; a range is possible. "
        "Without it, metrics that were renamed are read under both names.", "0.15", default=None)
    engine: Word | None = leaf(
        "Entry of the catalog for the engine that a serving framework runs inside, whose metrics it passes on.", "vllm", default=None)
    options: dict[Word, OptionValue] = leaf(
        "Flags that the deployment sets, where they decide which metrics exist.", {"histogram_latencies": True}, default={})
    buckets: dict[MetricName, tuple[Bound, ...]] = leaf(
        "Bucket bounds of histograms where the deployment replaced the usual ones, in the metric's own unit.",
        {"vllm:e2e_request_latency_seconds": [0.5, 1, 2.5, 5]}, unit="the metric's", default={})
