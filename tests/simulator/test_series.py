"""Input series of promtool's tests: short, and the same numbers again when they are read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obsc.simulator.plant import Plant
from obsc.simulator.scenario import Fault
from obsc.simulator.scraping import Job, scrape
from obsc.simulator.series import Run, series
from obsc.simulator.text import sample
from simulator.pages import around, jobs, scenario

STALE = "stale"
NUMBER = r"-?(?:[\d.]+(?:e-?\d+)?|Inf|NaN)"


def read(text: str) -> list[float | str | None]:
    """What promtool makes of a sequence: None where there is nothing."""
    found: list[float | str | None] = []
    for token in text.split():
        blanks = re.fullmatch(r"_(?:x(\d+))?", token)
        run = re.fullmatch(rf"({NUMBER})(?:([+-])({NUMBER}))?x(\d+)", token)
        if blanks:
            found += [None] * int(blanks[1] or 1)
        elif token == STALE:
            found.append(STALE)
        elif run:
            step = float(run[3] or 0) * (-1 if run[2] == "-" else 1)
            value = float(run[1])
            for _ in range(int(run[4]) + 1):
                found.append(value)
                value += step
        else:
            found.append(float(token))
    return found


@given(st.lists(st.one_of(st.none(), st.just(STALE), st.integers(-9, 9).map(float), st.floats(allow_nan=False, allow_infinity=False))))
def test_what_was_written_is_read(values: list[float | str | None]) -> None:
    run = Run()
    for value in values:
        if value is None:
            run.skip()
        elif isinstance(value, str):
            run.end()
        else:
            run.add(value)
    assert read(run.text()) == values


def test_sequences_are_short() -> None:
    run = Run()
    for value in (*range(0, 100, 10), *[7.0] * 50):
        run.add(float(value))
    run.skip(3)
    assert run.text() == "0+10x9 7x49 _x3"


def test_series_are_what_scrapes_find_and_end_stale() -> None:
    def plant() -> Plant:
        return Plant(scenario("vllm", "0.15", (Fault("replica-lost", 120, 240),), steady=False), around())

    found = {name: read(values) for name, values in series(plant(), jobs(around()), 30, 600).items()}
    again, count = plant(), 0
    for steps, _ in enumerate(again.run(600)):
        if steps % 2 == 0:
            here = {sample(name, labels): value for (name, labels), value in scrape(again, jobs(again.exporters), steps // 2).items()}
            assert {name for name, values in found.items() if isinstance(values[count], float)} == set(here)
            assert all(found[name][count] == pytest.approx(value, nan_ok=True) for name, value in here.items() if "series_added" not in name)
            count += 1
    assert all(len(values) == count for values in found.values())
    lost = next(values for name, values in found.items() if name.startswith("up{") and 'job="chat"' in name and STALE in values)
    assert lost == [1.0] * 4 + [STALE] + [None] * 16
    successor = next(values for name, values in found.items() if name.startswith("up{") and 'job="chat"' in name and values[0] is None)
    assert successor[:8] == [None] * 8
    assert successor[8:12] == [0.0] * 4
    assert successor[12:] == [1.0] * 9


def test_an_interval_between_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="no multiple"):
        series(Plant(scenario()), (Job(),), 20, 60)
