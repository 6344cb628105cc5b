"""The language's rules of merging, each with the layer below, the layer above, and what comes out."""

from __future__ import annotations

import pytest

from obsc.diagnostics import Sink
from obsc.merge import merge, present, without_nulls
from obsc.source import Node, load, plain

TABLE = {
    "maps merge": ("a: 1\nb: {c: 2}", "b: {d: 3}", {"a": 1, "b": {"c": 2, "d": 3}}),
    "scalars replace": ("a: 1", "a: 2", {"a": 2}),
    "a scalar replaces a map": ("a: {b: 1}", "a: 2", {"a": 2}),
    "lists of scalars replace": ("paths: [/x, /y]", "paths: [/z]", {"paths": ["/z"]}),
    "named items merge by name": ("endpoints: [{name: a, port: 1}, {name: b, port: 2}]", "endpoints: [{name: b, path: /x}, {name: c}]",
                                  {"endpoints": [{"name": "a", "port": 1}, {"name": "b", "port": 2, "path": "/x"}, {"name": "c"}]}),
    "an item without a name is default": ("endpoints: [{port: 1}]", "endpoints: [{name: default, path: /x}]",
                                          {"endpoints": [{"port": 1, "name": "default", "path": "/x"}]}),
    "an empty list empties": ("endpoints: [{port: 1}]", "endpoints: []", {"endpoints": []}),
    "an empty map changes nothing": ("workload: {kind: X}", "workload: {}", {"workload": {"kind": "X"}}),
    "null removes": ("a: 1\nb: 2", "a: null", {"b": 2}),
    "null removes below": ("a: {b: 1, c: 2}", "a: {b: ~}", {"a": {"c": 2}}),
    "null of nothing is nothing": ("a: 1", "b: null", {"a": 1}),
    "a selector is atomic": ("workload: {selector: {a: x, b: y}}", "workload: {selector: {a: z}}", {"workload": {"selector": {"a": "z"}}}),
    "a Service's selector is atomic": ("metrics: {serviceSelector: {a: x}}", "metrics: {serviceSelector: {b: y}}",
                                       {"metrics": {"serviceSelector": {"b": "y"}}}),
    "another runtime replaces the whole": ("runtime: {name: a, version: '1', options: {x: 1}}", "runtime: {name: b}", {"runtime": {"name": "b"}}),
    "the same runtime merges": ("runtime: {name: a, version: '1'}", "runtime: {name: a, options: {x: 1}}",
                                {"runtime": {"name": "a", "version": "1", "options": {"x": 1}}}),
    "a runtime without a name merges": ("runtime: {name: a, version: '1'}", "runtime: {version: '2'}", {"runtime": {"name": "a", "version": "2"}}),
    "masks are united": ("logs: {redact: [email]}", "logs: {redact: [ip, email]}", {"logs": {"redact": ["email", "ip"]}}),
    "dropped keys are united": ("logs: {dropFields: [a]}", "logs: {dropFields: [b]}", {"logs": {"dropFields": ["a", "b"]}}),
    "null removes no mask": ("logs: {redact: [ip], format: json}", "logs: {redact: null}", {"logs": {"redact": ["ip"], "format": "json"}}),
    "null removes a block, but no mask of it": ("logs: {redact: [ip], dropFields: [a], format: json}", "logs: null",
                                                {"logs": {"redact": ["ip"], "dropFields": ["a"]}}),
    "null removes a block without masks": ("logs: {format: json}\na: 1", "logs: null", {"a": 1}),
    "an empty selector changes nothing": ("workload: {selector: {a: x}}", "workload: {selector: {}}", {"workload": {"selector": {"a": "x"}}}),
    "a selector cannot be emptied": ("workload: {selector: {a: x}}", "workload: {selector: {a: null}}",
                                     {"workload": {"selector": {"a": "x"}}}),
    "an empty selector alone is none": ("workload: {kind: X}", "workload: {selector: {}}", {"workload": {"kind": "X"}}),
    "a platform's layers replace a runtime too": ("defaults: {runtime: {name: a, version: '1'}}", "defaults: {runtime: {name: b}}",
                                                  {"defaults": {"runtime": {"name": "b"}}}),
    "masks of traces are united": ("traces: {redact: [ip]}", "traces: {redact: [email]}", {"traces": {"redact": ["ip", "email"]}}),
}


def tree(text: str) -> Node:
    sink = Sink()
    found = load("x.yaml", text.encode(), sink).documents[0].root
    assert not sink.failed
    return found


@pytest.mark.parametrize("name", TABLE)
def test_a_layer_on_top_of_another(name: str) -> None:
    below, above, expected = TABLE[name]
    merged = merge(tree(below), tree(above))
    assert merged is not None
    assert plain(merged) == expected


def test_every_value_keeps_the_place_where_it_was_written() -> None:
    below, above = tree("a: 1\nb: {c: 2}"), tree("b:\n  d: 3")
    merged = merge(below, above)
    assert merged is not None
    assert isinstance(merged.value, dict)
    inner = merged.value["b"].value
    assert isinstance(inner, dict)
    assert merged.value["a"].place.line == 1
    assert (inner["c"].place.line, inner["d"].place.line) == (2, 2)
    assert inner["c"].place.column == 8


def test_merging_changes_neither_layer() -> None:
    below, above = tree("endpoints: [{name: a, port: 1}]"), tree("endpoints: [{name: a, port: 2}]")
    merge(below, above)
    assert plain(below) == {"endpoints": [{"name": "a", "port": 1}]}
    assert plain(above) == {"endpoints": [{"name": "a", "port": 2}]}


def test_a_tree_alone_loses_its_nulls() -> None:
    found = without_nulls(tree("a: null\nb: {c: null, d: 1}"))
    assert found is not None
    assert plain(found) == {"b": {"d": 1}}


def test_an_item_that_is_switched_off_is_not_there() -> None:
    merged = merge(tree("endpoints: [{name: a}, {name: b}]"), tree("endpoints: [{name: a, enabled: false}]"))
    assert merged is not None
    assert plain(present(merged)) == {"endpoints": [{"name": "b"}]}


def test_only_named_items_can_be_switched_off() -> None:
    text = "alerts: {rules: {ServiceDown: {enabled: false}}}\nlogs: {enabled: false}"
    assert plain(present(tree(text))) == plain(tree(text))
