"""Each code has a folder: bad input that gives exactly the text of `expected.txt`, and good input that is not complained of.

What a folder may hold is told in `run.py`. `pytest tests/diagnostics --snapshot-update` writes the texts anew: read the
difference before committing it. `docs/diagnostics.md` shows them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from pytest_snapshot.plugin import Snapshot

from diagnostics.run import CASES, DOORS, HERE, commands, lay_out, told
from obsc import cli
from obsc.codes import CODES

_HEAD = re.compile(r"^(error|warning|info)\[([A-Z]\d{3})\]: ", re.MULTILINE)
_VALIDATED = [code for code in CASES if not (HERE / code / "bad.sh").exists() and code not in DOORS]


@pytest.mark.parametrize("code", CASES)
def test_bad_input_is_told_where_it_is_and_what_to_write(code: str, snapshot: Snapshot, tmp_path: Path) -> None:
    text = told(code, "bad", tmp_path).replace(str(tmp_path), "…")
    assert code in {found for _, found in _HEAD.findall(text)}
    snapshot.snapshot_dir = HERE / code
    snapshot.assert_match(text, "expected.txt")


@pytest.mark.parametrize("code", CASES)
def test_bad_input_gives_no_other_error(code: str) -> None:
    """One mistake, one finding: what follows from it is not told again under another code."""
    found = _HEAD.findall((HERE / code / "expected.txt").read_text())
    assert [other for severity, other in found if severity == "error" and other != code] == []


@pytest.mark.parametrize("code", CASES)
def test_each_finding_says_what_to_do(code: str) -> None:
    """By a hint, or by the form that was expected; of an info nothing needs to be done."""
    blocks = (HERE / code / "expected.txt").read_text().split("\n\n")
    assert [block for block in blocks if block.startswith(("error", "warning"))
            and "   = help: " not in block and not re.search(r"[,:] expected ", block)] == []


@pytest.mark.parametrize("code", CASES)
def test_good_input_is_accepted(code: str, tmp_path: Path) -> None:
    text = told(code, "good", tmp_path)
    assert [(severity, found) for severity, found in _HEAD.findall(text) if severity != "info" or found == code] == [], text


@pytest.mark.parametrize("code", _VALIDATED)
def test_places_lie_in_the_file(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(code, tmp_path)
    monkeypatch.chdir(tmp_path)
    [last] = commands(code, "bad")
    said = CliRunner(catch_exceptions=False).invoke(cli.main, [*last.split()[1:], "--infos", "--show-all", "--format", "json"]).stderr
    for one in json.loads(said)["findings"]:
        place = one["place"]
        if not Path(place["file"]).is_file():
            continue
        lines = Path(place["file"]).read_text("utf-8", "replace").split("\n")
        assert 1 <= place["line"] <= len(lines), one
        assert 1 <= place["column"] <= len(lines[place["line"] - 1]) + 1, one
        assert (place["line"], place["column"]) < (place["end_line"], place["end_column"]), one


def test_every_code_has_a_case() -> None:
    assert [code for code in CODES if code not in CASES] == []
    assert [case for case in CASES if case not in CODES] == []
