"""Bucket bounds that a program computes, reproduced to the last bit: a bound is a label's text, not a number near it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice, takewhile
from math import inf

from obsc.catalog.profile import BucketRule

_MOST = 2000
_LARGEST = 1e15
_DECADE = (1, 2, 5)


def bounds(rule: BucketRule, limit: float | None = None) -> tuple[float, ...]:
    """Finite bounds of a rule, rising. () where the rule ends at an option (`limit` its value) that nobody knows."""
    if rule.option and (limit is None or not 0 < limit < _LARGEST):
        return ()
    match rule.kind:
        case "product":
            return _product(rule)
        case "power":
            return _cut((_power(rule, i) for i in range(rule.count or _MOST)), limit)
        case "linear" if limit is not None:
            return tuple(limit / rule.count * i for i in range(1, rule.count + 1))
        case "linear":
            return tuple(rule.start + rule.step * i for i in range(rule.count))
        case _:
            return _cut((rule.start * digit * _raised(10.0, i) for i in range(_MOST) for digit in _DECADE), limit)


def _raised(factor: float, exponent: int) -> float:
    try:
        return float(factor**exponent)
    except OverflowError:
        return inf


def _power(rule: BucketRule, exponent: int) -> float:
    return rule.start * _raised(rule.factor, exponent)


def _product(rule: BucketRule) -> tuple[float, ...]:
    # Programs that multiply in a loop round at each step: the result differs from a power in its last digits.
    found, value = [], rule.start
    for _ in range(rule.count):
        value *= rule.factor
        found.append(value)
    return tuple(found)


def _cut(values: Iterable[float], limit: float | None) -> tuple[float, ...]:
    return tuple(islice(values if limit is None else takewhile(lambda value: value <= limit, values), _MOST))
