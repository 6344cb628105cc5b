"""The models of the language say enough of themselves for messages, schemas and documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

from obsc.spec.base import NONE, Block
from obsc.spec.platform import AIPlatform
from obsc.spec.reflect import Path, fields, homes, site, typed_fields
from obsc.spec.service import NAMED_LISTS, AIService
from obsc.spec.types import Duration, HostPort, LabelName, Port, Ratio, Threshold, Version


def _blocks(block: type[Block] = Block) -> Iterator[type[Block]]:
    for one in block.__subclasses__():
        if one.__module__.startswith("obsc.spec."):
            yield one
        yield from _blocks(one)


BLOCKS = sorted(set(_blocks()), key=lambda block: block.__name__)
FIELDS = [(block, key) for block in BLOCKS for key in fields(block)]


@pytest.mark.parametrize(("block", "key"), FIELDS, ids=[f"{block.__name__}.{key}" for block, key in FIELDS])
def test_a_field_has_a_description_a_unit_and_an_example_that_fits(block: type[Block], key: str) -> None:
    info = fields(block)[key]
    assert info.description is not None
    assert info.description.endswith(".")
    assert isinstance(info.json_schema_extra, dict)
    assert info.json_schema_extra["unit"]
    assert info.examples
    TypeAdapter(typed_fields(block)[key]).validate_python(_strict(info.examples[0]), strict=True)


def test_numbers_in_units_say_which() -> None:
    measured = [(block, key) for block, key in FIELDS if site(block, (key,)).words.startswith(("a duration", "a percent"))]
    assert measured
    assert [(block, key) for block, key in measured if fields(block)[key].json_schema_extra == {"unit": NONE}] == []


@pytest.mark.parametrize(("block", "key"), FIELDS, ids=[f"{block.__name__}.{key}" for block, key in FIELDS])
def test_every_place_says_what_belongs_there(block: type[Block], key: str) -> None:
    found = site(block, (key,))
    assert found.words
    assert not found.words.startswith("or ")
    assert found.optional is not fields(block)[key].is_required()


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)
def test_reserved_words_are_not_words_of_the_language(block: type[Block]) -> None:
    assert set(block.later) & set(fields(block)) == set()
    for key, values in block.later_values.items():
        assert set(values) & set(site(block, (key,)).choices) == set()


@pytest.mark.parametrize("model", [AIService, AIPlatform])
def test_the_models_make_a_schema(model: type[Block]) -> None:
    schema = model.model_json_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(fields(model))


def test_items_of_named_lists_have_names() -> None:
    lists = [(block, key) for block, key in FIELDS if key in NAMED_LISTS and tuple in site(block, (key,)).accepts]
    assert lists
    assert [(block, key) for block, key in lists if "name" not in site(block, (key, 0)).keys] == []


@pytest.mark.parametrize(("path", "words"), [
    (("metrics", "endpoints", 0, "port"), "a number from 1 to 65535, or a port's name"),
    (("metrics", "endpoints", 3, "authorization", "credentials"), "a reference `{name, key}` to a Secret"),
    (("workload", "replicas", "min"), "a whole number from 0 to 10000"),
    (("workload", "replicas", "max"), "a whole number from 1 to 10000"),
    (("metrics", "series", 0, "buckets", 2), "a number above 0"),
    (("traces", "sampling", "keepErrors"), "true or false"),
    (("metadata", "labels"), "a mapping"),
    (("metadata", "labels", "tier"), "a Kubernetes label value (letters, digits, `_`, `.`, `-`), at most 63 characters"),
    (("logs", "format"), "one of `auto`, `json`, `text`"),
    (("apiVersion",), "`obsc.dev/v1alpha1`"),
])
def test_forms_in_words(path: Path, words: str) -> None:
    assert site(AIService, path).words == words


def test_a_place_beyond_the_language_is_told_by_the_nearest_one() -> None:
    assert site(AIService, ("metrics", "endpoints", 0, "nothing", "more")) == site(AIService, ("metrics", "endpoints", 0))


def test_a_key_is_found_where_it_belongs() -> None:
    assert homes(AIService, "replicas") == ("workload",)
    assert homes(AIService, "logs") == ("",)
    assert homes(AIService, "nothing") == ()


# A type, what it takes, and what it does not.
SCALARS: tuple[tuple[Any, list[object], list[object]], ...] = (
    (Duration, ["5m", "1h30m", "2.5s", "250ms"], ["5", 5, "0s", "5 m", "m5", "11y", "9" * 400 + "s", "\u0665m", "", None, True]),
    (Ratio, ["99.5%", 0.5, "0.1%"], ["0%", "100%", 1, 0, 99.9, "0.5", "-5%", "95%\n", True, None]),
    (Threshold, ["2.5s", "95%", 0, 80, 0.5], [-1, "80", "100%", "0s", "9" * 400 + "s", True, None]),
    (Version, ["0.15", "v1.2.3", ">=0.11 <0.13", "= 1.2"], ["latest", "", ">=", "0.15.x", "1\t2", ">=0.11\n<0.13"]),
    (HostPort, ["ai-service:8000", "[::1]:9000", "10.0.0.1:65535"], ["ai-service", "a:0", "a:65536", "http://a:80", "a:99999"]),
    (LabelName, ["zone", "_zone", "Zone_1"], ["__address__", "__name__", "1a", "a-b", ""]),
    (Port, [1, 65535, "http-metrics", "m9"], [0, 65536, "8000", "-a", "a--b", "Http", True, 80.0]),
)


@pytest.mark.parametrize(("adapter", "good", "bad"), [(TypeAdapter(kind), good, bad) for kind, good, bad in SCALARS])
def test_scalars(adapter: TypeAdapter[object], good: list[object], bad: list[object]) -> None:
    assert [one for one in good if not _fits(adapter, one)] == []
    assert [one for one in bad if _fits(adapter, one)] == []


def _fits(adapter: TypeAdapter[object], value: object) -> bool:
    try:
        adapter.validate_python(value, strict=True)
    except ValueError:
        return False
    return True


def _strict(value: object) -> object:
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    return tuple(map(_strict, value)) if isinstance(value, list | tuple) else value
