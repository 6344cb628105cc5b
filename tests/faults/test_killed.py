"""A run that is killed after any file operation leaves the old outputs, the new ones, or a journal that the next run finishes.

A sample by seed; with OBSC_FAULTS=all every operation. `python -m faults.thousand` (`make faults`) does it to 1,000 services.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from faults.session import has_journal, killed_after, obsc, operations, outputs
from obsc.disk import FAULT, KILLED
from obsc.journal import STAGING

SAMPLE = 12
PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: test}
alertmanager:
  receivers:
    - name: pager
      pagerdutyConfigs: [{routingKey: {name: pagerduty, key: routing-key}}]
  routing: {critical: [pager], warning: [pager]}
"""
SERVICE = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {name: NAME, namespace: ai, team: chat}
runtime: {name: vllm, version: "0.15"}
accelerators: {resource: nvidia.com/gpu, perPod: 2}
"""
FOREIGN = {"README.md": b"mine", "test/notes.md": b"mine", "test/artifacts/ai/chat/notes.md": b"mine",
           "test/manifests/ai/old/patch.yaml": b"mine", ".gitignore": b"mine"}
RUN = ("compile", "specs", "--out", "out", "--prune")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with specs of three services; the tests run in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/platform.yaml").write_text(PLATFORM)
    for name in ("chat", "rank", "old"):
        (tmp_path / f"specs/{name}.yaml").write_text(SERVICE.replace("NAME", name))
    return tmp_path


def put_foreign(out: Path) -> None:
    """Files of somebody else, in folders of the compiler and beside them."""
    for path, raw in FOREIGN.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(raw)


def edit(place: Path) -> None:
    """One service is changed, one given up, one is new."""
    chat = place / "specs/chat.yaml"
    chat.write_text(chat.read_text() + "alerts: {rules: {ReplicasBelowDesired: {threshold: 70%}}}\n")
    (place / "specs/old.yaml").unlink()
    (place / "specs/new.yaml").write_text(SERVICE.replace("NAME", "new"))


def numbers(total: int) -> list[int]:
    """After which operations to kill: all, or a sample that is the same everywhere."""
    if os.environ.get("OBSC_FAULTS") == "all":
        return list(range(1, total + 1))
    return sorted({1, total, *random.Random(total).sample(range(1, total + 1), SAMPLE - 2)})


@pytest.mark.parametrize("first", [True, False], ids=["first", "edited"])
def test_a_killed_run_leaves_the_old_the_new_or_a_journal(place: Path, *, first: bool) -> None:
    out, saved = place / "out", place / "saved"
    if not first:
        assert obsc(*RUN)[0] == 0
        edit(place)
    put_foreign(out)
    shutil.copytree(out, saved)
    old = outputs(out)
    total = operations(lambda: obsc(*RUN))
    new = outputs(out)
    assert new != old
    assert {path: new[path] for path in FOREIGN} == FOREIGN
    seen = {"old": 0, "new": 0, "journal": 0}
    for number in numbers(total):
        shutil.rmtree(out)
        shutil.copytree(saved, out)
        assert killed_after(number, lambda: obsc(*RUN)), number
        found = outputs(out)
        state = "journal" if has_journal(out) else "old" if found == old else "new" if found == new else "neither"
        seen[state] += 1
        assert {path: found[path] for path in FOREIGN} == FOREIGN, number
        code, said = obsc(*RUN, "--check")
        assert (code, f"unfinished: out/{STAGING}" in said) == (3, True) if state == "journal" else code in {0, 3}, (number, said)
        assert code == 3 or found == new, number
        assert outputs(out) == found, number
        code, said = obsc(*RUN)
        assert code == 0, (number, said)
        assert outputs(out) == new, number
        assert not (out / STAGING).exists(), number
    assert not killed_after(total + 1, lambda: obsc(*RUN))
    print(f"\nkilled after {len(numbers(total))} of {total} operations: {seen}")


def test_a_run_of_other_services_finishes_what_was_begun(place: Path) -> None:
    """It links what the killed run decided, not what was there before."""
    assert obsc(*RUN)[0] == 0
    (place / "specs/chat.yaml").write_text(SERVICE.replace("NAME", "chat").replace("team: chat", "team: other"))
    saved, out = place / "saved", place / "out"
    shutil.copytree(out, saved)
    total = operations(lambda: obsc(*RUN))
    new = outputs(out)
    for number in numbers(total):
        shutil.rmtree(out)
        shutil.copytree(saved, out)
        assert killed_after(number, lambda: obsc(*RUN))
        was = outputs(saved) if not has_journal(out) and outputs(out) != new else new
        assert obsc("compile", "specs/rank.yaml", "specs/platform.yaml", "--out", "out")[0] == 0
        assert outputs(out) == was, number


def test_a_run_that_finishes_another_can_be_killed_too(place: Path) -> None:
    out = place / "out"
    assert obsc(*RUN)[0] == 0
    edit(place)
    put_foreign(out)
    shutil.copytree(out, place / "saved")
    total = operations(lambda: obsc(*RUN))
    new = outputs(out)
    assert any(_leaves_a_journal(place, number) for number in range(total // 2, total))
    kills = 0
    # Each run is killed somewhat later than the one before: what is synced again must not keep it from getting ahead.
    while killed_after(kills + 1, lambda: obsc(*RUN)):
        kills += 1
        assert kills <= total
        assert has_journal(out) or outputs(out) == new
    assert kills > 5
    assert outputs(out) == new


def _leaves_a_journal(place: Path, number: int) -> bool:
    out = place / "out"
    shutil.rmtree(out)
    shutil.copytree(place / "saved", out)
    return killed_after(number, lambda: obsc(*RUN)) and has_journal(out)


def test_the_environment_kills_a_real_run(place: Path) -> None:
    command = [sys.executable, "-m", "obsc", *RUN]
    done = subprocess.run(command, env={**os.environ, FAULT: "5"}, check=False)
    assert done.returncode == KILLED
    done = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert f"unfinished: out/{STAGING} " in done.stdout
    assert subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0
    assert subprocess.run([*command, "--check"], check=False, stdout=subprocess.DEVNULL).returncode == 0
