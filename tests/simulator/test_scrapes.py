"""Simulated pages against pages of real programs: same names, types, labels, values and bounds, or a difference with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from obsc.catalog import metric
from obsc.simulator import text
from obsc.simulator.plant import Exporter, Plant
from obsc.simulator.scenario import Fault
from simulator.pages import Shape, entry, page_at, scenario, shapes

SCRAPES = Path(__file__).parents[3] / "shared/fixtures/scrapes"
TABLE = yaml.safe_load((Path(__file__).parent / "differences.yaml").read_text())


def real(name: str) -> dict[str, Shape]:
    file = SCRAPES / f"{name}.prom"
    if not file.exists():
        pytest.skip(f"{file.name} is not here")
    # Two of the pages have second HELP lines or commas behind the last label, which this parser refuses and Prometheus takes.
    lines = (line for line in file.read_text().replace(",}", "}").splitlines() if not line.startswith(("# HELP", "# NOTE")))
    return dict(shapes("\n".join(lines) + "\n"))


def simulated(runtime: str, options: dict[str, str]) -> dict[str, Shape]:
    name, _, version = runtime.partition("@")
    if entry(name).kind != "exporter":
        return dict(shapes(page_at(scenario(name, version, (Fault("error-burst", 0),), options=options), 600)))
    exporter = Exporter(name, entry(name))
    plant = Plant(scenario("vllm", "0.15", (Fault("oom", 300),)), (exporter,))
    for _ in plant.run(600):
        pass
    return dict(shapes(text.page(plant.exporter(exporter))))


def differences(there: dict[str, Shape], here: dict[str, Shape], runtime: str) -> Iterator[str]:
    yield from (f"lacks: {name}" for name in there.keys() - here.keys())
    yield from (f"adds: {name}" for name in here.keys() - there.keys())
    for name in there.keys() & here.keys():
        one, other = there[name], here[name]
        yield from (f"{what}: {name}" for what, first, second in (
            ("type", one.type, other.type), ("labels", one.labels, other.labels), ("bounds", one.bounds, other.bounds)) if first != second)
        facts = metric(entry(runtime), name) or metric(entry(runtime), f"{name}_total")
        known = dict(facts.label_values) if facts is not None else {}
        yield from (f"value: {name} {label}={found}" for label, values in (*one.values, *other.values) if label in known
                    for found in values - set(known[label]) - {""})


@pytest.mark.parametrize("name", TABLE)
def test_a_simulated_page_is_like_a_real_one(name: str) -> None:
    runtime, reasons = TABLE[name]["runtime"], TABLE[name]["reasons"]
    there, here = real(name), simulated(runtime, TABLE[name].get("options", {}))
    found = sorted(differences(there, here, runtime.partition("@")[0]))
    print(f"{name}: {len(there.keys() & here.keys())} metrics on both, {len(found)} differences")
    assert there.keys() & here.keys()
    assert [one for one in found if not any(re.fullmatch(reason, one) for reason in reasons)] == []
    assert [reason for reason in reasons if not any(re.fullmatch(reason, one) for one in found)] == []
