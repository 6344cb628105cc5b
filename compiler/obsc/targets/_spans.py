"""Content out of spans: statements of the Collector's `transform`, and the configuration of its `redaction`.

Content goes whole, since a mask would miss names and addresses. What `redaction` does not look at (names of spans and
events, status messages) is masked by statements, and so is what only some services want masked. A Collector is shared,
and a trace crosses services: the usual masks hold for every span, whatever a single service asks for.
"""

from __future__ import annotations

from collections.abc import Sequence

from obsc import encode, privacy
from obsc.part import Part

Data = dict[str, object]
_MASKED = "****"
_MASKS = encode.re2_either(privacy.MASKS[name].pattern for name in privacy.USUAL_MASKS)
_CONTENT, _KEPT = encode.re2_to_the_end(privacy.CONTENT_IN_TEXT), encode.re2_groups(1, "[content removed]")


def transform(parts: Sequence[Part]) -> Data:
    """Configuration of the processor that deletes content. Spans and their events are contexts of their own: in one
    group, statements for spans would run only where there are events.
    """
    groups: tuple[tuple[str, list[str]], ...] = (
        ("resource", [_delete("resource.attributes")]),
        ("scope", [_delete("scope.attributes")]),
        ("span", [_delete("span.attributes"), _cut_all("span.attributes"), _cut("span.status.message"),
                  _mask("span.status.message"), _mask("span.name"), *_more_masks(parts, "span.attributes")]),
        ("spanevent", [_keep_known(), _delete("spanevent.attributes"), _cut_all("spanevent.attributes"),
                       _mask("spanevent.name"), *_more_masks(parts, "spanevent.attributes")]),
    )
    return {"error_mode": "propagate", "trace_statements": [
        {"context": context, "statements": [encode.collector(statement) for statement in statements]}
        for context, statements in groups]}


def redaction() -> Data:
    """Configuration of the processor that masks values of attributes. Without `allow_all_keys` it would delete them all;
    with `redact_all_types` it also reads lists and numbers. One expression of all masks: it applies several in an order
    that differs from run to run, and the tail of a bank account number may look like a telephone number.
    """
    return {"allow_all_keys": True, "redact_all_types": True, "summary": "silent",
            "blocked_key_patterns": [encode.collector(encode.re2_any_case(privacy.CREDENTIAL_KEYS))],
            "blocked_values": [encode.collector(_MASKS)]}


def _delete(target: str) -> str:
    return encode.ottl_call("delete_matching_keys", target, encode.re2_either(privacy.CONTENT_ATTRIBUTES))


def _keep_known() -> str:
    """An event that stands for a message keeps only what tells which."""
    keep = encode.ottl_call("keep_matching_keys", "spanevent.attributes", privacy.EVENT_ATTRIBUTES)
    return encode.ottl_where(keep, encode.ottl_call("IsMatch", "spanevent.name", privacy.EVENT_NAMES))


def _cut(target: str) -> str:
    return encode.ottl_call("replace_pattern", target, _CONTENT, _KEPT)


def _cut_all(target: str) -> str:
    return encode.ottl_call("replace_all_patterns", target, "value", _CONTENT, _KEPT)


def _mask(target: str) -> str:
    return encode.ottl_call("replace_pattern", target, _MASKS, _MASKED)


def _more_masks(parts: Sequence[Part], target: str) -> list[str]:
    """Masks beyond the usual ones, each for the services that ask for it."""
    found = []
    for name in privacy.ORDER:
        who = sorted({encode.ottl_service(part.namespaces, service) for part in parts
                      if part.traces is not None and name in {mask.name for mask in part.traces.masks}
                      for service in part.traces.services})
        if who and name not in privacy.USUAL_MASKS:
            mask = encode.ottl_call("replace_all_patterns", target, "value", privacy.MASKS[name].pattern, _MASKED)
            found.append(encode.ottl_where(mask, encode.ottl_any(who)))
    return found
