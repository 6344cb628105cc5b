"""Scalar types of the language: each has a bounded form, a JSON schema, and an error that shows the right form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import Field, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from obsc import durations

# Digits are spelled [0-9]: `\d` would also take the digits of other scripts, which the consumers do not read.
DURATION_PATTERN = (r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w|y)"
                    r"|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$")
# Above 0% and below 100%.
RATIO_PATTERN = r"^(0*[1-9][0-9]?(\.[0-9]+)?|0+\.0*[1-9][0-9]*)%$"
_PERCENT = re.compile(r"^[0-9]+(\.[0-9]+)?%$")
TEN_YEARS = 10 * 365 * 86400.0
_LONGEST_QUANTITY = 40


@dataclass(frozen=True, slots=True)
class Form:
    """What a type asks for, in words that go on after "expected"."""

    words: str


class Quantity(NamedTuple):
    """A threshold: a number and what it measures: a duration in seconds, a ratio (0 to 1), or a bare number."""

    value: float
    kind: Literal["duration", "ratio", "number"]


def _seconds(value: object) -> float | None:
    if not isinstance(value, str) or len(value) > _LONGEST_QUANTITY or not value.isascii():
        return None
    return durations.parse(value)


def _duration(value: object) -> float:
    seconds = _seconds(value)
    if seconds is None:
        raise PydanticCustomError("duration", "expected a duration with a unit, such as `30s`, `5m` or `1h30m`")
    if seconds > TEN_YEARS:
        raise PydanticCustomError("duration", "expected a duration of at most ten years")
    return seconds


def _positive(value: object) -> float:
    seconds = _duration(value)
    if seconds <= 0:
        raise PydanticCustomError("duration", "expected a duration above zero, such as `30s`")
    return seconds


def _ratio(value: object) -> float:
    share = _share(value)
    if share is None or not 0 < share < 1:
        raise PydanticCustomError(
            "ratio", "expected a percentage above 0% and below 100%, such as `99.5%`, or a number such as `0.995`")
    return share


def _share(value: object) -> float | None:
    if isinstance(value, str) and len(value) <= _LONGEST_QUANTITY and _PERCENT.fullmatch(value):
        return round(float(value[:-1]) / 100, 12)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return None


def _quantity(value: object) -> Quantity:
    if isinstance(value, str):
        seconds = _seconds(value)
        if seconds is not None and 0 < seconds <= TEN_YEARS:
            return Quantity(seconds, "duration")
        share = _share(value)
        if share is not None and 0 < share < 1:
            return Quantity(share, "ratio")
    elif isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return Quantity(float(value), "number")
    raise PydanticCustomError(
        "quantity", "expected a duration such as `2.5s`, a percentage such as `95%`, or a number that is not negative")


def _text_schema(pattern: str, **further: object) -> dict[str, object]:
    return {"type": "string", "maxLength": _LONGEST_QUANTITY, "pattern": pattern, **further}


_ABOVE_ZERO = _text_schema(DURATION_PATTERN, allOf=[{"pattern": "[1-9]"}])

Duration: TypeAlias = Annotated[
    float, PlainValidator(_positive), WithJsonSchema(_ABOVE_ZERO), Form("a duration with a unit, such as `5m`")]
Wait: TypeAlias = Annotated[
    float, PlainValidator(_duration), WithJsonSchema(_text_schema(DURATION_PATTERN, minLength=1)),
    Form("a duration with a unit, such as `5m`")]
Ratio: TypeAlias = Annotated[
    float, PlainValidator(_ratio), Form("a percentage such as `99.5%`, or a number such as `0.995`"),
    WithJsonSchema({"anyOf": [_text_schema(RATIO_PATTERN), {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}]})]
Threshold: TypeAlias = Annotated[
    Quantity, PlainValidator(_quantity), Form("a duration, a percentage or a number"),
    WithJsonSchema({"anyOf": [_ABOVE_ZERO, _text_schema(RATIO_PATTERN), {"type": "number", "minimum": 0}]})]


def _string(pattern: str, longest: int) -> StringConstraints:
    return StringConstraints(pattern=pattern, max_length=longest)


# No lookahead and no nested repetition: RE2, ECMAScript and Python read these alike, and in linear time.
_DNS = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_WORD = r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?"
_RELEASE = r"[0-9]+(\.[0-9]+)*"
_BOUND_RELEASE = rf"(>=|<=|>|<|==?) *{_RELEASE}"
_PORT = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
# Names that begin with two underscores are Prometheus' own: `__address__` on a target would lead the scrape elsewhere.
_LABEL = r"_?[a-zA-Z][a-zA-Z0-9_]*"
_LABEL_OF_DNS = "lower-case letters, digits, dashes between them"

ServiceName: TypeAlias = Annotated[
    str, _string(rf"^{_DNS}$", 40), Form(f"a DNS label ({_LABEL_OF_DNS}) of at most 40 characters")]
DnsLabel: TypeAlias = Annotated[
    str, _string(rf"^{_DNS}$", 63), Form(f"a DNS label ({_LABEL_OF_DNS}) of at most 63 characters")]
ObjectName: TypeAlias = Annotated[
    str, _string(rf"^{_DNS}(\.{_DNS})*$", 253), Form("a DNS name (lower-case letters, digits, `-` and `.` between them)")]
ObjectPattern: TypeAlias = Annotated[
    str, _string(r"^[a-z0-9*]([a-z0-9*.-]*[a-z0-9*])?$", 253), Form("a DNS name, `*` allowed")]
NamespacePattern: TypeAlias = Annotated[
    str, _string(r"^[a-z0-9*]([-a-z0-9*]*[a-z0-9*])?$", 63), Form("a namespace, `*` allowed")]
Word: TypeAlias = Annotated[
    str, _string(rf"^{_WORD}$", 63), Form("a word of letters, digits, `_`, `.` and `-`, at most 63 characters")]
ModelName: TypeAlias = Annotated[
    str, _string(r"^[A-Za-z0-9][A-Za-z0-9_./:@+-]*$", 120),
    Form("a model name (letters, digits and `_ . / : @ + -`), at most 120 characters")]
Version: TypeAlias = Annotated[
    str, _string(rf"^(v?{_RELEASE}|{_BOUND_RELEASE}( +{_BOUND_RELEASE})*)$", 60),
    Form('a release such as "0.15" or a range such as ">=0.11 <0.13"')]
ExactVersion: TypeAlias = Annotated[
    str, _string(r"^[0-9]+\.[0-9]+(\.[0-9]+)?$", 20), Form('a release such as "3.14.0"')]
MetricName: TypeAlias = Annotated[
    str, _string(r"^[a-zA-Z_:][a-zA-Z0-9_:]*$", 200), Form("a metric name (letters, digits, `_`, `:`)")]
LabelName: TypeAlias = Annotated[
    str, _string(rf"^{_LABEL}$", 100), Form("a label name (letters, digits, `_`; not two of them first)")]
LabelValue: TypeAlias = Annotated[
    str, _string(r"^[^\x00-\x1f\x7f]*$", 200), Form("printable text on one line, at most 200 characters")]
KubeLabelKey: TypeAlias = Annotated[
    str, _string(rf"^({_DNS}(\.{_DNS})*/)?{_WORD}$", 317),
    Form("a Kubernetes label key such as `app` or `example.com/tier`")]
KubeLabelValue: TypeAlias = Annotated[
    str, _string(rf"^({_WORD})?$", 63),
    Form("a Kubernetes label value (letters, digits, `_`, `.`, `-`), at most 63 characters")]
MetricGlob: TypeAlias = Annotated[
    str, _string(r"^[a-zA-Z_:*][a-zA-Z0-9_:*]*$", 200), Form("a metric name, `*` allowed")]
Expression: TypeAlias = Annotated[
    str, _string(r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x08\x0b-\x1f\x7f]*$", 2000),
    Form("a PromQL expression, at most 2000 characters")]
Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
SeriesText: TypeAlias = Annotated[
    str, _string(r"^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^\x00-\x1f\x7f{}]*\})?$", 500), Form('a series such as `refusals_total{reason="policy"}`')]
_NUMBER = r"(-?[0-9]+(\.[0-9]+)?)"
_SAMPLES = rf"(_(x[0-9]{{1,4}})?|stale|{_NUMBER}([+-][0-9]+(\.[0-9]+)?)?(x[0-9]{{1,4}})?)"
SeriesValues: TypeAlias = Annotated[
    str, _string(rf"^{_SAMPLES}( {_SAMPLES})*$", 500), Form("values as promtool writes them, such as `0+10x30` or `1 2 _ 3`")]
AlertName: TypeAlias = Annotated[str, _string(r"^[A-Z][A-Za-z0-9]*$", 63), Form("an alert's name such as `ServiceDown`")]
SecretKey: TypeAlias = Annotated[str, _string(r"^[-._a-zA-Z0-9]+$", 253), Form("a key of a Secret such as `token`")]
FieldName: TypeAlias = Annotated[
    str, _string(r"^[A-Za-z_@][A-Za-z0-9_@.-]*$", 100), Form("a field name such as `customer_id`")]
SpanName: TypeAlias = Annotated[
    str, _string(r"^[^\x00-\x1f\x7f${}]+$", 100), Form("printable text without `$`, `{` and `}`, at most 100 characters")]
Title: TypeAlias = Annotated[
    str, _string(r"^[^\x00-\x1f\x7f]+$", 120), Form("printable text on one line, 1 to 120 characters")]
Prose: TypeAlias = Annotated[
    str, _string(r"^[^\x00-\x09\x0b-\x1f\x7f]*$", 1000), Form("printable text, at most 1000 characters")]
HttpPath: TypeAlias = Annotated[str, _string(r"^/[A-Za-z0-9_~!&'()*+,;=:@%/.-]*$", 500), Form("a path such as `/metrics`")]
HostPort: TypeAlias = Annotated[
    str, _string(rf"^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\]):{_PORT}$", 260),
    Form("an address `host:port`")]
Url: TypeAlias = Annotated[
    str, _string(r"^https?://[^\s\x00-\x1f\x7f\x22'<>`{}|\\^]+$", 2000), Form("an address such as `https://example.com`")]
GROUPED_KIND = r"^[A-Z][A-Za-z0-9]*(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$"
OwnKind: TypeAlias = Annotated[
    str, _string(GROUPED_KIND, 63), Form("a kind of the platform's own with its group, such as `Rollout.argoproj.io`")]
# It may lead up, but only at its start: what it leads to is looked at before anything is opened.
CatalogFolder: TypeAlias = Annotated[
    str, _string(r"^(\./|(\.\./)+)?[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*/?$", 200),
    Form("a folder, told from this file's own, such as `catalog` or `../catalog`")]
LogPath: TypeAlias = Annotated[
    str, _string(r"^/[A-Za-z0-9_.*?\[\]{},@/-]+$", 500), Form("an absolute path, `*` allowed")]
TargetPattern: TypeAlias = Annotated[
    str, _string(r"^[A-Za-z0-9*.:/_\[\]-]+$", 260), Form("a host, `*.domain`, address or network, with `:port` or without")]
MatcherText: TypeAlias = Annotated[
    str, _string(r'^[a-zA-Z_][a-zA-Z0-9_]*\s*(=~|!~|!=|=)\s*"(\\.|[^"\\])*"$', 500), Form('a matcher such as `app="chat"`')]
Port: TypeAlias = Annotated[
    Annotated[int, Field(ge=1, le=65535)] | Annotated[str, _string(r"^([0-9]|[0-9]-)*[a-z](-?[a-z0-9])*$", 15)],
    Form("a number from 1 to 65535, or a port's name")]
Count: TypeAlias = Annotated[int, Field(ge=1, le=10000)]
CountOrNone: TypeAlias = Annotated[int, Field(ge=0, le=10000)]
Severity: TypeAlias = Literal["critical", "warning", "info"]
Bound: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
OptionValue: TypeAlias = Annotated[
    Annotated[str, _string(r"^[^\x00-\x1f\x7f]*$", 200)] | int | float | bool, Form("a text, a number, or true or false")]
Labels: TypeAlias = dict[LabelName, LabelValue]
KubeLabels: TypeAlias = dict[KubeLabelKey, KubeLabelValue]
