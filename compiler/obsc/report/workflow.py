"""Findings as workflow commands, which GitHub shows as annotations of the lines of a pull request.

GitHub shows 10 errors, 10 warnings and 10 notices of a step, in the order in which they are printed. All that are listed are
printed (the step's log has them), and the last line says how many there are.
"""

from __future__ import annotations

from collections.abc import Mapping

from obsc import encode
from obsc.codes import CODES
from obsc.diagnostics import Diagnostic, Severity
from obsc.report.listing import Listing, counted, where
from obsc.source import Source

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_MOST_SHOWN = 10


def text(listing: Listing, sources: Mapping[str, Source]) -> str:
    """A command for each finding; one more with the counts where not all of them are seen."""
    lines = [_command(one, sources) for one in listing.active]
    last = _last(listing)
    if last:
        lines.append(encode.workflow_command("notice", {"title": "obsc"}, last))
    return "".join(lines)


def _command(one: Diagnostic, sources: Mapping[str, Source]) -> str:
    place, known = one.place, one.place.file in sources
    properties: dict[str, str] = {}
    if known:
        properties = {"file": place.file, "line": str(place.line), "endLine": str(place.end_line),
                      "col": str(place.column), "endColumn": str(place.end_column)}
    properties["title"] = f"{one.code}: {CODES[one.code].title}" if one.code in CODES else one.code
    said = [one.message if known else f"{place.file}: {one.message}"]
    said += [f"{other.message}: {where(other.place, sources)}" for other in one.related]
    said += [f"help: {one.hint}"] if one.hint else []
    return encode.workflow_command(_COMMANDS[one.severity], properties, "\n".join(encode.terminal(line) for line in said))


def _last(listing: Listing) -> str:
    of_each = [sum(one.severity is severity for one in listing.active) for severity in _COMMANDS]
    parts = [f"{number} more of {code}" for code, number in listing.more]
    if not parts and max(of_each) <= _MOST_SHOWN:
        return ""
    left = "; ".join(parts) + "; `--show-all` lists them" if parts else ""
    return f"{counted(listing)}; GitHub shows the first {_MOST_SHOWN} of each kind, the log has those that are listed" + (
        f"; not listed: {left}" if left else "")
