"""Words for what an entry tells how to read: the language's signals, and those that only rules and panels read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from obsc.spec.metrics import SIGNALS_LATER, Signal

# What no objective or indicator names, with what it is.
INNER: Mapping[str, str] = {
    "engineSteps": "steps of the engine, or what moves with each: still while requests run, it is stalled",
    "engineAwake": "1 while the engine is awake",
    "corruptedRequests": "requests whose answer is no number or no text",
    "requestsShed": "requests turned away for want of room, over all",
    "requestsAbandoned": "requests whose client left, over all",
    "prefixCache": "tokens found in the prefix cache, over those looked up",
    "gpuMemoryUsed": "memory of a device in use",
    "gpuPower": "power that a device draws",
    "gpuClock": "clock of a device",
    "gpuTensorActive": "share of cycles in which tensor cores worked",
    "gpuMemoryActive": "share of cycles in which a device's memory was read or written",
    "gpuHardwareFault": "faults of a device, by number",
    "gpuApplicationFault": "faults that a program brought about on a device, by number",
    "gpuHealthy": "1 while a device says that it is well",
    "gpuRowRemapFailure": "1 once a row of a device's memory could not be replaced",
    "gpuUncorrectable": "errors of a device's memory that could not be corrected",
    "gpuHeldBack": "what holds a device's clock back",
    "gpuLinkErrors": "errors on the links between devices",
}
SIGNALS: tuple[str, ...] = (*get_args(Signal), *SIGNALS_LATER, *INNER)
# What is seen from outside of the program, by exporters of the platform.
OUTSIDE: frozenset[str] = frozenset({"up", "probeSuccess", "cpuUsage", "memoryUsage"}) | {one for one in SIGNALS if one.startswith("gpu")}
# What a serving program may show on its own page, in the order of tables.
OF_PROGRAMS: tuple[str, ...] = tuple(one for one in SIGNALS if one not in OUTSIDE)
