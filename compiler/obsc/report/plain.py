"""Findings as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from obsc.diagnostics import Diagnostic
from obsc.report.listing import WORDS, Listing
from obsc.source import Source


def text(listing: Listing, _: Mapping[str, Source]) -> str:
    """An object: `findings` in order (`suppressed` is the reason, or null), `more` by code, `counts` by severity."""
    data = {"findings": [_data(one) for one in listing.shown], "more": dict(listing.more), "counts": dict(listing.counts)}
    return json.dumps(data, indent=2) + "\n"


def _data(one: Diagnostic) -> dict[str, object]:
    return {"code": one.code, "severity": WORDS[one.severity], "message": one.message, "path": one.path, "hint": one.hint,
            "place": one.place._asdict(), "suppressed": one.suppressed or None,
            "related": [{"message": other.message, "place": other.place._asdict()} for other in one.related]}
