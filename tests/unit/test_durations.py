"""Durations, numbers and bucket bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obsc import buckets, durations


@given(st.integers(0, 10**11))
def test_what_is_shown_is_read_back(milliseconds: int) -> None:
    assert durations.parse(durations.show(milliseconds / 1000)) == milliseconds / 1000


@pytest.mark.parametrize(("text", "seconds"), [
    ("30s", 30), ("5m", 300), ("1h30m", 5400), ("2.5s", 2.5), ("500ms", 0.5), ("1d", 86400), ("2w", 1209600), ("1y", 31536000), ("0s", 0),
    ("1d2h3m4s5ms", 93784.005), ("1.5h", 5400)])
def test_durations_that_are_meant(text: str, seconds: float) -> None:
    assert durations.parse(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5min", "m", "1m1h", "-5m", "5 m", "5M", "1.5h30m", "1e3s", "5m ", "\u0665m"])
def test_texts_that_are_no_durations(text: str) -> None:
    assert durations.parse(text) is None


@pytest.mark.parametrize(("seconds", "text"), [(300, "5m"), (5400, "1h30m"), (0.25, "250ms"), (0, "0s"), (604800, "7d"), (90061, "1d1h1m1s")])
def test_the_shortest_spelling(seconds: float, text: str) -> None:
    assert durations.show(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(5.0, "5"), (0.95, "0.95"), (1e-7, "0.0000001"), (0, "0"), (-0.0, "0"), (1e6, "1000000"), (0.1 + 0.2, "0.3")])
def test_numbers_have_no_exponent_and_no_noise(value: float, text: str) -> None:
    assert durations.number(value) == text


BOUNDS = (0.1, 0.5, 1.0, 2.5, 5.0)


@pytest.mark.parametrize(("wish", "bound"), [(1.0, 1.0), (0.9, 1.0), (2.0, 2.5), (0.01, 0.1), (100, 5.0), (0.2236, 0.1), (0.23, 0.5)])
def test_a_threshold_moves_to_the_nearest_bound_by_ratio(wish: float, bound: float) -> None:
    assert buckets.snap(wish, BOUNDS) == bound


def test_of_two_as_near_the_higher_is_taken_and_without_bounds_nothing_moves() -> None:
    assert buckets.snap(1, (0.5, 2)) == 2
    assert buckets.snap(1.3, ()) == 1.3


@pytest.mark.parametrize(("wish", "both"), [(2, (1.0, 2.5)), (1, (1.0, 1.0)), (0.01, (None, 0.1)), (9, (5.0, None))])
def test_the_neighbours_are_told(wish: float, both: tuple[float | None, float | None]) -> None:
    assert buckets.neighbours(wish, BOUNDS) == both
