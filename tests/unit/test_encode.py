"""Each encoder against a reader of its grammar: any text comes back as itself, and opens nothing on its way."""

from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Callable
from urllib.parse import unquote

import promql_parser
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from obsc import conventions, encode, ir

# Texts made of what grammars are made of, so that pieces meet in every order.
PIECES = ["{", "{{", "}", "}}", "[", "[[", "]", "]]", "$", "$$", "${", "$(", "\\", '"', "'", "`", "\n", "\r", "\t", "\x00", "\x7f", "\u2028", "\u202e",
          "%{", "%", "x", "1", ".", "*", "|", "#", ":", "-", "/", "<", ">", "&", "!", "(", ")", " ", "é", "\U0001f600", "env:HOME", "file:/etc/passwd"]
TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), st.text(max_size=30)).filter(
    lambda text: text.encode("utf-8", "ignore").decode() == text)


def any_text(test: Callable[[str], None]) -> Callable[[], None]:
    """Run a test on many texts, those that once broke something first."""
    for text in ("[[[x]]]", "{{{x}}}", "a{", "a[", "$$x", "\\$x", '\\"', "$", "[[$x]]", "{{ query `up` }}"):
        test = example(text)(test)
    return settings(max_examples=400, deadline=None)(given(TEXTS)(test))


def go_string(literal: str) -> str:
    """What Go's strconv.Unquote makes of a double-quoted literal."""
    assert re.fullmatch(r'"(\\.|[^"\\\n])*"', literal, re.DOTALL), literal
    named = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
    return re.sub(r"\\(x[0-9a-f]{2}|.)", lambda found: chr(int(found[1][1:], 16)) if found[1][0] == "x" else named[found[1]], literal[1:-1])


def go_template(text: str) -> str:
    """What Go's text/template makes of a text whose actions are strings or `$labels.x`, which stands for LABEL."""
    out, rest = "", text
    while "{{" in rest:
        before, _, rest = rest.partition("{{")
        found = re.match(r' (?:("(?:\\.|[^"\\])*")|\$labels\.\w+) \}\}', rest)
        assert found, f"a template opens at {rest!r}"
        out += before + (go_string(found[1]) if found[1] else "LABEL")
        rest = rest[found.end():]
    return out + rest


def expanded(text: str) -> str:
    """What the Collector, Beats, Prometheus' external labels and relabelling make of a text."""
    assert not re.search(r"\$(?!\$)", text.replace("$$", "")), text
    return text.replace("$$", "$")


@any_text
def test_promql(text: str) -> None:
    literal = encode.promql_string(text)
    assert go_string(literal) == text
    selector = promql_parser.parse(f"x{{a={literal}}}")
    assert [one.value for one in selector.matchers.matchers] == [text]
    # An expression is in dashboards too, where Grafana fills in variables: https://grafana.com/docs, variable syntax.
    assert not re.search(r"\$[A-Za-z0-9_]+|\$\{|\[\[[A-Za-z0-9_]", literal)


@any_text
def test_re2(text: str) -> None:
    assert re.fullmatch(encode.re2_literal(text), text)
    assert not re.fullmatch(encode.re2_literal(text), text + "x")


@any_text
def test_go_templates_with_a_field_behind_the_text(text: str) -> None:
    assert go_template(encode.go_template(text)) == text
    assert go_template(conventions.annotation((text, ir.Field(label="pod"), text))) == f"{text}LABEL{text}"
    assert go_template(conventions.numbered([text])) == f"1. {text}"


@any_text
def test_ottl(text: str) -> None:
    assert go_string(encode.ottl_string(text)) == text
    statement = encode.ottl_where(encode.ottl_call("f", "span.attributes", text, text), encode.ottl_service(("ns" if "*" in text else text,), text))
    literals = re.findall(r'"(?:\\.|[^"\\])*"', statement, re.DOTALL)
    own = {"service.name", "k8s.namespace.name", "ns"}
    assert {go_string(one) for one in literals} - own <= {text}
    assert '"' not in re.sub(r'"(?:\\.|[^"\\])*"', "", statement, flags=re.DOTALL)


@any_text
def test_what_expands_variables(text: str) -> None:
    for encoder in (encode.collector, encode.beats, encode.environment_label, encode.relabel_replacement):
        assert expanded(encoder(text)) == text
    assert not re.search(r"(?<!\$)(\$\$)*\$\(", encode.kubernetes_argument(text).replace("$$(", ""))


@any_text
def test_matchers_of_alertmanager(text: str) -> None:
    written = encode.matcher("team", "=", text)
    assert written.startswith('team="')
    # Of Go's escapes its first parser knows these three.
    assert not re.search(r'\\[^n"\\]', written.replace("\\\\", ""))
    assert "\n" not in written
    assert go_string(written.removeprefix("team=")) == text


@any_text
def test_grafana(text: str) -> None:
    for encoder in (encode.grafana_text, encode.grafana_markdown, encode.grafana_url, encode.grafana_folder, encode.legend):
        written = encoder(text)
        assert not re.search(r"\$|\[\[", written), encoder
        assert written.isprintable() or not re.search(r"[\x00-\x1f\x7f\u2028\u202e]", written), encoder
    legend = conventions.joined((encode.legend(text), conventions.legend_label("pod"), encode.legend(text)))
    assert re.findall(r"\{\{\s*(.+?)\s*\}\}", legend) == ["pod"]
    assert not set("<[") & set(encode.grafana_markdown(text))
    assert not set("/\\") & set(encode.grafana_folder(text))
    assert not encode.grafana_folder(text).startswith(".")


@any_text
def test_pages_and_shells(text: str) -> None:
    plain = encode.printable(text)
    assert html.unescape(encode.html(text)) == plain or "\r" in text
    assert not set("<>\"'") & set(encode.html(text))
    if "\x00" not in text:
        assert shlex.split(encode.shell(text)) == [text]
    assert unquote(encode.url_part(text)) == text
    assert re.fullmatch(r"[A-Za-z0-9_.~%-]*", encode.url_part(text))
    unescaped = re.sub(r"\\([\\`*_{}\[\]<>()#+!|~-])", "", encode.markdown(text))
    assert not re.search(r"[\\`*_{}\[\]<>()#+!|~]|&(?!amp;)", unescaped)


@any_text
def test_what_stands_on_one_line(text: str) -> None:
    message, prop = encode.workflow_message(text), encode.workflow_property(text)
    assert not set("\r\n") & set(message)
    assert not set("\r\n:,") & set(prop)
    assert unquote(message) == text or "%" not in text
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", encode.terminal(text))


@any_text
def test_constants_of_a_program(text: str) -> None:
    written = encode.javascript({"A": {text: [text]}}, "\n")
    assert written.isascii()
    assert json.loads(written.removeprefix("var A = ").rstrip(";\n")) == {text: [text]}


@pytest.mark.parametrize("text", ["a(b|c)$", "^x$|^y$", "[[:alpha:]]", "$", "a$b"])
def test_an_expression_keeps_its_meaning_in_a_literal(text: str) -> None:
    assert go_string(encode.promql_string(text)) == text
