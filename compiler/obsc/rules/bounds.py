"""A threshold against the bucket bounds of a histogram: on one of them, or below the last."""

from __future__ import annotations

from obsc import buckets, durations
from obsc.diagnostics import Sink, render
from obsc.resolve import Resolved
from obsc.signals.reading import Reading
from obsc.source import Path


def snapped(resolved: Resolved, path: Path, wish: float, bounds: tuple[float, ...], scale: float, sink: Sink) -> None:
    """Requests can be counted on a bound only: near it, it is used with a warning; too far from any, it is an error.

    `wish` and `bounds` in the histogram's unit, of which `scale` make a second.
    """
    nearest = buckets.snap(wish, bounds)
    if nearest == wish:
        return
    known, used = near(wish, bounds, scale), durations.spoken(nearest / scale)
    text = f"{durations.spoken(wish / scale)} is no bucket bound of the metric; near it are {known}"
    place = resolved.origins.place(path)
    if max(nearest / wish, wish / nearest) > buckets.FARTHEST:
        sink.error("S317", text, place, path=render(path), hint="choose one of them: anything between cannot be told")
    else:
        sink.warning("S317", f"{text}; {used} is used", place, path=render(path), hint=f"write {used}")


def near(wish: float, bounds: tuple[float, ...], scale: float) -> str:
    """The bounds on both sides of a wish, for a message."""
    below, above = buckets.neighbours(wish, bounds)
    return " and ".join(durations.spoken(bound / scale) for bound in (below, above) if bound is not None)


def beyond_last(resolved: Resolved, path: Path, wish: float, reading: Reading, sink: Sink) -> None:
    """A quantile never passes the last finite bound: what waits for that never happens. `wish` in seconds; the reading has a
    histogram with known bounds.
    """
    histogram = reading.measure.histogram
    assert histogram is not None
    scale, highest = reading.scale(histogram), max(reading.metric(histogram).buckets)
    if wish * scale >= highest:
        last = durations.spoken(highest / scale)
        sink.error("S316", f"the last bucket of `{histogram.metric}` ends at {last}: a quantile never passes that, so nothing would "
                   "ever be told", resolved.origins.place(path), path=render(path), hint=f"write less than {last}")
