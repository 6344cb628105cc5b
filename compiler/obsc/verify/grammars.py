"""The small grammars of the consumers: durations, sizes, regular expressions, matchers, templates, addresses.

Each takes a text and says what is wrong with it, or None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from obsc import promql

# Prometheus' model.ParseDuration: units in falling order, each at most once; a bare 0 needs none.
_DURATION = re.compile(r"0|(?=[0-9])([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?")
# Go's time.ParseDuration, of the Collector and Filebeat.
_GO_DURATION = re.compile(r"[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)([0-9.]+(ns|us|µs|ms|s|m|h))*)")
_SIZE = re.compile(r"0|([0-9]+(\.[0-9]+)?)([KMGTPE]i?)?B")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# A matcher of Alertmanager: in its own grammar a value with signs stands in quotes, in the older one it needs none.
_MATCHER = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^\s{}!=~,\\"\'`]+)\s*(=~|!~|!=|=)\s*("(?:[^"\\\n]|\\.)*"|[^\s{}!=~,\\"\'`]*|[^"{},]*)\s*')
_ADDRESS = re.compile(r"[^/\s]+")
_ACTION = re.compile(r"\{\{(?P<inside>(?:`[^`]*`|\"(?:[^\"\\\n]|\\.)*\"|[^`\"])*?)\}\}")
_QUOTED = re.compile(r"`[^`]*`|\"(?:[^\"\\]|\\.)*\"")
_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)")
_DECLARED = re.compile(r"\$([A-Za-z_]\w*)(?:\s*,\s*\$([A-Za-z_]\w*))?\s*:?=")
_KEYWORD = re.compile(r"-?\s*(if|range|with|block|define|end|else)\b")
_ALERT_VARIABLES = frozenset({"labels", "value", "externalLabels", "externalURL"})
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")


def duration(text: str) -> str | None:
    """A duration of Prometheus or Alertmanager."""
    return None if _DURATION.fullmatch(text) else "expected a duration such as `30s`, `5m` or `1h30m`"


def go_duration(text: str) -> str | None:
    """A duration of the Collector or of Filebeat."""
    return None if _GO_DURATION.fullmatch(text) else "expected a duration such as `30s`, `1.5h` or `200ms`"


def size(text: str) -> str | None:
    """A number of bytes."""
    return None if _SIZE.fullmatch(text) else "expected a size such as `512MB`"


def label(text: str) -> str | None:
    """The name of a label, in letters that every version reads."""
    return None if _LABEL.fullmatch(text) else "expected letters, digits and `_`, no digit first"


def regex(text: str) -> str | None:
    """An expression of RE2."""
    found = promql.pattern_problem(text)
    return f"it is no RE2 expression: {found}" if found else None


def matcher(text: str) -> str | None:
    """A matcher of Alertmanager, such as `severity=~"warning|critical"`."""
    body = text.strip()
    inner = body[1:-1] if body.startswith("{") and body.endswith("}") else body
    found = _MATCHER.fullmatch(inner)
    if found is None:
        return 'expected a name, one of `=` `!=` `=~` `!~`, and a value in double quotes, such as `severity="critical"`'
    value = found.group(3)
    if found.group(2) in {"=~", "!~"}:
        return regex(re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value)
    return None


def address(text: str) -> str | None:
    """A target: a host and a port, without scheme or path."""
    return None if _ADDRESS.fullmatch(text) else "expected a host and a port, such as `exporter.ns.svc:9100`, no scheme and no path"


def url(text: str) -> str | None:
    """An absolute address."""
    try:
        parts = urlsplit(text)
    except ValueError as error:
        return f"it is no URL: {error}"
    return None if parts.scheme in {"http", "https"} and parts.netloc else "expected a URL that begins with https:// or http://"


def clock(text: str) -> str | None:
    """A time of day."""
    return None if _TIME.fullmatch(text) else "expected a time such as `09:00` or `24:00`"


def template(text: str) -> str | None:
    """A Go template; of its content only quotes, braces and blocks are judged."""
    rest = _ACTION.sub("", text)
    if "{{" in rest:
        return "`{{` is not closed by `}}`"
    depth = 0
    for found in _ACTION.finditer(text):
        word = _KEYWORD.match(found["inside"].lstrip())
        depth += {"end": -1, "else": 0}.get(word[1], 1) if word else 0
        if depth < 0:
            return "`{{ end }}` ends no block"
    return "a block has no `{{ end }}`" if depth else None


def alert_template(text: str) -> str | None:
    """The template of an alert's label or annotation: it knows `$labels`, `$value`, `$externalLabels`, `$externalURL`."""
    wrong = template(text)
    if wrong:
        return wrong
    inside = [_QUOTED.sub("", found["inside"]) for found in _ACTION.finditer(text)]
    declared = {name for one in inside for found in _DECLARED.finditer(one) for name in found.groups() if name}
    for one in inside:
        for name in _VARIABLE.findall(one):
            if name not in _ALERT_VARIABLES | declared:
                return f"there is no variable `${name}`, known are `$labels`, `$value`, `$externalLabels` and `$externalURL`"
    return None


# By the words of forms.yaml: the code of a finding, and the grammar.
GRAMMARS: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "duration": ("X623", duration),
    "go duration": ("X623", go_duration),
    "size": ("X605", size),
    "label": ("X626", label),
    "regex": ("X624", regex),
    "matcher": ("X632", matcher),
    "address": ("X605", address),
    "url": ("X605", url),
    "clock": ("X605", clock),
    "template": ("X625", template),
    "alert template": ("X625", alert_template),
}
