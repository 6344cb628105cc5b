"""Values, places and every oddity of the loader."""

from __future__ import annotations

import pytest

from obsc import source
from obsc.codes import CODES
from obsc.diagnostics import Diagnostic, Place, Severity, Sink, render
from obsc.source import Node, Source, at, load, place_of, plain

FILE = "specs/a.yaml"


def loaded(text: str | bytes) -> tuple[Source, list[Diagnostic]]:
    sink = Sink()
    raw = text if isinstance(text, bytes) else text.encode()
    return load(FILE, raw, sink), list(sink)


def data(text: str | bytes) -> list[object]:
    """The documents as plain data; nothing may be found."""
    source_, found = loaded(text)
    assert found == []
    return [plain(document.root) for document in source_.documents]


def tree(text: str) -> Node:
    source_, found = loaded(text)
    assert found == []
    return source_.documents[0].root


def findings(text: str | bytes) -> list[tuple[str, str, int, int]]:
    """Code, severity, line and column of each finding; each is well-formed and inside the file."""
    source_, found = loaded(text)
    for one in found:
        assert one.code in CODES
        assert one.message
        assert one.hint
        assert one.message.isprintable()
        for place in (one.place, *(related.place for related in one.related)):
            assert place.file == FILE
            assert 1 <= place.line <= len(source_.lines)
            assert 1 <= place.column <= len(source_.lines[place.line - 1]) + 1
            assert place.end_line == place.line
            assert place.column < place.end_column
    return [(one.code, one.severity.name.lower(), one.place.line, one.place.column) for one in found]


def underlined(text: str, place: Place) -> str:
    return text.split("\n")[place.line - 1][place.column - 1:place.end_column - 1]


# Values


@pytest.mark.parametrize(("written", "value"), [
    ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None), ("nUll", "nUll"),
    ("true", True), ("True", True), ("TRUE", True), ("false", False), ("tRue", "tRue"),
    ("0", 0), ("8000", 8000), ("-5", -5), ("+5", 5), ("0o644", 420), ("0x1F90", 8080), ("0xfF", 255),
    ("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -2**63),
    ("0.5", 0.5), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("1e-3", 0.001), ("-2.5E+2", -250.0), ("3.0", 3.0), ("1.10", 1.1),
    ("0e12345", 0.0), ("1.e2", 100.0), ("-0", 0),
    ("5m", "5m"), ("1.2.3", "1.2.3"), ("2024-05-01", "2024-05-01"), ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00Z"),
    ("0o8", "0o8"), ("0xG", "0xG"), ("1e", "1e"), ("-", ["-"]), ("--", "--"), (".", "."), ("+", "+"), ("08:30", "08:30"),
    ("a b", "a b"), ("http://h:80/p", "http://h:80/p"), ("99.9%", "99.9%"), ("-foo", "-foo"), ("=", "="),
    ('"8000"', "8000"), ("'true'", "true"), ('""', ""), ('"a\\tb\\n"', "a\tb\n"), ('"\\u00e9\\U0001F600\\/"', "é😀/"),
    ("'yes'", "yes"), ('"0644"', "0644"), ('".inf"', ".inf"), ("❤️", "❤️"),
    ("!!str 8000", "8000"), ("!!str yes", "yes"), ('!!int "8000"', 8000), ("!!float 1", 1.0), ('!!bool "true"', True),
    ("!!null ''", None), ("! 12", "12"), ("!<tag:yaml.org,2002:str> 1", "1"), ("!!str", ""),
    ("[]", []), ("{}", {}), ("[a, 1, {b: [c]}]", ["a", 1, {"b": ["c"]}]), ("[a: b]", [{"a": "b"}]),
    ("{a, b: }", {"a": None, "b": None}),
    ("!!seq [a]", ["a"]), ("!!map {a: b}", {"a": "b"}), ("! [a]", ["a"]),
])
def test_scalars_follow_the_core_schema(written: str, value: object) -> None:
    if value == ["-"]:  # a lone dash is a list with nothing in it, and needs a line of its own
        assert data("k:\n  -\n") == [{"k": [None]}]
        return
    found = data(f"k: {written}\n")
    assert found == [{"k": value}]
    assert isinstance(found[0], dict)
    assert type(found[0]["k"]) is type(value)


