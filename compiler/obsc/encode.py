"""One encoder per grammar that a spec's string may land in.

A spec is written by a tenant of a shared platform, so none of its strings is ever pasted into another
grammar: targets call one of these, and an architecture test forbids them string formatting of their own.
Every encoder takes any text and gives text that the grammar reads back as exactly that text (or, where
the grammar has no such spelling, as harmless text); none of them raises.
"""

from __future__ import annotations

import html as _html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import quote

_PROMQL_ESCAPES = str.maketrans({**{chr(code): f"\\x{code:02x}" for code in (*range(0x20), 0x7F)},
                                 "\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_RE2_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")
# The first character of `$name`, `${name}` and `[[name]]`, as Grafana's templates have it.
_VARIABLE = re.compile(r"\$(?=[A-Za-z0-9_{])|\[(?=\[[A-Za-z0-9_])")
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")
_DOUBLE = re.compile(r"\[(?=\[)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


@lru_cache(maxsize=4096)  # names of namespaces, jobs and labels stand in every expression
def promql_string(text: str) -> str:
    """A double-quoted PromQL string literal; PromQL takes Go's escapes. One of them keeps what Grafana would take for one
    of its variables, since the same expression stands in rules and in panels.
    """
    return '"' + _VARIABLE.sub(lambda match: f"\\x{ord(match.group()):02x}", text.translate(_PROMQL_ESCAPES)) + '"'


def series_label(key: str) -> str:
    """A Kubernetes label's key as a label of series: everything but letters and digits becomes `_`."""
    plain = "".join(char if char.isalnum() and char.isascii() else "_" for char in key)
    return f"_{plain}" if plain[:1].isdigit() else plain


def re2_glob(glob: str, any_of: str = ".*") -> str:
    """A glob as an RE2 expression: `*` stands for what `any_of` matches, everything else for itself."""
    return any_of.join(re2_literal(part) for part in glob.split("*"))


def re2_namespaces(names: Iterable[str]) -> str:
    """An RE2 expression of namespaces by name or glob."""
    return "|".join(re2_glob(name, "[a-z0-9-]*") for name in names)


def re2_literal(text: str) -> str:
    """A regular expression (RE2, also Go's and Rust's) that matches exactly this text."""
    return _RE2_SPECIAL.sub(lambda match: "\\" + match.group(), text)


def go_template(text: str) -> str:
    """Text inside a Go template (alert annotations, labels): an opening brace pair starts no action, nor does a brace at
    the end of the text together with what follows it.
    """
    return re.sub(r"\{(?:\{|\Z)", lambda match: f'{{{{ "{match.group()}" }}}}', text)


def go_field(label: str, other: str = "") -> str:
    """A label of an alert's series in a Go template, and a text where the series has none."""
    if not other:
        return "{{ $labels." + label + " }}"
    quoted = other.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return "{{ or $labels." + label + f' "{quoted}" }}}}'


def ottl_string(text: str) -> str:
    """A double-quoted OTTL string literal, before the Collector's own `$` expansion."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def collector(text: str) -> str:
    """A value anywhere in a Collector configuration: `$$` is a dollar sign, `${…}` would be expanded."""
    return text.replace("$", "$$")


def beats(text: str) -> str:
    """A value anywhere in a Beats configuration: `$$` is a dollar sign, `${…}` would be expanded (go-ucfg's lexer)."""
    return text.replace("$", "$$")


def environment_label(text: str) -> str:
    """A value of Prometheus' external_labels, the one place where it expands `$NAME`."""
    return text.replace("$", "$$")


def kubernetes_argument(text: str) -> str:
    """A container's argument or environment value, where `$(NAME)` would be expanded."""
    return text.replace("$(", "$$(")


def matcher(label: str, operator: str, value: str) -> str:
    """One Alertmanager matcher: the value always quoted, so that both of its parsers agree."""
    return label + operator + '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def grafana_text(text: str) -> str:
    """A title, legend or description in Grafana, where `$name` and `[[name]]` would be interpolated."""
    return _DOUBLE.sub("[\u200a", printable(text).replace("$", "\uff04"))


def grafana_markdown(text: str) -> str:
    """A description in Grafana, which reads Markdown: no link, no picture that tells somebody who looks, no HTML."""
    return grafana_text(text).replace("&", "&amp;").replace("<", "&lt;").replace("[", "&#91;")


def grafana_url(text: str) -> str:
    """An address in Grafana, where `$name` and `[[name]]` would be interpolated."""
    return _DOUBLE.sub("%5B", printable(text).replace(" ", "%20").replace("$", "%24"))


def grafana_folder(text: str) -> str:
    """Name of a folder, which the sidecar turns into a path: it leads neither up nor anywhere else."""
    return grafana_text(text).replace("/", "-").replace("\\", "-").strip(". ")


def legend(text: str) -> str:
    """Literal text in a Grafana legend, where `{{label}}` would be replaced; other pieces may follow it."""
    return re.sub(r"\{(?=\{|\Z)|\[(?=\Z)", "\\g<0>\u200a", grafana_text(text))


def markdown(text: str) -> str:
    """Text in Markdown: no character of it starts markup, a link, a heading or an HTML tag."""
    return _MARKDOWN_SPECIAL.sub(r"\\\1", printable(text)).replace("&", "&amp;")


def html(text: str) -> str:
    """Text or an attribute's value in HTML."""
    return _html.escape(printable(text), quote=True)


def shell(text: str) -> str:
    """One word of a POSIX shell command."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def url_part(text: str) -> str:
    """One path segment or query value of a URL."""
    return quote(text, safe="")


def workflow_command(command: str, properties: Mapping[str, str], message: str) -> str:
    """A line with a GitHub workflow command, whose parts are any text."""
    given = ",".join(f"{name}={workflow_property(value)}" for name, value in properties.items())
    return f"::{command}{' ' if given else ''}{given}::{workflow_message(message)}\n"


def workflow_message(text: str) -> str:
    """The message of a GitHub workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def workflow_property(text: str) -> str:
    """A property (file, title) of a GitHub workflow command."""
    return workflow_message(text).replace(":", "%3A").replace(",", "%2C")


def sarif_message(text: str) -> str:
    """A message of SARIF 2.1.0 (section 3.11): braces, which mark arguments, are doubled; no bracket begins a link."""
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")


def uri_of_path(path: str) -> str:
    """A path with forward slashes as a reference to a file: an absolute one as a `file:` URI."""
    return f"file://{quote(path)}" if path.startswith("/") else quote(path)


def printable(text: str) -> str:
    """Text on one line without control, zero-width or direction-changing characters."""
    return _CONTROL.sub(" ", text)


def terminal(text: str) -> str:
    """Text on a terminal: escape sequences and direction changes are shown, not obeyed."""
    return _CONTROL.sub(lambda match: "\t" if match.group() == "\t" else f"\\u{ord(match.group()):04x}", text)


def relabel_replacement(text: str) -> str:
    """The replacement of a relabelling step, where `$1` and `${1}` stand for groups."""
    return text.replace("$", "$$")


def first_group_then_port(port: int) -> str:
    """A relabelling replacement: what the first group matched, a colon, and this port."""
    return f"$1:{port}"


def json_by_line(data: Mapping[str, object]) -> str:
    """JSON with a line for each key and for each object of a list below it: a change is one line, at half the bytes."""
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {_by_line(value)}" for key, value in data.items()) + "\n}\n"


def _by_line(value: object) -> str:
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return "[\n" + ",\n".join(json.dumps(one, separators=(",", ":"), allow_nan=False) for one in value) + "\n]"
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def javascript(constants: Mapping[str, object], program: str) -> str:
    """A program with constants before it: each a JSON literal, in ASCII, which every ECMAScript reads as the same value."""
    return "".join(f"var {name} = {json.dumps(value)};\n" for name, value in constants.items()) + program


def ottl_call(function: str, target: str, *texts: str) -> str:
    """An OTTL statement (before the Collector's own `$` expansion): a function of a path and of texts."""
    return f"{function}({', '.join((target, *(ottl_string(text) for text in texts)))})"


def ottl_where(statement: str, condition: str) -> str:
    """A statement that runs only where a condition holds."""
    return f"{statement} where {condition}"


def ottl_service(namespaces: Sequence[str], name: str) -> str:
    """The condition that a span is of this service (namespaces by name or glob). What runs outside of the cluster has none."""
    where = 'resource.attributes["k8s.namespace.name"]'
    inside = ottl_any([ottl_call("IsMatch", where, f"^(?:{re2_namespaces([one])})$") if "*" in one else f"{where} == {ottl_string(one)}"
                       for one in namespaces])
    return f'(resource.attributes["service.name"] == {ottl_string(name)} and ({inside} or {where} == nil))'


def ottl_any(conditions: Sequence[str]) -> str:
    """The condition that one of several holds."""
    return " or ".join(conditions)


def ottl_none(conditions: Sequence[str]) -> str:
    """The condition that none of several holds."""
    return f"not ({ottl_any(conditions)})"


def re2_to_the_end(expression: str) -> str:
    """An expression with all that follows what it matches, over lines and without regard to case."""
    return f"(?is)(?:{expression}).*"


def re2_any_case(expression: str) -> str:
    """An expression without regard to case."""
    return f"(?i){expression}"


def re2_either(expressions: Iterable[str]) -> str:
    """An expression that matches what one of several does."""
    return "|".join(expressions)


def re2_groups(last: int, text: str) -> str:
    """A replacement: what the first groups matched, then a text without dollar signs."""
    return "".join(f"${{{number}}}" for number in range(1, last + 1)) + text
