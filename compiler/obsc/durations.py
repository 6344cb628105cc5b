"""Durations and quantities: from a spec's text to numbers and back, in the spelling that Prometheus reads."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_WHOLE = re.compile(r"(?:([0-9]+)y)?(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+)s)?(?:([0-9]+)ms)?")
_ORDER = ("y", "w", "d", "h", "m", "s", "ms")
_FRACTION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w|y)")


def parse(text: str) -> float | None:
    """Seconds of `5m`, `1h30m`, `2.5s`; None if the text is no duration.

    Units in falling order as Prometheus wants them, or one number with a fraction and one unit.
    """
    fraction = _FRACTION.fullmatch(text)
    if fraction:
        return round(float(fraction[1]) * _UNITS[fraction[2]], 9)
    whole = _WHOLE.fullmatch(text)
    if not text or whole is None:
        return None
    parts = zip(whole.groups(), _ORDER, strict=True)
    return round(sum(int(count) * _UNITS[unit] for count, unit in parts if count), 9)


def show(seconds: float) -> str:
    """The shortest Prometheus duration: 300 → `5m`, 5400 → `1h30m`, 0.25 → `250ms`, 0 → `0s`.

    Days are the largest unit: a week reads worse in an alert than seven days.
    """
    rest = round(seconds * 1000)
    if rest == 0:
        return "0s"
    text = ""
    for unit, size in (("d", 86400000), ("h", 3600000), ("m", 60000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text


def spoken(seconds: float) -> str:
    """A duration as people write it, which specs take too: 2.5 → `2.5s`, else as `show` has it."""
    is_fraction = 1 < seconds < 60 and seconds != round(seconds)
    return f"{number(seconds)}s" if is_fraction else show(seconds)


def number(value: float) -> str:
    """A number as people write it: 5.0 → `5`, 0.95 → `0.95`, 1e-07 → `0.0000001`; never an exponent."""
    text = format(value, ".12f").rstrip("0").rstrip(".")
    return text if text not in {"-0", ""} else "0"
