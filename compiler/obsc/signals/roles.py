"""Which of a service's components shows a signal: users feel a gateway's errors, a prefill pool's first token.

The order is the language's table of signals; a group without the signal's metrics is passed over for the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from obsc.resolve import Resolved
from obsc.signals.subject import Subject

_FRONT = (("gateway",), ("server", "decode"))
_SERVING = (("server", "gateway", "prefill", "decode"),)
# Signal → groups of roles, the preferred one first. What is not here (up, CPU, memory) is read at every component.
ORDER: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "availability": _FRONT, "traffic": _FRONT, "requestDuration": _FRONT,
    "timeToFirstToken": (("prefill",), ("gateway", "server")),
    "interTokenLatency": (("decode",), ("server",)), "timePerOutputToken": (("decode",), ("server",)),
    "queueDuration": (("server", "prefill"),),
    "requestsWaiting": _SERVING, "requestsRunning": _SERVING,
    "inputTokens": (("server", "decode"),), "outputTokens": (("server", "decode"),),
    "kvCacheUsage": (("server", "decode"),), "preemptions": (("server", "decode"),), "batchSize": (("server", "decode"),),
    "predictions": (("server", "decode", "prefill", "gateway"),), "qualityScore": (("server", "decode", "prefill", "gateway"),),
}


def subjects(resolved: Resolved) -> tuple[Subject, ...]:
    """A service's components as signals see them; each is silent about the signals that another one shows."""
    plain = tuple(Subject(part) for part in resolved.parts)
    if len(plain) == 1:
        return plain
    shown = {signal: _shown(signal, groups, plain) for signal, groups in ORDER.items()}
    return tuple(Subject(one.resolved, silent=frozenset(signal for signal, where in shown.items() if number not in where))
                 for number, one in enumerate(plain))


def _shown(signal: str, groups: tuple[tuple[str, ...], ...], found: Sequence[Subject]) -> frozenset[int]:
    """The numbers of the components that show a signal."""
    able = [(number, one.resolved.service.role) for number, one in enumerate(found) if one.readings(signal)]
    chosen = (frozenset(number for number, role in able if role in group) for group in groups)
    return next((where for where in chosen if where), frozenset())
