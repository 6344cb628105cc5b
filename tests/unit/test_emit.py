"""Plain data → text: how each kind of value is spelled, what is refused, and that nothing is read as something else."""

from __future__ import annotations

import json
from collections import OrderedDict
from enum import StrEnum
from typing import NamedTuple

import pytest
import yaml

from obsc.emit import Artifact, encode, to_json, to_yaml


def spelled(value: object) -> str:
    """How a value stands behind a key."""
    return to_yaml({"k": value}).removeprefix("k: ").removesuffix("\n")


def test_a_document() -> None:
    data = {"apiVersion": "v1", "metadata": {"name": "chat", "labels": {"app.kubernetes.io/name": "chat"}},
            "data": {"rules.yaml": "groups:\n  - name: a\n\n  - name: b\n"},
            "spec": {"ports": [{"name": "http", "port": 8000}, {"port": 9000, "tls": None}], "args": ["--a", ["b", []], {}],
                     "on": True}}
    assert to_yaml(data) == """\
apiVersion: v1
metadata:
  name: chat
  labels:
    app.kubernetes.io/name: chat
data:
  rules.yaml: |
    groups:
      - name: a

      - name: b
spec:
  ports:
    - name: http
      port: 8000
    - port: 9000
      tls: null
  args:
    - "--a"
    - - b
      - []
    - {}
  "on": true
"""


def test_keys_keep_their_order() -> None:
    assert to_yaml({"b": 1, "a": 2}) == "b: 1\na: 2\n"
    assert to_json({"b": 1, "a": 2}) == '{\n "b": 1,\n "a": 2\n}\n'


@pytest.mark.parametrize(("data", "text"), [
    ({}, "{}\n"), ([], "[]\n"), ((), "[]\n"), ("", '""\n'), (None, "null\n"), (1, "1\n"), ("a", "a\n"), ("a\nb", '"a\\nb"\n'),
    ([1, [2]], "- 1\n- - 2\n"), ((1,), "- 1\n"), ([{"a": 1, "b": [2]}], "- a: 1\n  b:\n    - 2\n"),
    ([["a\nb", {"c": "d\ne\n"}]], "- - |-\n    a\n    b\n  - c: |\n      d\n      e\n"),
])
def test_what_may_stand_alone(data: object, text: str) -> None:
    assert to_yaml(data) == text


@pytest.mark.parametrize("text", [
    "a", "vllm", "app.kubernetes.io/name", "/metrics", "_x", "a b", "of x", "_", "node-1", "http", "sum by (le)", "A-1.2/b_c*d+e$f",
    "nothing", "yesterday", "None", "NaN", "inf", "e3", "truely", "a -", "x = y, z;",
])
def test_strings_that_need_no_quotes(text: str) -> None:
    assert spelled(text) == text


@pytest.mark.parametrize("text", [
    # Words
    "", "y", "Y", "n", "N", "yes", "Yes", "YES", "no", "NO", "on", "On", "off", "OFF", "true", "True", "false", "FALSE", "null", "Null",
    "NULL", "~", "=", "<<", "yEs", "nuLL",
    # Numbers, dates and times of one version or the other
    "0", "1", "-1", "+1", "1.0", "1.", ".5", "-.5", "+.5", "1e3", "1E3", "12e45", "1234567e8", "1e", "0e0", "0o17", "017", "0b1", "0x1F",
    "0xg", "1_000", "1:30", "190:20:30", "1:30.5", "2024-01-01", "2024-01-01T00:00:00Z", "2024-1-1 0:0:0", ".inf", "-.inf", "+.Inf",
    ".nan", ".NaN", "1,000", "1a", "9f86d08", "00e1", "1.10", "3.11.4", "10.0.0.1", "5m", "0.5", "-", "--", "---", "...", "- a", "-a",
    "1e1000", "٣", "³",
    # Indicators
    " a", "a ", "a  b", "a: b", "a:", ":", "::1", "a:b", "a #b", "a#b", "#a", "? a", "?", "%a", "@a", "`a`", "!a", "&a", "*a", "|", ">",
    ">-", "[a]", "{a}", "a]", "]", "a, b", ",", '"a"', "'a'", "it's", "\\", "{{ a }}", "$a", "(a)", "a > b",
    # Characters
    "é", "日本", "😀", "a\tb", "a\r\nb", "a\n", "\n", "\0", "\x1b[31m", "\x7f", "\x85", "\xa0", "\xad", "\u061c", "\u200b", "\u200e",
    "\u2028", "\u2029", "\u202e", "\u2066", "\ufeff", "\ufeffa", "\ufffe", "\uffff", "\U000e0001", "\U0010ffff",
])
def test_strings_that_need_quotes(text: str) -> None:
    assert spelled(text).startswith('"')
    assert yaml.safe_load(to_yaml({text: [text]})) == {text: [text]}


@pytest.mark.parametrize("char", ["\0", "\x1b", "\x7f", "\x85", "\xa0", "\xad", "\u061c", "\u200b", "\u2028", "\u2029", "\u202e", "\u2066",
                                  "\ufeff", "\ufffe", "\U000e0041"])
def test_nothing_unseen_is_written_raw(char: str) -> None:
    assert char not in to_yaml({char: [char, f"a\n{char}b\n"]}, f"a{char}b")
    assert char not in to_json({char: char})
    assert json.loads(to_json({char: char})) == {char: char}


