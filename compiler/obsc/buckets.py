"""Bucket bounds of histograms: a threshold that counts requests beyond it must lie on one of them."""

from __future__ import annotations

from collections.abc import Sequence

# Farther than this factor from the wish, a bound is another promise, and no longer a rounding of it.
FARTHEST = 1.5


def snap(wish: float, bounds: Sequence[float]) -> float:
    """The bound nearest to the wish by ratio (the higher of two as near); the wish itself without bounds."""
    if not bounds or wish <= 0:
        return wish
    return min(bounds, key=lambda bound: (max(bound / wish, wish / bound), -bound))


def neighbours(wish: float, bounds: Sequence[float]) -> tuple[float | None, float | None]:
    """The nearest bounds below and above the wish; either may be missing."""
    below = [bound for bound in bounds if bound <= wish]
    above = [bound for bound in bounds if bound >= wish]
    return (max(below) if below else None, min(above) if above else None)