def test_blocks_and_folded_text() -> None:
    text = "a: |\n  one\n\n  two\nb: >-\n  one\n  two\nc: |+\n  x\n\nd: 'it''s\n  fine'\ne: one\n  two\n"
    assert data(text) == [{"a": "one\n\ntwo\n", "b": "one two", "c": "x\n\n", "d": "it's fine", "e": "one two"}]


def test_anchors_repeat_values() -> None:
    root = tree("a: &x {b: [1, 2]}\nc: *x\nd: [*x, &y z, *y]\n*y : 1\n")
    assert plain(root) == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}, "d": [{"b": [1, 2]}, "z", "z"], "z": 1}
    alias = at(root, ("c",))
    assert alias is not None
    assert alias.place == Place(FILE, 2, 4, 2, 6)
    assert place_of(root, ("c", "b", 1)) == Place(FILE, 1, 15, 1, 16)


def test_an_anchor_may_be_given_again() -> None:
    assert data("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == [{"a": 1, "b": 1, "c": 2, "d": 2}]


def test_all_documents_are_returned_with_their_number() -> None:
    source_, found = loaded("a: 1\n---\nb: 2\n...\n---\nc: 3\n")
    assert found == []
    assert [(document.file, document.index, plain(document.root)) for document in source_.documents] == [
        (FILE, 0, {"a": 1}), (FILE, 1, {"b": 2}), (FILE, 2, {"c": 3})]


def test_text_and_style_are_kept() -> None:
    root = tree('a: 1.10\nb: "x"\nc: null\nd:\ne: ~\nf: !!null null\ng: "null"\n')
    assert isinstance(root.value, dict)
    assert {key: (node.text, node.plain, node.null_word) for key, node in root.value.items()} == {
        "a": ("1.10", True, False), "b": ("x", False, False), "c": ("null", True, True), "d": ("", True, False),
        "e": ("~", True, True), "f": ("null", True, True), "g": ("null", False, False)}


@pytest.mark.parametrize(("written", "value"), [
    ("[host:8080, 10.0.0.1:9090]", ["host:8080", "10.0.0.1:9090"]), ("[http://h:80/p?a=b:c&d=?]", ["http://h:80/p?a=b:c&d=?"]),
    ("{u: http://h:80, job:up: 1}", {"u": "http://h:80", "job:up": 1}), ("[::1, a::b]", ["::1", "a::b"]),
    ('{"a":b, \'c\':[d], e: f}', {"a": "b", "c": ["d"], "e": "f"}), ("[!!str a:b, ! 8:9]", ["a:b", "8:9"]),
    ("{a: up?, b: ?x}", {"a": "up?", "b": "?x"}), ("{? a : b, c}", {"a": "b", "c": None}),
    ("http://h/?a=b:c?", "http://h/?a=b:c?"), ("'a:b?c'", "a:b?c"), ("[\ue000:\ue001, \uf8ff?x]", ["\ue000:\ue001", "\uf8ff?x"]),
])
def test_colons_and_question_marks_are_text_unless_yaml_1_2_says_otherwise(written: str, value: object) -> None:
    assert data(f"k: {written}\n") == [{"k": value}]


def test_brackets_with_colons_keep_their_columns() -> None:
    root = tree("a: [http://h:80/?x, b]\n")
    assert [(node.place.column, node.place.end_column) for node in (at(root, ("a", 0)), at(root, ("a", 1))) if node] == [
        (5, 19), (21, 22)]


# Places

PLACES = """\
# a comment
top:
  key: value
  "quoted": 'text'   # behind
  list:
    - one
    - {a: b, c: [d, e]}
  block: |
    text
  fold: one
    two
  none:
same:
- x
anchored: &a
  in: 1
tagged: !!str 5
flow: &f {g: h}
items: &i
- j
later: !!str
  k
both: &m !!str "n"
deep: &o |
  p
"""


@pytest.mark.parametrize(("path", "spot", "shown"), [
    (("top",), (3, 3), "key"), (("top", "key"), (3, 8), "value"), (("top", "quoted"), (4, 13), "'text'"),
    (("top", "list"), (6, 5), "-"), (("top", "list", 0), (6, 7), "one"), (("top", "list", 1), (7, 7), "{"),
    (("top", "list", 1, "c"), (7, 17), "["), (("top", "list", 1, "c", 1), (7, 21), "e"), (("top", "block"), (8, 10), "|"),
    (("top", "fold"), (10, 9), "one"), (("top", "none"), (12, 8), ""), (("same",), (14, 1), "-"), (("same", 0), (14, 3), "x"),
    (("anchored",), (16, 3), "in"), (("tagged",), (17, 15), "5"), (("flow",), (18, 10), "{"), (("items",), (20, 1), "-"),
    (("later",), (22, 3), "k"), (("both",), (23, 16), '"n"'), (("deep",), (24, 10), "|"),
])
def test_each_value_has_its_place(path: source.Path, spot: tuple[int, int], shown: str) -> None:
    found = at(tree(PLACES), path)
    assert found is not None
    assert (found.place.line, found.place.column) == spot
    assert underlined(PLACES, found.place) == shown


def test_keys_have_places() -> None:
    root = tree(PLACES)
    inner = at(root, ("top",))
    assert inner is not None
    assert inner.keys is not None
    assert {key: underlined(PLACES, place) for key, place in inner.keys.items()} == {
        "key": "key", "quoted": '"quoted"', "list": "list", "block": "block", "fold": "fold", "none": "none"}
    assert root.place == Place(FILE, 2, 1, 2, 4)


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_other_line_breaks_and_a_byte_order_mark_move_nothing(newline: str, mark: str) -> None:
    source_, found = loaded((mark + PLACES.replace("\n", newline)).encode())
    assert found == []
    assert source_.documents[0].root == tree(PLACES)
    assert source_.lines == tuple(PLACES.split("\n"))


def test_columns_count_characters() -> None:
    assert findings("é😀: yes\n") == [("L012", "warning", 1, 5)]
    assert findings("a:\tyes\n") == [("L012", "warning", 1, 4)]
    assert findings("a: 1\r\rb: yes") == [("L012", "warning", 3, 4)]


def test_place_of_what_is_not_there_is_the_nearest_that_is() -> None:
    root = tree(PLACES)
    assert place_of(root, ("top", "key")).column == 8
    assert place_of(root, ("top", "key"), key=True).column == 3
    assert place_of(root, ("top", "list")) == Place(FILE, 5, 3, 5, 7), "a block is underlined at its key"
    assert place_of(root, ("top", "missing", "deeper")) == Place(FILE, 2, 1, 2, 4)
    assert place_of(root, ("top", "list", 7)) == place_of(root, ("top", "list"))
    assert place_of(root, ("nothing",)) == root.place == place_of(root, ())


def test_at_walks_only_what_is_there() -> None:
    root = tree("a: [b, {c: d}]\n")
    assert at(root, ()) is root
    found = at(root, ("a", 1, "c"))
    assert found is not None
    assert found.value == "d"
    assert [at(root, path) for path in (("a", 2), ("a", -1), ("a", "b"), (0,), ("a", 0, "x"), ("z", "y"))] == [None] * 6


def test_render_writes_paths_as_people_do() -> None:
    assert render(("metrics", "endpoints", 0, "port")) == "metrics.endpoints[0].port"
    assert render(("labels", "app.kubernetes.io/name")) == 'labels."app.kubernetes.io/name"'
    assert render(('a"b', 0, 1)) == '"a\\"b"[0][1]'
    assert render(("a\u202eb", "")) == '"a\\u202eb".""'
    assert render(()) == ""


def test_plain_copies_what_aliases_repeat() -> None:
    found = plain(tree("a: &x [1]\nb: *x\n"))
    assert isinstance(found, dict)
    assert found["a"] == found["b"]
    assert found["a"] is not found["b"]


# Oddities

ODD: dict[str, tuple[str | bytes, list[tuple[str, str, int, int]]]] = {
    "words of YAML 1.1": ("a: yes\nb: [NO, On, off, y, N]\n", [
        ("L012", "warning", 1, 4), *(("L012", "warning", 2, column) for column in (5, 9, 13, 18, 21))]),
    "a key that is such a word": ("on: 1\n", [("L012", "warning", 1, 1)]),
    "base 60": ("a: 1:30\nb: 12:30:45\nc: 1:30.5\n", [("L012", "warning", line, 4) for line in (1, 2, 3)]),
    "numbers of YAML 1.1": ("a: 1_000\nb: 0b101\nc: -0x1F\nd: 1_0.5\n", [("L012", "warning", line, 4) for line in (1, 2, 3, 4)]),
    "leading zeros": ("a: 0644\nb: -017\nc: 08080\nd: 00\n", [("L013", "error", line, 4) for line in (1, 2, 3, 4)]),
    "a key with a leading zero": ("0644: a\n", [("L013", "error", 1, 1)]),
    "no numbers": ("a: .inf\nb: -.INF\nc: .NaN\n", [("L014", "error", line, 4) for line in (1, 2, 3)]),
    "beyond 64 bits": ("a: 9223372036854775808\nb: -9223372036854775809\nc: 0x8000000000000000\n",
                       [("L014", "error", line, 4) for line in (1, 2, 3)]),
    "very long numbers": (f"a: {'1' * 9999}\nb: {'1' * 9999}.5\n", [("L014", "error", 1, 4), ("L014", "error", 2, 4)]),
    "commits that look like floats": ("a: 12e4567\nb: 1e-9999\n", [("L014", "error", 1, 4), ("L014", "error", 2, 4)]),
    "duplicate keys": ("a: 1\nb: {c: 1, c: 2}\n'a': 2\na: 3\n",
                       [("L007", "error", 2, 11), ("L007", "error", 3, 1), ("L007", "error", 4, 1)]),
    "keys that are no text": ("8000: a\ntrue: b\n~: c\n1.5: d\n? [e]\n: f\n? {g: h}\n: i\n? \n: j\n!!int 3: k\n", [
        ("L008", "error", 1, 1), ("L008", "error", 2, 1), ("L008", "error", 3, 1), ("L008", "error", 4, 1),
        ("L008", "error", 5, 3), ("L008", "error", 7, 3), ("L008", "error", 9, 2), ("L008", "error", 11, 7)]),
    "a merge key": ("a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n", [("L011", "error", 3, 3)]),
    "an alias without anchor": ("a: *nope\n", [("L009", "error", 1, 4)]),
    "an anchor of another document": ("a: &x 1\n---\nb: *x\n", [("L009", "error", 3, 4)]),
    "a cycle": ("a: &x\n  b: *x\n", [("L009", "error", 2, 6)]),
    "a cycle below an older anchor": ("a: &x 1\nb: &x [*x]\n", [("L009", "error", 2, 8)]),
    "a tab as indentation": ("a:\n\tb: 1\n", [("L010", "error", 2, 1)]),
    "a tab behind text": ("a: b\n\tc: d\n", [("L010", "error", 2, 1)]),
    "a tab in a block": ("a: |\n\tx\n", [("L010", "error", 2, 1)]),
    "a raw NUL": ("a: x\0y\nb: yes\n", [("L004", "error", 1, 5), ("L012", "warning", 2, 4)]),
    "raw controls": ("a: \x07\n# \x1b[31m\nb: \x85 \x7f\n", [("L004", "error", 1, 4), ("L004", "error", 2, 3),
                                                          ("L004", "error", 3, 4), ("L004", "error", 3, 6)]),
    "separators that some take for line breaks": ("a: b\u2028c\nd: e\u2029f\n", [
        ("L004", "error", 1, 5), ("L004", "error", 2, 5)]),
    "noncharacters": ("a: \ufdd0\nb: \ufffe\nc: \U0010ffff\n", [("L004", "error", line, 4) for line in (1, 2, 3)]),
    "escaped controls": ('a: "x\\0 \\x07\\\\x07\n  \\r"\nb: "\\u2028\\N\\e"\n', [
        ("L004", "error", 1, 6), ("L004", "error", 1, 9), ("L004", "error", 2, 3),
        ("L004", "error", 3, 5), ("L004", "error", 3, 11), ("L004", "error", 3, 13)]),
    "half of a surrogate pair": ('a: "\\ud800"\n', [("L004", "error", 1, 5)]),
    "a surrogate in bytes": (b"a: \xed\xa0\x80\n", [("L003", "error", 1, 4)]),
    "direction and zero width": ("a: x\u202ey\nk\u200bey: 1\n# \u2066\nb: \u00ad\n", [
        ("L005", "error", 1, 5), ("L005", "error", 2, 2), ("L005", "error", 3, 3), ("L005", "error", 4, 4)]),
    "hidden tags": ("a: x\U000e0041\nb: \u3164\nc: \ufe00\n", [
        ("L005", "error", 1, 5), ("L005", "error", 2, 4), ("L005", "error", 3, 4)]),
    "escaped direction": ('a: "\\u202e"\n"\\u200b": 1\n', [("L005", "error", 1, 5), ("L005", "error", 2, 2)]),
    "a byte order mark inside": ("a: 1\n---\n\ufeffb: 2\n", [("L005", "error", 3, 1)]),
    "two byte order marks": ("\ufeff\ufeffa: 1\n", [("L005", "error", 1, 1)]),
    "Windows-1252": (b"a: 1\nb: Ren\xe9e\n", [("L003", "error", 2, 7)]),
    "UTF-16 with mark": ("a: 1\n".encode("utf-16"), [("L003", "error", 1, 1)]),
    "UTF-16 little without mark": ("a: 1\n".encode("utf-16-le"), [("L003", "error", 1, 1)]),
    "UTF-16 big without mark": ("a: 1\n".encode("utf-16-be"), [("L003", "error", 1, 1)]),
    "UTF-32 with mark": ("a: 1\n".encode("utf-32"), [("L003", "error", 1, 1)]),
    "UTF-32 without mark": ("a: 1\n".encode("utf-32-be"), [("L003", "error", 1, 1)]),
    "half a UTF-16 character": (b"\xff\xfea", [("L003", "error", 1, 1)]),
    "no-break space as indentation": ("a:\n\u00a0\u00a0b: 1\n", [("L020", "error", 2, 1)]),
    "no-break space behind a colon": ("x: 1\na:\u00a0b\n", [("L020", "error", 2, 3)]),
    "a wide space around a value": ("a: \u3000b\nc: d\u00a0\n", [("L020", "warning", 1, 4), ("L020", "warning", 2, 4)]),
    "typographic quotes": ("a: \u201cchat\u201d\nb: \u2018x\u2019\nc: it\u2019s\n", [
        ("L017", "warning", 1, 4), ("L017", "warning", 2, 4)]),
    "an empty file": ("", [("L002", "error", 1, 1)]),
    "only a comment": ("# x\n", [("L002", "error", 1, 1)]),
    "only a mark": ("\ufeff", [("L002", "error", 1, 1)]),
    "only separators": ("---\n---\n...\n", [("L002", "error", 1, 1)]),
    "only null": ("~\n", [("L002", "error", 1, 1)]),
    "separators at both ends": ("---\n---\na: 1\n---\n# end\n", []),
    "nothing between": ("a: 1\n---\n---\nb: 1\n", [("L021", "warning", 2, 1)]),
    "a list at the top": ("- a\n", [("L006", "error", 1, 1)]),
    "a text at the top": ("# x\n\njust text\n", [("L006", "error", 3, 1)]),
    "YAML 1.1": ("# x\n%YAML 1.1\n---\na: 1\n", [("L015", "warning", 2, 1)]),
    "YAML 1.2": ("%YAML 1.2\n---\na: 1\n", []),
    "YAML 2.0": ("%YAML 2.0\n---\na: 1\n", [("L015", "error", 1, 1)]),
    "%TAG": ("%YAML 1.2\n%TAG !e! tag:x,2000:\n---\na: 1\n", [("L016", "error", 2, 1)]),
    "other tags": ("a: !x 1\nb: &y !!binary aa\nc: !!set {d}\ne: !<x:y>\n  z\n", [
        ("L016", "error", 1, 4), ("L016", "error", 2, 7), ("L016", "error", 3, 4), ("L016", "error", 4, 4)]),
    "tags that do not fit": ("a: !!int x\nb: !!map [c]\nd: !!seq x\ne: !!bool yes\n", [
        ("L016", "error", line, 4) for line in (1, 2, 3, 4)]),
    "a tag that is no text": ("a: !%ED%A0%80 x\n---\nb: 1\n", [("L016", "error", 1, 2)]),
    "an unknown tag handle": ("a: !e!x y\n", [("L016", "error", 1, 4)]),
}


@pytest.mark.parametrize("name", ODD)
def test_oddity(name: str) -> None:
    text, expected = ODD[name]
    assert findings(text) == expected


SYNTAX = {
    "a: [1, 2\nb: 3\n": (2, 2), "a: [1\n": (1, 4), "a: [": (1, 4), "a: {": (1, 4), "a: [b": (1, 4),
    "a: {b: [c\n...\n": (1, 8), "a: ['b\n": (1, 5), "a: {b: c\n": (1, 4), "a: 'x\nb: 1\n": (1, 4), 'a: "x': (1, 4),
    "a: b: c\n": (1, 5), "a:\n  b: 1\n c: 2\n": (3, 2), "a: 'b' c\n": (1, 8), "a: 1\nfoo\nb: 2\n": (2, 1),
    "- a\nb: 1\n": (2, 1), "a: 1\n]\n": (2, 1), "a: @x\n": (1, 4), "a: `x`\n": (1, 4), "a: [%b]\n": (1, 5), "a: }\n": (1, 4),
    'a: "\\q"\n': (1, 5), 'a: "\\xZZ"\n': (1, 5), "a: |0\n x\n": (1, 5), "a: *\n": (1, 5), "{a: b}\nfoo: x\n": (2, 1),
    "a: b\n...\nc: d\n": (3, 1), "a: - b\n": (1, 4), "a: ? b\n": (1, 4), "a: | x\n": (1, 6),
}


@pytest.mark.parametrize("text", SYNTAX)
def test_syntax_errors_are_one_sentence_at_the_line_to_change(text: str) -> None:
    assert findings(text) == [("L010", "error", *SYNTAX[text])]


@pytest.mark.parametrize(("text", "hint"), [
    ("a:\n\tb: 1\n", "indent with spaces"), (" \n\t\n", "delete the tab"), ("a: @x\n", "put the text in quotes"),
    ("a: 'x\n", "close the quote"), ("a: [1\n", "close the bracket, or put the text in quotes"),
    ("a: \u201cb: c\u201d\n", "typographic quotes do not quote: use straight ones"),
])
def test_syntax_errors_say_what_to_do(text: str, hint: str) -> None:
    assert [one.hint for one in loaded(text)[1]] == [hint]


def test_a_second_place_explains_the_first() -> None:
    (found,) = loaded("a: 1\nb: 2\na: 3\n")[1]
    assert [(related.place.line, related.message) for related in found.related] == [(1, "first here")]
    (found,) = loaded("a: [1, 2\nb: 3\n")[1]
    assert [(related.place.line, related.place.column) for related in found.related] == [(1, 4)]


@pytest.mark.parametrize("broken", [
    "x: [", "x: 'y", "x: @", "x: 1\nfoo", "--- @", "x: !%ED%A0%80 y", "x:\n\ty: 1", "- a\nb: 1"])
def test_a_syntax_error_ends_its_document_only(broken: str) -> None:
    source_, found = loaded(f"a: 1\n---\n{broken}\n---\nb: yes\n--- {{c: 3}}\n")
    assert [plain(document.root) for document in source_.documents] == [{"a": 1}, {"b": "yes"}, {"c": 3}]
    rows = broken.count("\n")
    errors = [one.place.line for one in found if one.severity is Severity.ERROR]
    assert len(errors) == 1
    assert errors[0] in range(3, 4 + rows)
    assert ("L012", 5 + rows) in [(one.code, one.place.line) for one in found], "the document behind it is read, at its lines"


def test_other_documents_are_kept_beside_one_that_is_no_mapping() -> None:
    source_, found = loaded("- a\n---\nb: 1\n")
    assert [plain(document.root) for document in source_.documents] == [{"b": 1}]
    assert [one.code for one in found] == ["L006"]


def test_messages_quote_nothing_unprintable_and_nothing_long() -> None:
    text = '"\\x1b[31m\\u202e": 1\n' * 2 + f"{'k' * 5000}: 1\n" * 2 + f"a: *{'n' * 5000}\nb: !{'t' * 5000} c\n"
    found = loaded(text)[1]
    assert len(found) >= 6
    assert all(one.message.isprintable() and len(one.message) < 200 for one in found)


def test_an_integer_that_is_out_of_range_is_not_printed() -> None:
    (found,) = loaded("a: 123456789012345678901234567890\n")[1]
    assert "123456" not in found.message + found.hint