@pytest.mark.parametrize(("text", "shown"), [
    ('a"b\\c', '"a\\"b\\\\c"'), ("\0\t\r", '"\\0\\t\\r"'), ("\x01\x1b", '"\\x01\\x1b"'), ("\u2028", '"\\u2028"'),
    ("\U000e0041", '"\\U000e0041"'), ("a/b c:d", '"a/b c:d"'), ("ü", '"ü"'),
])
def test_escapes(text: str, shown: str) -> None:
    assert spelled(text) == shown


@pytest.mark.parametrize(("value", "shown"), [
    (0, "0"), (-7, "-7"), (2**64, "18446744073709551616"), (10**30, "1" + "0" * 30), (True, "true"), (False, "false"), (None, "null"),
    (1.0, "1.0"), (0.1, "0.1"), (-0.0, "-0.0"), (1e16, "1.0e+16"), (1.5e16, "1.5e+16"), (1e-5, "1.0e-05"), (1e22, "1.0e+22"),
    (5e-324, "5.0e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"), (123456789.125, "123456789.125"),
])
def test_numbers_and_words(value: object, shown: str) -> None:
    assert spelled(value) == shown


@pytest.mark.parametrize(("text", "shown"), [
    ("a\nb", "|-\n  a\n  b"), ("a\nb\n", "|\n  a\n  b"), ("a\n\nb", "|-\n  a\n\n  b"), ("a\n  b\n c", "|-\n  a\n    b\n   c"),
    ("# a\n---\n...\n- b: c", "|-\n  # a\n  ---\n  ...\n  - b: c"), ("é\n😀\n", "|\n  é\n  😀"),
])
def test_several_lines_are_a_literal_block(text: str, shown: str) -> None:
    assert spelled(text) == shown


@pytest.mark.parametrize("text", [
    "a\n", "\n", "\n\n", "\na\nb", " a\nb", "a \nb", "a\nb ", "a\n \nb", "a\nb\n\n", "a\n\tb", "a\r\nb", "a\nb\x85", "a\u2028b\nc", "a\n\ufeffb",
])
def test_what_a_literal_block_would_lose_is_quoted(text: str) -> None:
    assert spelled(text).startswith('"')
    assert yaml.safe_load(to_yaml({"k": text})) == {"k": text}


def test_long_strings_are_not_folded() -> None:
    for text in ("word " * 2000 + "end", "é " * 5000 + "end"):
        assert len(to_yaml({"k": text}).splitlines()) == 1


def test_long_keys_take_the_explicit_form() -> None:
    for key in ("k" * 1001, "é" * 2000, '"' * 600):
        data = {"a": [{key: {"b": 1}}, {key: "c\nd", "e": [key]}], key: [1]}
        assert "? " in to_yaml(data)
        assert yaml.safe_load(to_yaml(data)) == data


def test_a_header_is_a_comment_whatever_it_holds() -> None:
    header = "first\n\nthird: [\x85fourth\u2028fifth\rsixth \x00\ufeff\n--- end"
    text = to_yaml({"a": 1}, header)
    assert text == "# first\n#\n# third: [\n# fourth\n# fifth\n# sixth \\0\\ufeff\n# --- end\na: 1\n"
    assert yaml.safe_load(text) == {"a": 1}


class _Word(StrEnum):
    ONE = "one"


class _Pair(NamedTuple):
    one: int


class _Float(float):
    pass


@pytest.mark.parametrize("bad", [
    object(), {1}, b"a", _Word.ONE, _Pair(1), _Float(1), OrderedDict(a=1), {1: 2}, {None: 1}, {True: 1}, {_Word.ONE: 1}, 1j, iter([]),
], ids=lambda bad: type(bad).__name__)
def test_what_is_no_plain_data_is_refused(bad: object) -> None:
    for data in (bad, [bad], {"a": ({"b": bad},)}):
        with pytest.raises(TypeError):
            to_yaml(data)
        with pytest.raises(TypeError):
            to_json(data)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), "\ud800", "a\udfffb", {"\ud83d": 1}], ids=ascii)
def test_what_has_no_spelling_is_refused(bad: object) -> None:
    for data in (bad, [bad], {"a": ({"b": bad},)}):
        with pytest.raises(ValueError, match=r"finite|surrogates"):
            to_yaml(data)
        with pytest.raises(ValueError, match=r"finite|surrogates"):
            to_json(data)


def test_data_that_contains_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append({"a": loop})
    for spell in (to_yaml, to_json):
        with pytest.raises(ValueError, match="contains itself"):
            spell(loop)


def test_data_that_occurs_twice_is_written_twice() -> None:
    shared = {"a": [1]}
    assert to_yaml([shared, shared]) == "- a:\n    - 1\n- a:\n    - 1\n"


@pytest.mark.parametrize(("artifact", "raw"), [
    (Artifact("a.yaml", {"a": "é"}, header="made"), '# made\na: "é"\n'.encode()),
    (Artifact("a.json", ["é😀\u2028\x7f\x00"], "json"), '[\n "é😀\\u2028\\u007f\\u0000"\n]\n'.encode()),
    (Artifact("a.json", ["\\\u2028\U000e0041"], "json"), b'[\n "\\\\\\u2028\\udb40\\udc41"\n]\n'),
    (Artifact("a.md", "a\r\nb\rc\n\n\n", "text"), b"a\nb\nc\n"),
    (Artifact("a.md", "", "text"), b"\n"),
])
def test_bytes(artifact: Artifact, raw: bytes) -> None:
    assert encode(artifact) == raw


def test_text_is_text() -> None:
    with pytest.raises(TypeError):
        encode(Artifact("a.md", ["a"], "text"))
    with pytest.raises(UnicodeEncodeError):
        encode(Artifact("a.md", "\ud800", "text"))
