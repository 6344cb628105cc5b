"""A one-field edit is a small diff of the outputs: counted by git, kept as a snapshot that people read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from pytest_snapshot.plugin import Snapshot

from churn.edits import EDITS, SAME, STAGING, Edit
from churn.repository import OUT, Repository, begin, compiled, edited, shipped

HERE = Path(__file__).parent
SHARD = re.compile(r"(manifests/platform/[a-z-]+)-[0-9]+\.yaml")  # which one depends on how many there are
HASH = re.compile(r"[0-9a-f]{64}")
# Every way in which outputs write a threshold: with a unit for people, bare for PromQL, as the bound of a bucket.
THRESHOLDS = {
    "threshold": (("0.3", "0\\\\.3", "300ms", "300"), ("0.2", "0\\\\.2", "200ms", "200")),
    "quantile-threshold": (("5", "5s", "5.0", "5000"), ("2", "2s", "2.0", "2000")),
}


@pytest.fixture(scope="module")
def before() -> Mapping[str, bytes]:
    return compiled(shipped())


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, before: Mapping[str, bytes]) -> Repository:
    found = begin(tmp_path_factory.mktemp("churn"))
    found.commit(shipped(), before)
    return found


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_a_small_difference(name: str, repository: Repository, snapshot: Snapshot) -> None:
    repository.write(shipped(), compiled(edited(shipped(), EDITS[name])))
    repository.git("add", "--all")
    numbers = repository.git("diff", "--cached", "--numstat", "--no-renames", "--", OUT)
    snapshot.snapshot_dir = HERE / "snapshots"
    snapshot.assert_match(SHARD.sub(r"\1-N.yaml", numbers), f"{name}.txt")
    if name in THRESHOLDS:
        _only_numbers(repository.git("diff", "--cached", "--unified=0", "--", OUT), *THRESHOLDS[name])


def test_a_new_environment_touches_no_other(before: Mapping[str, bytes]) -> None:
    after = compiled(edited(shipped(), STAGING))
    assert {path: raw for path, raw in after.items() if not path.startswith("staging/")} == before
    assert len(after) > len(before)


def test_every_snapshot_is_of_an_edit() -> None:
    assert {path.stem for path in (HERE / "snapshots").iterdir()} == set(EDITS)


@pytest.mark.parametrize("name", SAME)
def test_what_means_nothing_changes_no_byte(name: str, before: Mapping[str, bytes]) -> None:
    edit: Edit = SAME[name]
    assert compiled(edited(shipped(), edit)) == before


def _only_numbers(difference: str, old: tuple[str, ...], new: tuple[str, ...]) -> None:
    """Each line that goes has the old number, each that comes the new one, and beside it they are the same.

    Lines of digests are the exception: the list of a service's files has one for each file.
    """
    lines = [line for line in difference.splitlines() if line[:1] in "+-" and not line.startswith(("+++", "---")) and not HASH.search(line)]
    gone, come = ([line[1:] for line in lines if line[0] == sign] for sign in "-+")
    assert gone
    assert len(gone) == len(come)
    mark = "\0"
    for was, now in zip(gone, come, strict=True):
        assert _without(was, old, mark) == _without(now, new, mark)
        assert was != now


def _without(line: str, numbers: tuple[str, ...], mark: str) -> str:
    for number in sorted(numbers, key=len, reverse=True):
        line = re.sub(rf"(?<![0-9A-Za-z.]){re.escape(number)}(?![0-9A-Za-z]|[.][0-9])", mark, line)
    assert mark in line, line
    return line
