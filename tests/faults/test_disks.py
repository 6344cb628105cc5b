"""Disks as they are in containers: mounts inside the output folder, trees that cannot be written, no room, links, two writers.

Mounts need rights. Where they are not given these tests skip; not in CI as root.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults.session import obsc, outputs
from faults.test_killed import FOREIGN, edit, place, put_foreign
from obsc.journal import STAGING
from obsc.write import LOCK

__all__ = ["place"]
RUN = ("compile", "specs", "--out", "out")
Mount = Callable[..., None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mount something until the test ends: arguments of mount(8), the place last."""
    mounted: list[str] = []

    def run(*arguments: str | Path) -> None:
        words = ["mount", *map(str, arguments)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode and not (os.environ.get("CI") and os.geteuid() == 0):
            pytest.skip(f"mounting is not permitted: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        mounted.append(words[-1])

    yield run
    for where in reversed(mounted):
        subprocess.run(["umount", where], check=True)


@pytest.fixture
def edited(place: Path) -> Path:
    """Three services are compiled; then their specs change. Foreign files lie about."""
    assert obsc(*RUN)[0] == 0
    edit(place)
    put_foreign(place / "out")
    return place


def left(out: Path) -> list[str]:
    """What a run left that is no output."""
    return [name for name in (STAGING, LOCK) if (out / name).exists()]


def refused(out: Path, reason: str, hint: str) -> None:
    """A run changes nothing and says why."""
    before = outputs(out)
    code, said = obsc(*RUN, "--prune")
    assert code == 1
    assert f"error[W901]: the output cannot be written: {reason}" in said
    assert hint in said
    assert outputs(out) == before
    assert left(out) == []


def test_the_output_folder_may_be_a_mount(edited: Path, mount: Mount) -> None:
    (edited / "mounted").mkdir()
    mount("--bind", edited / "out", edited / "mounted")
    assert obsc("compile", "specs", "--out", "mounted", "--prune")[0] == 0
    assert obsc(*RUN, "--check")[0] == 0


@pytest.mark.parametrize("where", ["test/artifacts/ai/chat", "test/artifacts", "test"])
def test_a_folder_that_is_a_mount_of_its_own_is_named_and_nothing_is_changed(edited: Path, mount: Mount, where: str) -> None:
    (edited / "else").mkdir()
    subprocess.run(["cp", "-a", f"{edited}/out/{where}/.", edited / "else"], check=True)
    mount("--bind", edited / "else", edited / "out" / where)
    refused(edited / "out", "Invalid cross-device link", "mount the whole folder instead")


def test_a_file_that_is_a_mount_of_its_own_is_named_and_nothing_is_changed(edited: Path, mount: Mount) -> None:
    path = edited / "out/test/artifacts/ai/chat/rules.yaml"
    (edited / "else").write_bytes(path.read_bytes())
    mount("--bind", edited / "else", path)
    refused(edited / "out", "Device or resource busy", "mount the whole folder instead")
    assert obsc(*RUN, "--check")[0] == 3


def test_a_tree_that_cannot_be_written(edited: Path, mount: Mount) -> None:
    if os.geteuid() == 0:  # root may write whatever the rights are
        mount("--bind", edited / "out", edited / "out")
        subprocess.run(["mount", "-o", "remount,ro,bind", edited / "out"], check=True)
        refused(edited / "out", "Read-only file system", "give the rights")
    else:
        home = edited / "out/test/artifacts/ai/chat"
        home.chmod(0o555)
        refused(edited / "out", "Permission denied", "give the rights")
        home.chmod(0o755)
    assert obsc(*RUN, "--check")[0] == 3


def test_a_full_disk_changes_nothing_and_with_room_the_run_succeeds(place: Path, mount: Mount) -> None:
    out = place / "out"
    out.mkdir()
    mount("-t", "tmpfs", "-o", "size=4m", "tmpfs", out)
    assert obsc(*RUN)[0] == 0
    edit(place)
    put_foreign(out)
    filler, before, refusals = out / "filler", outputs(out), 0
    for room in itertools.count(step=16384):
        disk = os.statvfs(out)
        filler.write_bytes(b"\0" * max(0, disk.f_bavail * disk.f_frsize - room))
        code, said = obsc(*RUN, "--prune")
        if not code:
            break
        refusals += 1
        assert "No space left on device" in said
        filler.unlink()
        assert outputs(out) == before
        assert left(out) == []
    assert refusals > 2
    assert {path: raw for path, raw in outputs(out).items() if path in FOREIGN} == FOREIGN
    assert obsc(*RUN, "--prune", "--check")[0] == 0


@pytest.mark.parametrize("where", ["test", "test/artifacts", "test/artifacts/ai/chat", "test/artifacts/ai/chat/rules.yaml",
                                   "test/artifacts/ai/chat/.obsc.json", "test/manifests/kustomization.yaml"])
def test_a_link_below_the_output_folder_is_not_followed(edited: Path, where: str) -> None:
    out, moved = edited / "out", edited / "moved"
    (out / where).rename(moved)
    (out / where).symlink_to(moved)
    before = outputs(edited)
    code, said = obsc(*RUN, "--prune")
    assert code == 1
    assert "error[W90" in said or "error[W910]" in said
    assert outputs(edited) == before


def test_of_two_writers_at_once_one_is_refused_or_both_are_right(edited: Path) -> None:
    command = [sys.executable, "-m", "obsc", *RUN, "--prune"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [run.communicate()[1] for run in runs]
    codes = [run.returncode for run in runs]
    assert 0 in codes
    for code, text in zip(codes, said, strict=True):
        assert code == 0 or (code == 1 and "error[W908]" in text), text
    assert obsc(*RUN, "--prune", "--check")[0] == 0
    assert left(edited / "out") == []


def test_two_writers_of_different_services_lose_nothing(place: Path) -> None:
    """Each links what it knows and what is committed: both read and write under one lock."""
    assert obsc(*RUN)[0] == 0
    for name in ("chat", "rank"):
        path = place / f"specs/{name}.yaml"
        path.write_text(path.read_text().replace("team: chat", f"team: team-of-{name}"))
    commands = [[sys.executable, "-m", "obsc", "compile", f"specs/{name}.yaml", "specs/platform.yaml", "--out", "out"]
                for name in ("chat", "rank")]
    runs = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for command in commands]
    for run, command in zip(runs, commands, strict=True):
        if run.wait():
            assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert obsc(*RUN, "--check")[0] == 0


