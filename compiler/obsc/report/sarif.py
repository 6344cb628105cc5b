"""Findings as SARIF 2.1.0 (OASIS, with errata 01), which code scanning services read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256

from obsc import __version__, encode
from obsc.codes import CODES, Code
from obsc.diagnostics import Diagnostic, Place, Severity
from obsc.report.listing import Listing
from obsc.source import Source

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_OF_WORDS = {"error": "error", "warning": "warning", "info": "note"}
_FINGERPRINT = "obscFinding/v1"


def text(listing: Listing, sources: Mapping[str, Source]) -> str:
    """A log of one run: a rule for each code that occurs, sorted; a result for each finding, in order.

    Suppressed findings are results with a suppression. What is more than listed is told in a notification.
    """
    rules = sorted({one.code for one in listing.shown})
    seen = Counter[str]()
    run = {
        "tool": {"driver": {"name": "obsc", "semanticVersion": __version__,
                            "rules": [_rule(code, CODES.get(code, Code(code, code))) for code in rules]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _more(listing)}],
        "results": [_result(one, rules.index(one.code), sources, seen) for one in listing.shown],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str, page: Code) -> dict[str, object]:
    return {"id": code, "shortDescription": _message(page.title), "fullDescription": _message(page.explanation),
            "help": {**_message(page.explanation), "markdown": encode.sarif_message(page.explanation)},
            "defaultConfiguration": {"level": _OF_WORDS[page.levels[0]]}}


def _more(listing: Listing) -> list[dict[str, object]]:
    return [{"level": "note", "associatedRule": {"id": code}, "message": _message(f"{number} more of {code}: `--show-all` lists them")}
            for code, number in listing.more]


def _result(one: Diagnostic, rule: int, sources: Mapping[str, Source], seen: Counter[str]) -> dict[str, object]:
    said = f"{one.message}\nHelp: {one.hint}" if one.hint else one.message
    location = _location(one.place, sources)
    if one.path:
        location["logicalLocations"] = [{"fullyQualifiedName": one.path, "kind": "member"}]
    result: dict[str, object] = {"ruleId": one.code, "ruleIndex": rule, "level": _LEVELS[one.severity], "message": _message(said),
                                 "locations": [location]}
    if one.related:
        result["relatedLocations"] = [{"id": number, **_location(other.place, sources), "message": _message(other.message)}
                                      for number, other in enumerate(one.related, 1)]
    result["partialFingerprints"] = {_FINGERPRINT: _fingerprint(one, seen)}
    # All results have the list or none of them has: the format asks for it.
    result["suppressions"] = [{"kind": "inSource", "justification": one.suppressed}] if one.suppressed else []
    return result


def _location(place: Place, sources: Mapping[str, Source]) -> dict[str, object]:
    """A place in a file that was read; of anything else only what it is called."""
    artifact = {"artifactLocation": {"uri": encode.uri_of_path(place.file)}}
    if place.file not in sources:
        return {"physicalLocation": artifact}
    region = {"startLine": place.line, "startColumn": place.column, "endLine": place.end_line, "endColumn": place.end_column}
    return {"physicalLocation": {**artifact, "region": region}}


def _fingerprint(one: Diagnostic, seen: Counter[str]) -> str:
    """What stays the same when lines move: the code, the file, the path in the document, the words, and which of equal ones."""
    same = json.dumps([one.code, one.place.file, one.path, one.message])
    seen[same] += 1
    return sha256(f"{same}{seen[same]}".encode()).hexdigest()[:32]


def _message(said: str) -> dict[str, str]:
    return {"text": encode.sarif_message(encode.terminal(said) if "\n" not in said else
                                         "\n".join(map(encode.terminal, said.split("\n"))))}
