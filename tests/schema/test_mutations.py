"""Shipped documents, damaged at random by seed: the models and the schemas must agree on each."""

from __future__ import annotations

import copy
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from schema.judges import documents, judge

ROOT = Path(__file__).parents[2]
SEED, COUNT, LEAST_REFUSED = 20, 2_000, 0.4
CATALOG_COUNT = 200
Data: TypeAlias = dict[str, Any]
Spot: TypeAlias = tuple[Any, Any]  # a mapping or list, and a key or index of it
OTHERS: tuple[Callable[[], object], ...] = (
    lambda: None, lambda: True, lambda: 7, lambda: -1, lambda: 2.5, lambda: "text", lambda: "No Name!", list, dict, lambda: ["text"],
    lambda: [{"name": "a"}], lambda: {"name": "a"})
# Words that the language does not have, has elsewhere, or keeps for later.
EXTRA = ("frob", "Name", "name", "enabled", "port", "version", "objectives", "cost", "kafka", "environments", "apiVersion", "x-own")
UNIT = re.compile(r"([0-9.]+)(ms|s|m|h|d|w|y|%)")


def spots(data: object) -> Iterator[Spot]:
    """Every place of a document."""
    entries = list(data.items()) if isinstance(data, dict) else list(enumerate(data)) if isinstance(data, list) else []
    for step, one in entries:
        yield data, step
        yield from spots(one)


def drop(rng: random.Random, data: Data) -> bool:
    holder, step = rng.choice(list(spots(data)))
    del holder[step]
    return True


def retype(rng: random.Random, data: Data) -> bool:
    holder, step = rng.choice(list(spots(data)))
    holder[step] = rng.choice(OTHERS)()
    return True


def rename(rng: random.Random, data: Data) -> bool:
    holder, key = rng.choice([(holder, step) for holder, step in spots(data) if isinstance(step, str)])
    at = rng.randrange(len(key))
    new = rng.choice((key + "s", key.upper(), key[:at] + key[at + 1:], "_" + key, key.replace("_", "-"), re.sub("([A-Z])", r"_\1", key)))
    holder[new] = holder.pop(key)
    return new != key


def unit_lost(rng: random.Random, data: Data) -> bool:
    found = [(holder, step, match[1]) for holder, step in spots(data)
             if isinstance(holder[step], str) and (match := UNIT.fullmatch(holder[step]))]
    if not found:
        return False
    holder, step, number = rng.choice(found)
    value = float(number)
    holder[step] = rng.choice((number, f"{number} ", int(value) if value == int(value) else value))
    return True


def extra(rng: random.Random, data: Data) -> bool:
    holder = rng.choice([data, *(one for holder, step in spots(data) if isinstance(one := holder[step], dict))])
    key = rng.choice(EXTRA)
    new = key not in holder
    holder.setdefault(key, rng.choice(OTHERS)())
    return new


MUTATIONS = (drop, retype, rename, unit_lost, extra)


def mutated(rng: random.Random, originals: list[tuple[str, Data]]) -> tuple[str, str, Data]:
    """The name of a mutation, of a schema, and a document that the mutation changed."""
    while True:
        mutation = rng.choice(MUTATIONS)
        name, original = rng.choice(originals)
        data = copy.deepcopy(original)
        if mutation(rng, data):
            return mutation.__name__, name, data


def run(originals: list[tuple[str, Data]], count: int) -> tuple[Counter[tuple[str, str]], list[object]]:
    """Outcomes by mutation, and what the judges disagreed on."""
    rng = random.Random(SEED)
    outcomes: Counter[tuple[str, str]] = Counter()
    disagreements: list[object] = []
    for _ in range(count):
        mutation, name, data = mutated(rng, originals)
        verdict = judge(name, data)
        outcomes[mutation, "beyond" if verdict.beyond else "refused" if verdict.models and verdict.schema else "accepted"] += 1
        if not verdict.agreed:
            disagreements.append((mutation, name, verdict, data))
    return outcomes, disagreements


def show(outcomes: Counter[tuple[str, str]]) -> None:
    print()
    for mutation in MUTATIONS:
        print(f"{mutation.__name__:10}" + "".join(f" {what} {outcomes[mutation.__name__, what]:4}" for what in ("refused", "accepted", "beyond")))


def total(outcomes: Counter[tuple[str, str]], what: str) -> int:
    return sum(number for (_, outcome), number in outcomes.items() if outcome == what)


def test_models_and_schemas_agree_on_two_thousand_mutations() -> None:
    originals = list(documents(*sorted((ROOT / "specs").rglob("*.yaml"))))
    assert all(judge(name, data).agreed and not judge(name, data).models for name, data in originals)
    outcomes, disagreements = run(originals, COUNT)
    show(outcomes)
    assert disagreements == []
    assert total(outcomes, "refused") >= LEAST_REFUSED * COUNT
    assert total(outcomes, "beyond") <= COUNT // 100


def test_models_and_schema_agree_on_mutations_of_catalog_files() -> None:
    files = sorted((ROOT / "compiler/obsc/catalog").glob("*.yaml"))
    originals = list(documents(*(file for file in files if file.name != "sources.yaml" and file.stat().st_size < 12_000)))
    assert len(originals) >= 5
    outcomes, disagreements = run(originals, CATALOG_COUNT)
    show(outcomes)
    assert disagreements == []
    assert total(outcomes, "refused") >= LEAST_REFUSED * CATALOG_COUNT
