"""Properties of the loader: it agrees with another reader, and no input makes it raise or point outside the file."""

from __future__ import annotations

import io
import re
import unicodedata

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from obsc.diagnostics import Diagnostic, Severity, Sink
from obsc.source import Node, Source, load, plain

# Letters, marks, numbers, punctuation, symbols, plain spaces and line breaks: what a spec may hold in any script.
UNWANTED = {char for char in map(chr, range(0x110000)) if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}}
WANTED = {"\n", " "}
IGNORABLE = [(0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164), (0xFE00, 0xFE0D),
             (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF), (0xFDD0, 0xFDEF),
             *((code, code + 1) for code in range(0xFFFE, 0x110000, 0x10000))]
CLEAN = st.characters(codec="utf-8", exclude_characters=sorted((UNWANTED - WANTED) | {
    chr(code) for first, last in IGNORABLE for code in range(first, last + 1)} - {chr(c) for c in range(0xD800, 0xE000)}))
TRICKY = st.sampled_from([
    "yes", "no", "on", "Off", "y", "N", "null", "~", "", "true", "0644", "0o7", "1_000", "1:30", "12:30:45", "0x1F", "1e3",
    ".inf", ".nan", "-", "- a", "a: b", "a #b", "#", "<<", "=", "!x", "&x", "*x", "[", "{", "%x", "@x", "`x`", "'", '"', "|", ">",
    "?", ": ", "---", "...", "host:8080", "http://h/?q=1", "::1",
    "2024-05-01", "1.10", " a", "a ", "\n", "a\n", "\n a\n", "a\n\n b", "\\", "99.9%", "12e4567"])
TEXT = st.text(CLEAN, max_size=30) | TRICKY
SCALAR = st.none() | st.booleans() | st.integers(-2**63, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
DATA = st.dictionaries(TEXT, st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=15), max_size=5)
FRAGMENT = st.text(st.sampled_from("ab:-[]{}#,'\"|>&*!?% \n\n\t01.~\\@`\r") | st.characters(), max_size=60)
PIECES = st.lists(st.sampled_from([
    "a:", "b: ", "- ", "  ", "\n", "\n  ", "\n    ", "x", "'y'", '"z"', "[", "]", "{", "}", ", ", ": ", "&a ", "*a", "!!str ",
    "h:80", "u?v", "|\n  t\n", ">\n  f\n", "# c\n",
    "---\n", "...\n", "? ", "~", "1", "0x1", "\t", "\u00a0", "\ufeff", "%YAML 1.1\n", "<<: ", "é",
    "😀"]), max_size=30)
NASTY = FRAGMENT | PIECES.map("".join)


def loaded(raw: bytes) -> tuple[Source, list[Diagnostic]]:
    sink = Sink()
    return load("f.yaml", raw, sink), list(sink)


def checked(raw: bytes) -> tuple[Source, list[Diagnostic]]:
    """Load, and see that each place is inside the file."""
    source, found = loaded(raw)
    places = [place for one in found for place in (one.place, *(related.place for related in one.related))]
    todo = [document.root for document in source.documents]
    while todo:
        node = todo.pop()
        places += [node.place, *(node.keys or {}).values()]
        todo += node.value.values() if isinstance(node.value, dict) else node.value if isinstance(node.value, tuple) else ()
    for place in places:
        assert 1 <= place.line <= len(source.lines)
        assert 1 <= place.column <= len(source.lines[place.line - 1]) + 1
        assert (place.end_line, place.end_column > place.column) == (place.line, True)
    assert source.documents or any(one.severity is Severity.ERROR for one in found), "nothing was found, and nothing said"
    return source, found


def readable(raw: bytes) -> bool:
    """Whether a libyaml reads what it wrote: it writes `[:0]` for a list with the text `:0`, and cannot read it.

    Nor can the older one read text in brackets with a colon right behind a quote, as `[a":b]`, or with a lone question mark.
    """
    if re.search(rb"[\"'][:?][^ \n]| \?", raw):
        return False
    try:
        return bool(list(yaml.parse(raw, Loader=yaml.CSafeLoader)))
    except yaml.YAMLError:
        return False


