"""Properties of the writer: readers of YAML 1.1, of YAML 1.2 and of JSON all read back what was written."""

from __future__ import annotations

import json
from functools import lru_cache

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from obsc.emit import Artifact, encode, to_json, to_yaml

TRICKY = st.sampled_from([
    "", " ", "y", "N", "yes", "No", "on", "OFF", "true", "~", "null", "=", "<<", "1e3", "12e45", "1234567e8", "0o17", "017", "0x1F", "0b11",
    "1_000", "_1", "+1", "-1", ".5", "5.", "1:30", "190:20:30.15", "2024-01-01", "2001-12-14t21:59:43.10-05:00", ".inf", "-.INF", ".nan",
    "-", "- a", "--- a", "---", "...", "?", "? a", ": a", "a: b", "a:", "a #b", "#", "%YAML 1.1", "@a", "`a", "!!int 1", "&a", "*a", "|", ">+",
    "[", "]", "{", "}", ",", "'", '"', "\\", "\\n", "\\x41", "a\nb", "a\nb\n", "a\n\nb\n\n", "\na\nb", " a\nb", "a \nb\n", "a\n b", "a\n\tb",
    "a\n---\nb\n", "a\n#b\n", "\n", "\r", "a\r\nb\n", "\t", "\x85", "a\x85b\nc\n", "\u2028", "a\n\u2029b\n", "\ufeff", "a\n\ufeffb\n", "\x00",
    "\x7f", "\x1b", "\ufffe", "\uffff", "😀", "a\n😀\n", "k" * 1200, "ü" * 1020, "a b " * 300, "{{ $labels.x }}", "${A}", "e1", "E", "Infinity"])
PIECES = st.lists(st.sampled_from([
    "a", "b c", " ", "  ", "\n", "\n\n", "- ", ": ", "#", "'", '"', "\\", "\t", "\r", "1", "0x", "e", "+", ".", "_", "0", "-", ":", "y", "[",
    "\x85", "\xa0", "\u2028", "\ufeff", "é", "😀"]), max_size=8).map("".join)
TEXT = TRICKY | PIECES | st.text(st.characters(codec="utf-8"), max_size=20)
SCALAR = (st.none() | st.booleans() | st.integers() | st.integers(-10**40, 10**40) | st.floats(allow_nan=False, allow_infinity=False)
          | st.sampled_from([-0.0, 1e16, 1e-5, 1e22, 5e-324, 1.7976931348623157e308, 2.0**53]) | TEXT)
DATA = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12)


class _Loader(yaml.SafeLoader):
    """PyYAML with the one type of YAML 1.1 that it resolves but cannot construct."""


def _text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:value", _text)


@lru_cache(maxsize=1)
def _modern() -> YAML:
    return YAML(typ="safe", pure=True)


def exact(data: object) -> str:
    """Data as text that tells 1 from 1.0 and True, and -0.0 from 0.0."""
    if isinstance(data, dict):
        return "{" + ", ".join(f"{key!r}: {exact(value)}" for key, value in data.items()) + "}"
    if isinstance(data, list | tuple):
        return "[" + ", ".join(map(exact, data)) + "]"
    return repr(data)


def test_the_readers_are_of_different_versions() -> None:
    assert yaml.load("[yes, 0o17, 1e3]", _Loader) == [True, "0o17", "1e3"]
    assert _modern().load("[yes, 0o17, 1e3]") == ["yes", 15, 1000.0]


@settings(max_examples=1200, deadline=None)
@given(DATA)
def test_two_readers_of_yaml_read_what_was_written(data: object) -> None:
    text = to_yaml(data)
    old, new = yaml.load(text, _Loader), _modern().load(text)
    assert exact(old) == exact(data)
    assert exact(new) == exact(data)
    assert to_yaml(old) == text


@settings(max_examples=800, deadline=None)
@given(st.dictionaries(TEXT, st.lists(TEXT, max_size=3), max_size=4), st.text(st.characters(codec="utf-8"), max_size=20))
def test_keys_and_texts_survive_below_any_header(data: dict[str, list[str]], header: str) -> None:
    text = to_yaml(data, header)
    assert exact(yaml.load(text, _Loader)) == exact(data)
    assert exact(_modern().load(text)) == exact(data)


@settings(max_examples=1000, deadline=None)
@given(DATA)
def test_json_is_read_as_what_was_written(data: object) -> None:
    text = to_json(data)
    read = json.loads(text)
    assert exact(read) == exact(data)
    assert to_json(read) == text
    assert not any(char in text for char in "\x7f\x85\u2028\u2029\ufeff")


@settings(max_examples=500, deadline=None)
@given(DATA)
def test_files_are_utf8_with_one_newline_at_the_end_and_the_same_each_time(data: object) -> None:
    for artifact in (Artifact("a", data, "yaml", "a header"), Artifact("a", data, "json")):
        raw = encode(artifact)
        assert raw == encode(artifact)
        assert raw.decode("utf-8").endswith("\n")
        assert not raw.endswith(b"\n\n")
        assert b"\r" not in raw
        assert not any(line.endswith(b" ") for line in raw.split(b"\n"))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40).filter(lambda text: text.isascii() or text.encode("utf-8", "ignore").decode() == text))
def test_text_is_settled_after_one_pass(text: str) -> None:
    raw = encode(Artifact("a", text, "text"))
    assert encode(Artifact("a", raw.decode(), "text")) == raw
