"""`probes`: checks from outside, through the platform's black-box exporter."""

from __future__ import annotations

from obsc.spec.base import Block, leaf
from obsc.spec.types import DnsLabel, Duration, HttpPath, Port, Url, Word


class Probe(Block):
    """A request that somebody else makes, and expects to be answered: the only proof from end to end."""

    name: DnsLabel = leaf("Name of the probe.", "completion")
    enabled: bool = leaf("Whether the item is there: an environment can switch off what the document has.", False, default=True)
    port: Port | None = leaf("Port of the Service named like the workload; the first endpoint's unless given.", 8000, default=None)
    path: HttpPath = leaf("Path that is asked for.", "/health", default="/")
    url: Url | None = leaf("Address instead of port and path.", "https://chat.example.com/health", default=None)
    module: Word = leaf("Module of the black-box exporter: how it asks, and what it takes for an answer.", "http_post_2xx",
                        default="http_2xx")
    interval: Duration = leaf("Time between probes.", "1m", unit="duration", default=30.0)