@settings(deadline=None)
@given(DATA)
@pytest.mark.parametrize("flow", [False, True, None])
def test_what_ruamel_dumps_loads_to_equal_data(flow: bool | None, data: dict[str, object]) -> None:  # noqa: FBT001
    writer, stream = YAML(typ="safe"), io.BytesIO()
    writer.version = (1, 2)
    writer.default_flow_style = flow
    writer.allow_unicode = True
    writer.dump(data, stream)
    assume(readable(stream.getvalue()))
    source, found = checked(stream.getvalue())
    assert [one for one in found if one.severity is Severity.ERROR] == []
    assert [plain(document.root) for document in source.documents] == [data]


def texts(node: Node) -> object:
    """A tree with each scalar as it is written, as a reader without any schema sees it."""
    if isinstance(node.value, dict):
        return [(key, texts(child)) for key, child in node.value.items()]
    if isinstance(node.value, tuple):
        return [texts(child) for child in node.value]
    return node.text


def other_syntax(text: str) -> bool:
    """Whether there may be text in brackets that begins with a colon or question mark, which PyYAML's parser does not know."""
    return not set("[{").isdisjoint(text) and not set(":?").isdisjoint(text)


def composed(text: str) -> object:
    """The same of a document as PyYAML's newer libyaml composes it."""

    def walk(node: object) -> object:
        value = getattr(node, "value", None)
        if not isinstance(value, list):
            return value
        return [(walk(one[0]), walk(one[1])) if isinstance(one, tuple) else walk(one) for one in value]

    return walk(yaml.compose(text, Loader=yaml.CSafeLoader))


@settings(deadline=None)
@given(NASTY)
def test_what_loads_without_an_error_has_the_same_structure_for_another_parser(text: str) -> None:
    source, found = checked(text.encode("utf-8", "surrogatepass"))
    fine = not any(one.severity is Severity.ERROR for one in found)
    if fine and len(source.documents) == 1 and "---" not in text and not other_syntax(text):
        assert texts(source.documents[0].root) == composed(text)


@settings(deadline=None)
@given(NASTY)
def test_what_another_parser_refuses_is_an_error(text: str) -> None:
    try:
        list(yaml.parse(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, UnicodeError):
        assume(not other_syntax(text))
        assert any(one.severity is Severity.ERROR for one in checked(text.encode("utf-8", "surrogatepass"))[1])


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_bytes_never_raise(raw: bytes) -> None:
    checked(raw)


@settings(deadline=None)
@given(DATA | st.lists(TEXT, max_size=3), st.data())
def test_a_damaged_file_never_raises(data: object, draw: st.DataObject) -> None:
    stream = io.StringIO()
    YAML(typ="safe").dump(data, stream)
    text = stream.getvalue()
    cut = draw.draw(st.integers(0, len(text)))
    checked((text[:cut] + draw.draw(NASTY) + text[cut + draw.draw(st.integers(0, 5)):]).encode("utf-8", "surrogatepass"))


@settings(deadline=None)
@given(NASTY)
@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_line_breaks_change_neither_data_nor_places(newline: str, text: str) -> None:
    unified = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "surrogatepass")
    one, found = checked(unified)
    other, also = checked(unified.replace(b"\n", newline.encode()))
    if not any(diagnostic.code == "L003" for diagnostic in found):  # its message has an offset in bytes
        assert (one, found) == (other, also)


@settings(deadline=None)
@given(NASTY)
def test_an_underlined_plain_scalar_is_its_text(text: str) -> None:
    source, found = checked(text.encode("utf-8", "surrogatepass"))
    todo = [document.root for document in source.documents if not found]
    while todo:
        node = todo.pop()
        for key, place in (node.keys or {}).items():
            shown = source.lines[place.line - 1][place.column - 1:place.end_column - 1]
            assert key.startswith(shown.strip()) or shown[0] in "'\"*|>", (key, shown)
        if isinstance(node.value, dict):
            todo += node.value.values()
        elif isinstance(node.value, tuple):
            todo += node.value
        elif node.plain and node.text and not source.lines[node.place.line - 1].startswith("*", node.place.column - 1):
            shown = source.lines[node.place.line - 1][node.place.column - 1:node.place.end_column - 1]
            assert node.text.startswith(shown.rstrip()), (node.text, shown)


def test_the_other_reader_gives_texts() -> None:
    assert composed("a: [1, yes, {b: }]\n") == [("a", ["1", "yes", [("b", "")]])]
