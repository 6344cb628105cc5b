"""Windows: wide enough that a scrape may fail, and not wider than samples are kept."""

from __future__ import annotations

from collections.abc import Iterator

from obsc import durations
from obsc.patterns.finding import Pattern, Setting
from obsc.patterns.tree import Node, parts
from obsc.patterns.value import RATES, Reader

_SCRAPES = 4
_GROWING = RATES | {"delta", "idelta", "deriv"}


def ranges(root: Node, _: Reader, setting: Setting) -> Iterator[Pattern]:
    """Windows of rates against the scrape interval, and all of them against the time that samples are kept."""
    for node in parts(root):
        if node.kind == "call" and node.name in _GROWING and node.args[0].kind == "range":
            window, least = node.args[0].window, _SCRAPES * setting.interval
            if window < least:
                yield Pattern("S390", f"the window {durations.show(window)} holds less than {_SCRAPES} scrapes, which are "
                              f"{durations.show(setting.interval)} apart: with one or two missing there is no result",
                              f"write `[{durations.show(least)}]` or more")
    back = _back(root)
    if setting.kept and back > setting.kept:
        yield Pattern("S390", f"the expression looks {durations.show(back)} back, and samples are kept for {durations.show(setting.kept)}",
                      "look back less, or keep samples longer (`prometheus.retention`)")


def _back(node: Node) -> float:
    """Seconds from now to the oldest sample that a node reads."""
    return node.window + max(node.offset, 0) + max((_back(one) for one in node.args), default=0)
