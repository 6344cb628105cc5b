"""Each code has a folder: `bad.yaml` gives exactly the findings of `expected.txt`, `good.yaml` gives no error.

A finding in `expected.txt` is a line `code line:column message`, then an indented line with the hint. Errors are listed
whatever their code, so that an echo of the first mistake fails the test; warnings and infos only if they have the folder's code.
`pytest tests/diagnostics --snapshot-update` writes the files anew: read the difference before committing it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_snapshot.plugin import Snapshot

from diagnostics.run import COVERED, diagnose
from obsc.codes import CODES
from obsc.diagnostics import Diagnostic, Severity

HERE = Path(__file__).parent
CASES = sorted(path.name for path in HERE.iterdir() if (path / "bad.yaml").exists())


@pytest.mark.parametrize("code", CASES)
def test_bad_input_is_told_where_it_is_and_what_to_write(code: str, snapshot: Snapshot) -> None:
    found = _shown(code, HERE / code / "bad.yaml")
    assert any(one.code == code for one in found)
    snapshot.snapshot_dir = HERE / code
    snapshot.assert_match("".join(map(_line, found)), "expected.txt")


@pytest.mark.parametrize("code", CASES)
def test_good_input_is_accepted(code: str) -> None:
    assert [_line(one) for one in _shown(code, HERE / code / "good.yaml")] == []


@pytest.mark.parametrize("code", CASES)
def test_places_lie_in_the_file(code: str) -> None:
    lines = (HERE / code / "bad.yaml").read_text().split("\n")
    for one in _shown(code, HERE / code / "bad.yaml"):
        place = one.place
        assert 1 <= place.line <= len(lines), one
        assert place.column <= len(lines[place.line - 1]) + 1, one
        assert (place.line, place.column) < (place.end_line, place.end_column), one


def test_every_code_has_a_case() -> None:
    assert [code for code in CODES if code.startswith(COVERED) and code not in CASES] == []
    assert [case for case in CASES if case not in CODES] == []


def _shown(code: str, path: Path) -> list[Diagnostic]:
    return [one for one in diagnose([path]) if one.severity is Severity.ERROR or one.code == code]


def _line(one: Diagnostic) -> str:
    related = "".join(f"    {other.place.line}:{other.place.column} {other.message}\n" for other in one.related)
    return f"{one.code} {one.place.line}:{one.place.column} {one.message}\n    {one.hint}\n{related}"
