"""`traces`: what is kept of the service's traces, and what is deleted from them."""

from __future__ import annotations

from obsc.spec.base import Block, leaf
from obsc.spec.logs import MaskName
from obsc.spec.types import Duration, Ratio, SpanName


class Sampling(Block):
    """Which traces are kept."""

    baseline: Ratio = leaf("Share of all traces that is kept in any case.", "5%", unit="ratio", default=0.05)
    keep_errors: bool = leaf("Keep every trace with an error.", True, default=True)
    slower_than: Duration | None = leaf("Keep every trace that takes longer; the latency alert's threshold unless given.",
                                        "10s", unit="duration", default=None)


class Traces(Block):
    """Traces of the service. Prompts and completions are deleted in any case."""

    enabled: bool | None = leaf("Whether traces are taken; they are if the platform has a Collector.", False, default=None)
    sampling: Sampling = leaf("Which traces are kept.", {"baseline": "10%"}, default=Sampling())
    spans: tuple[SpanName, ...] = leaf("Names of the steps that the instrumentation records, for panels and runbooks.",
                                       ["tokenization", "inference"], default=())
    redact: tuple[MaskName, ...] = leaf("Kinds of private values that are masked, besides those of other layers.", ["ip"],
                                        default=("secret", "email", "card", "iban", "phone"))
