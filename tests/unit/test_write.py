"""Bytes → disk: what is written, what is deleted, what is left alone, and what happens when the disk or somebody is hostile."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obsc.diagnostics import Severity, Sink
from obsc.journal import STAGING, is_unfinished
from obsc.write import LOCK, MANIFEST, Outcome, manifest, write

ENV = "prod"
OWNED = ("prod/artifacts/ai/chat", "prod/manifests/ai/chat")
OTHER = ("prod/artifacts/ai/rank", "prod/manifests/ai/rank")
SHARED = ("prod/artifacts/platform", "prod/manifests/platform", "prod/manifests/kustomization.yaml")
LIST = f"{OWNED[0]}/{MANIFEST}"
FILES = {"prod/artifacts/ai/chat/rules.yaml": b"rules: 1\n", "prod/artifacts/ai/chat/scrape.yaml": b"scrape: 1\n",
         "prod/manifests/ai/chat/rule.yaml": b"kind: PrometheusRule\n"}


def listed(files: Mapping[str, bytes], folder: str = OWNED[0]) -> dict[str, bytes]:
    """Files of a service with their list."""
    return {**files, f"{folder}/{MANIFEST}": manifest({path.removeprefix(f"{ENV}/"): raw for path, raw in files.items()})}


TREE = listed(FILES)
LESS = listed({"prod/artifacts/ai/chat/rules.yaml": b"rules: 2\n"})
RANK = listed({"prod/artifacts/ai/rank/rules.yaml": b"rank\n", "prod/manifests/ai/rank/rule.yaml": b"rank\n"}, OTHER[0])


def run(root: Path, tree: Mapping[str, bytes] = TREE, owned: tuple[str, ...] = OWNED, *, check: bool = False,
        ) -> tuple[Outcome | None, list[str]]:
    """The outcome and the codes of what was found."""
    sink = Sink()
    return write(root, tree, owned, sink, check=check), [found.code for found in sink]


def on_disk(root: Path) -> dict[str, bytes]:
    """Every file below a folder, links not followed; `.obsc.lock` and staged files too."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file() and not path.is_symlink()}


def stamps(root: Path) -> dict[str, tuple[int, int]]:
    """Which files they are, and when they were changed."""
    return {str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}


def put(root: Path, path: str, content: str | bytes) -> None:
    """Write a file as somebody else."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)


def claim(root: Path, *names: str, content: bytes = b"") -> None:
    """Forge a committed list that names paths, with the digest of this content."""
    put(root, LIST, json.dumps({"files": dict.fromkeys(names, hashlib.sha256(content).hexdigest())}))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output folder with one service."""
    root = tmp_path / "out"
    assert run(root)[0] is not None
    return root


# What is written


def test_the_first_run_writes_everything_and_leaves_no_trace(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "out"
    outcome, found = run(root)
    assert outcome == Outcome(added=tuple(sorted(TREE)))
    assert found == []
    assert on_disk(root) == TREE
    assert [path.name for path in root.iterdir()] == [ENV]


def test_only_what_differs_is_touched(out: Path) -> None:
    before = stamps(out)
    assert run(out)[0] == Outcome()
    assert stamps(out) == before
    changed = listed({**FILES, "prod/artifacts/ai/chat/rules.yaml": b"rules: 2\n", "prod/manifests/ai/chat/new.yaml": b"new\n"})
    outcome, found = run(out, changed)
    assert outcome == Outcome((LIST, "prod/artifacts/ai/chat/rules.yaml"), ("prod/manifests/ai/chat/new.yaml",))
    assert found == []
    assert on_disk(out) == changed
    after = stamps(out)
    assert {path for path in before if before[path] == after[path]} == {
        str(out / "prod/artifacts/ai/chat/scrape.yaml"), str(out / "prod/manifests/ai/chat/rule.yaml")}


def test_rights_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        run(tmp_path / "a/out")
        run(tmp_path / "a/out", LESS)
    finally:
        os.umask(old)
    for path in (tmp_path / "a", *(tmp_path / "a").rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


def test_the_list_of_files_has_one_a_line_with_its_digest() -> None:
    text = manifest({"manifests/ai/b/x.yaml": b"", "artifacts/ai/b/y.yaml": b"a", "manifests/platform/prometheus-rules-2.yaml": b"b"}).decode()
    assert text == """\
{
 "files": {
  "artifacts/ai/b/y.yaml": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",

  "manifests/ai/b/x.yaml": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",

  "manifests/platform/prometheus-rules-2.yaml": ""
 }
}
"""


# --check


def test_check_creates_nothing(tmp_path: Path) -> None:
    outcome, found = run(tmp_path / "out", check=True)
    assert outcome == Outcome(added=tuple(sorted(TREE)))
    assert found == []
    assert not (tmp_path / "out").exists()


def test_check_names_what_differs_and_writes_nothing(out: Path) -> None:
    (out / "prod/artifacts/ai/chat/rules.yaml").unlink()
    put(out, "prod/artifacts/ai/chat/scrape.yaml", "scrape: 0\nmore\x1b[31m\r")
    before = (on_disk(out), stamps(out))
    tree = listed({path: raw for path, raw in FILES.items() if "manifests" not in path})
    outcome, found = run(out, tree, check=True)
    assert (on_disk(out), stamps(out)) == before
    assert found == []
    assert outcome is not None
    assert not outcome.clean
    assert outcome.added == ("prod/artifacts/ai/chat/rules.yaml",)
    assert outcome.changed == (LIST, "prod/artifacts/ai/chat/scrape.yaml")
    assert outcome.stale == ("prod/manifests/ai/chat/rule.yaml",)
    assert outcome.diff.endswith("""\
--- committed/prod/artifacts/ai/chat/scrape.yaml
+++ compiled/prod/artifacts/ai/chat/scrape.yaml
@@ -1,2 +1,2 @@
-scrape: 0
-more\\u001b[31m\\u000d
+scrape: 1
+
""")


def test_check_of_what_is_up_to_date_is_clean(out: Path) -> None:
    outcome, found = run(out, check=True)
    assert outcome == Outcome()
    assert outcome.clean
    assert found == []


def test_check_does_not_wait_for_a_writer(out: Path) -> None:
    with _writer(out):
        assert run(out, check=True) == (Outcome(), [])


@pytest.mark.parametrize(("lengths", "end"), [
    ((196,), None), ((197,), "… and 1 more line"), ((299, 5, 5), "… and 103 more lines and 2 more files"), ((196, 1), "… and 1 more file"),
])
def test_the_diff_is_capped_and_counts_what_is_left_out(tmp_path: Path, lengths: tuple[int, ...], end: str | None) -> None:
    paths = [f"prod/artifacts/ai/chat/{index}.yaml" for index in range(len(lengths))]
    for path in paths:
        put(tmp_path, path, "")
    outcome, _ = run(tmp_path, {path: b"x\n" * length for path, length in zip(paths, lengths, strict=True)}, (), check=True)
    assert outcome is not None
    lines = outcome.diff.splitlines()
    assert len(lines) == (200 if end is None else 201)
    assert end is None or lines[-1] == end


# What is deleted


def test_stale_files_and_empty_folders_go(out: Path) -> None:
    outcome, found = run(out, LESS)
    assert outcome is not None
    assert outcome.stale == ("prod/artifacts/ai/chat/scrape.yaml", "prod/manifests/ai/chat/rule.yaml")
    assert found == []
    assert on_disk(out) == LESS
    assert not (out / "prod/manifests").exists()


def test_a_service_that_is_given_up_goes_whole(out: Path) -> None:
    run(out, {**TREE, **RANK}, OWNED + OTHER)
    outcome, found = run(out, RANK, OWNED + OTHER)
    assert outcome is not None
    assert outcome.stale == tuple(sorted(TREE))
    assert found == []
    assert on_disk(out) == RANK
    assert not (out / OWNED[0]).exists()


def test_folders_that_this_run_did_not_compile_are_left_alone(out: Path) -> None:
    assert run(out, RANK, OTHER) == (Outcome(added=tuple(sorted(RANK))), [])
    assert on_disk(out) == {**TREE, **RANK}


def test_the_platform_owns_a_file_beside_the_services(out: Path) -> None:
    files = {"prod/manifests/kustomization.yaml": b"k\n", "prod/manifests/platform/a.yaml": b"a\n", "prod/artifacts/platform/b.yaml": b"b\n"}
    full, bare = listed(files, SHARED[0]), listed({}, SHARED[0])
    assert run(out, full, SHARED)[1] == []
    outcome, found = run(out, bare, SHARED)
    assert outcome is not None
    assert outcome.stale == tuple(sorted(files))
    assert found == []
    assert on_disk(out) == {**TREE, **bare}


def test_what_was_changed_by_hand_is_kept_and_named(out: Path) -> None:
    put(out, "prod/manifests/ai/chat/rule.yaml", "kind: mine\n")
    outcome, found = run(out, LESS)
    assert outcome is not None
    assert outcome.stale == ("prod/artifacts/ai/chat/scrape.yaml",)
    assert found == ["W907"]
    assert on_disk(out) == {**LESS, "prod/manifests/ai/chat/rule.yaml": b"kind: mine\n"}
    assert run(out, LESS) == (Outcome(), ["W914"])


def test_a_shard_that_is_no_longer_compiled_goes_whatever_services_it_gathered(tmp_path: Path) -> None:
    home, shard = SHARED[0], "prod/manifests/platform/prometheus-rules-7.yaml"
    run(tmp_path, listed({f"{home}/prometheus.yml": b"1\n", shard: b"merged\n"}, home), SHARED)
    put(tmp_path, shard, "another branch's\n")
    less = listed({f"{home}/prometheus.yml": b"1\n"}, home)
    outcome, found = run(tmp_path, less, SHARED)
    assert outcome is not None
    assert (outcome.stale, found) == ((shard,), [])
    assert on_disk(tmp_path) == less


def test_a_list_without_digests_deletes_no_file_of_a_service(out: Path) -> None:
    put(out, LIST, json.dumps({"files": dict.fromkeys((path.removeprefix(f"{ENV}/") for path in FILES), "")}))
    outcome, found = run(out, LESS)
    assert outcome is not None
    assert (outcome.stale, set(found)) == ((), {"W907"})


def test_a_listed_file_that_is_already_gone_is_no_matter(out: Path) -> None:
    (out / "prod/manifests/ai/chat/rule.yaml").unlink()
    outcome, found = run(out, LESS)
    assert outcome is not None
    assert outcome.stale == ("prod/artifacts/ai/chat/scrape.yaml",)
    assert found == []


def test_foreign_files_are_left_alone_and_named(out: Path) -> None:
    for name in ("README.md", "notes/a.md", "notes/b.md", "z\n\udcff.md"):
        put(out, f"prod/artifacts/ai/chat/{name}", "mine")
    (out / "prod/artifacts/ai/chat/link").symlink_to(out.parent)
    put(out, "prod/artifacts/ai/other.md", "not in a folder of this run")
    before = on_disk(out)
    sink = Sink()
    assert write(out, TREE, OWNED, sink) == Outcome()
    assert on_disk(out) == before
    (found,) = sink
    assert (found.code, found.severity, found.place.file) == ("W914", Severity.WARNING, str(out / OWNED[0]))
    assert found.message == "not of this compiler, so left alone: `README.md`, `link`, `notes/a.md` and 2 more"


def test_names_that_a_terminal_would_obey_are_escaped(out: Path) -> None:
    put(out, "prod/artifacts/ai/chat/\x1b\udcff.md", "mine")
    sink = Sink()
    write(out, TREE, OWNED, sink)
    assert [found.message for found in sink] == ["not of this compiler, so left alone: `\\x1b\\udcff.md`"]


def test_a_file_whose_name_changed_case_is_not_deleted_where_case_makes_no_difference(out: Path) -> None:
    # A hard link under both names looks like one file on a disk that ignores case.
    os.link(out / "prod/artifacts/ai/chat/scrape.yaml", out / "prod/artifacts/ai/chat/Scrape.yaml")
    tree = listed({path.replace("scrape", "Scrape"): raw for path, raw in FILES.items()})
    outcome, _ = run(out, tree)
    assert outcome is not None
    assert outcome.stale == ()


# Hostile lists


@pytest.mark.parametrize("name", [
    "/etc/passwd", "../../victim", "artifacts/ai/chat/../../../../../victim", "artifacts/ai/chat/../../ai/rank/rules.yaml",
    "artifacts/ai/chat/./scrape.yaml", "artifacts/ai/chat//scrape.yaml", "artifacts/ai/chat/", "artifacts/ai/chat", "", ".", "..",
    "artifacts/ai/chat/..\\victim", "artifacts/ai/chat/a\0b", "artifacts/ai/chat/a\nb", "artifacts/ai/chat/\ud800", "artifacts/ai/chatty/x",
    "artifacts/ai/rank/rules.yaml", "manifests/ai/rank/rule.yaml", "manifests/kustomization.yaml", "artifacts/platform/b.yaml",
    "artifacts/ai/chat/folder", "artifacts/ai/chat/link", "artifacts/ai/chat/linked/victim",
], ids=ascii)
def test_a_hostile_list_deletes_nothing(out: Path, name: str) -> None:
    shared = listed({"prod/manifests/kustomization.yaml": b"", "prod/artifacts/platform/b.yaml": b""}, SHARED[0])
    rank = listed({"prod/artifacts/ai/rank/rules.yaml": b"", "prod/manifests/ai/rank/rule.yaml": b""}, OTHER[0])
    everything, owned = {**TREE, **rank, **shared}, (*OWNED, *OTHER, *SHARED)
    run(out, everything, owned)
    put(out.parent, "victim", "")
    put(out, "prod/artifacts/ai/chatty/x", "")
    (out / OWNED[0] / "folder").mkdir()
    (out / OWNED[0] / "link").symlink_to(out.parent / "victim")
    (out / OWNED[0] / "linked").symlink_to(out.parent)
    # The list has the right digest of every file that it names, and names one that it may not.
    put(out, "prod/manifests/ai/chat/rule.yaml", "")
    claim(out, "manifests/ai/chat/rule.yaml", name)
    before = on_disk(out.parent)
    tree = {**everything, LIST: b"new\n"}
    del tree["prod/manifests/ai/chat/rule.yaml"], tree["prod/artifacts/ai/chat/scrape.yaml"]
    for check in (True, False):
        sink = Sink()
        outcome = write(out, tree, owned, sink, check=check)
        assert [(found.code, found.place.file) for found in sink] == [("W905", str(out / LIST))]
        assert outcome == Outcome((LIST,), diff=outcome.diff if outcome else "")
    assert on_disk(out.parent) == {**before, f"out/{LIST}": b"new\n"}


def test_a_hostile_list_does_not_stop_other_services(out: Path) -> None:
    run(out, {**TREE, **RANK}, OWNED + OTHER)
    claim(out, "../../victim")
    rank = listed({"prod/artifacts/ai/rank/rules.yaml": b"rank\n"}, OTHER[0])
    outcome, found = run(out, {**TREE, **rank}, OWNED + OTHER)
    assert outcome is not None
    assert outcome.stale == ("prod/manifests/ai/rank/rule.yaml",)
    assert found == ["W905"]
    assert on_disk(out) == {**TREE, **rank}
    assert run(out, {**TREE, **rank}, OWNED + OTHER) == (Outcome(), [])


@pytest.mark.parametrize("text", [
    b"", b"{", b"[]", b"{}", b"null", b'{"files": 1}', b'{"files": ["a"]}', b'{"files": null}', b"\xff\xfe", b"[" * 100_000,
    b'<<<<<<< HEAD\n{"files": {}}\n', b'{"files": ' * 5000,
], ids=lambda text: repr(text[:12]))
def test_an_unreadable_list_deletes_nothing_and_is_replaced(out: Path, text: bytes) -> None:
    put(out, LIST, text)
    outcome, found = run(out, LESS)
    assert outcome is not None
    assert outcome.stale == ()
    assert found == ["W906"]
    assert on_disk(out) == {**TREE, **LESS}
    # From now on nobody knows whose they are.
    assert run(out, LESS) == (Outcome(), ["W914", "W914"])


# Obstacles


def _file_link(out: Path) -> str:
    (out / "prod/artifacts/ai/chat/rules.yaml").unlink()
    (out / "prod/artifacts/ai/chat/rules.yaml").symlink_to(out.parent / "victim")
    return "prod/artifacts/ai/chat/rules.yaml"


def _dangling_link(out: Path) -> str:
    (out / "prod/artifacts/ai/chat/rules.yaml").unlink()
    (out / "prod/artifacts/ai/chat/rules.yaml").symlink_to(out.parent / "nothing")
    return "prod/artifacts/ai/chat/rules.yaml"


def _list_link(out: Path) -> str:
    (out / LIST).rename(out.parent / "list")
    (out / LIST).symlink_to(out.parent / "list")
    return LIST


def _folder_link(out: Path) -> str:
    (out / OWNED[0]).rename(out.parent / "moved")
    (out / OWNED[0]).symlink_to(out.parent / "moved")
    return OWNED[0]


def _environment_link(out: Path) -> str:
    (out / ENV).rename(out.parent / "moved")
    (out / ENV).symlink_to("../moved")
    return ENV


def _folder_for_file(out: Path) -> str:
    (out / "prod/artifacts/ai/chat/rules.yaml").unlink()
    (out / "prod/artifacts/ai/chat/rules.yaml").mkdir()
    return "prod/artifacts/ai/chat/rules.yaml"


def _file_for_folder(out: Path) -> str:
    (out / "prod/manifests/ai/chat/rule.yaml").unlink()
    (out / "prod/manifests/ai/chat").rmdir()
    put(out, "prod/manifests/ai/chat", "")
    return "prod/manifests/ai/chat"


def _pipe(out: Path) -> str:
    (out / "prod/artifacts/ai/chat/rules.yaml").unlink()
    os.mkfifo(out / "prod/artifacts/ai/chat/rules.yaml")
    return "prod/artifacts/ai/chat/rules.yaml"


@pytest.mark.parametrize("obstruct", [
    _file_link, _dangling_link, _list_link, _folder_link, _environment_link, _folder_for_file, _file_for_folder, _pipe])
@pytest.mark.parametrize("check", [False, True])
def test_an_obstacle_stops_the_run(out: Path, obstruct: Callable[[Path], str], *, check: bool) -> None:
    put(out.parent, "victim", "victim")
    obstacle = obstruct(out)
    before = (on_disk(out.parent), stamps(out.parent))
    sink = Sink()
    assert write(out, dict.fromkeys(TREE, b"new\n"), OWNED, sink, check=check) is None
    assert {found.code for found in sink} <= {"W904", "W905"}
    assert {found.place.file for found in sink if found.code == "W904"} == {str(out / obstacle)}
    assert (on_disk(out.parent), stamps(out.parent)) == before


def test_a_link_in_place_of_an_owned_folder_is_never_followed(out: Path) -> None:
    put(out.parent, "moved/rule.yaml", "kind: PrometheusRule\n")
    (out / "prod/manifests/ai/chat/rule.yaml").unlink()
    (out / "prod/manifests/ai/chat").rmdir()
    (out / "prod/manifests/ai/chat").symlink_to(out.parent / "moved")
    outcome, found = run(out, LESS)
    assert outcome is not None
    assert outcome.stale == ()
    assert found == ["W905"]
    assert (out.parent / "moved/rule.yaml").is_file()


def test_the_output_folder_itself_may_be_a_link(out: Path) -> None:
    (out.parent / "link").symlink_to(out)
    assert run(out.parent / "link", LESS)[1] == []
    assert on_disk(out) == LESS


def test_a_file_in_place_of_the_output_folder(tmp_path: Path) -> None:
    put(tmp_path, "out", "mine")
    assert run(tmp_path / "out") == (None, ["W901"])
    assert on_disk(tmp_path) == {"out": b"mine"}


@pytest.mark.parametrize(("paths", "shown"), [
    (("prod/a.yaml", "prod/A.yaml"), "`prod/A.yaml` and `prod/a.yaml`"), (("prod/x/a", "Prod/x/a"), "`Prod/x/a` and `prod/x/a`"),
    (("prod/a", "prod/a/b"), "`prod/a` and `prod/a/b`"), (("prod/B/x", "prod/b"), "`prod/b` and `prod/B/x`"),
    (("prod/straße", "prod/STRASSE"), "`prod/STRASSE` and `prod/straße`"),
])
def test_two_files_at_one_place(tmp_path: Path, paths: tuple[str, str], shown: str) -> None:
    sink = Sink()
    assert write(tmp_path / "out", dict.fromkeys(paths, b""), (), sink) is None
    assert [(found.code, found.message) for found in sink] == [("W902", f"{shown} cannot both be files on every disk")]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", ["", ".", "/a", "../a", "a/../../b", "a//b", "a/", "./a", "a\\b", "a\0", "a\nb", "\ud800"], ids=ascii)
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, path: str) -> None:
    assert run(tmp_path / "out", {path: b"", "fine": b""}, ()) == (None, ["W903"])
    assert list(tmp_path.iterdir()) == []


# What a killed run left, or somebody who wants to look like one


def leave(out: Path, *steps: object, name: str = "journal.json", staged: Mapping[str, bytes] | None = None) -> None:
    """Forge the journal of a killed run."""
    put(out, f"{STAGING}/{name}", json.dumps({"steps": steps}))
    for file, raw in (staged or {}).items():
        put(out, f"{STAGING}/{file}", raw)


def step(path: str, *, new: bytes | None = b"new\n", old: bytes | None = None) -> dict[str, str | None]:
    """A step of a journal."""
    return {"path": path, "new": None if new is None else hashlib.sha256(new).hexdigest(),
            "old": None if old is None else hashlib.sha256(old).hexdigest()}


@pytest.mark.parametrize("path", [
    "/etc/passwd", "../victim", "prod/artifacts/../../../victim", "victim", "prod/victim", ".git/artifacts/x", "prod/artifacts",
    "prod/artifacts/ai/chat/linked/victim", "prod/artifacts/ai/chat/link", "prod/artifacts/ai/chat/folder", "prod/artifacts/a\0", "",
], ids=ascii)
@pytest.mark.parametrize("name", ["journal.json", "undo.json"])
@pytest.mark.parametrize("deletes", [False, True])
def test_a_hostile_journal_changes_nothing(out: Path, path: str, name: str, *, deletes: bool) -> None:
    put(out.parent, "victim", "mine")
    put(out, "victim", "mine")
    (out / OWNED[0] / "folder").mkdir()
    (out / OWNED[0] / "link").symlink_to(out.parent / "victim")
    (out / OWNED[0] / "linked").symlink_to(out.parent)
    first = step("prod/artifacts/ai/chat/zero.yaml")
    if name == "undo.json":
        hostile = step(path, new=b"mine") if deletes else step(path, new=b"mine", old=b"new\n")
    else:
        hostile = step(path, new=None, old=b"mine") if deletes else step(path, old=b"mine")
    leave(out, first, hostile, name=name, staged={"0.new": b"new\n", "1.new": b"new\n", "1.old": b"new\n"})
    before = on_disk(out.parent)
    sink = Sink()
    assert write(out, LESS, OWNED, sink) is None
    assert [(found.code, found.place.file) for found in sink] == [("W915", str(out / STAGING))]
    assert on_disk(out.parent) == before


@pytest.mark.parametrize("content", ["", "{", "[]", '{"steps": 1}', '{"steps": [1]}', '{"steps": [{"path": "a"}]}', "[" * 100_000,
                                     '{"steps": [{"path": 1, "new": null, "old": null}]}'], ids=lambda text: text[:20])
def test_a_journal_that_cannot_be_read_stops_the_run(out: Path, content: str) -> None:
    put(out, f"{STAGING}/journal.json", content)
    before = on_disk(out)
    assert run(out, LESS) == (None, ["W915"])
    assert on_disk(out) == before


def test_what_is_staged_must_be_what_the_journal_says(out: Path) -> None:
    for raw, link in ((b"other\n", False), (b"new\n", True)):
        leave(out, step("prod/artifacts/ai/chat/zero.yaml"), staged={} if link else {"0.new": raw})
        if link:
            put(out.parent, "secret", raw)
            (out / STAGING / "0.new").unlink()
            (out / STAGING / "0.new").symlink_to(out.parent / "secret")
        assert run(out, LESS) == (None, ["W915"])
        assert not (out / "prod/artifacts/ai/chat/zero.yaml").exists()


@pytest.mark.parametrize("link", [STAGING, f"{STAGING}/journal.json"])
def test_a_link_in_place_of_the_journal_is_not_followed(out: Path, link: str) -> None:
    leave(out.parent / "else", step("prod/artifacts/ai/chat/zero.yaml"), staged={"0.new": b"new\n"})
    if link != STAGING:
        (out / STAGING).mkdir()
    (out / link).symlink_to(out.parent / "else" / link)
    before = on_disk(out.parent)
    assert run(out, LESS) == (None, ["W915"])
    assert on_disk(out.parent) == before


def test_what_was_edited_since_the_run_was_killed_is_kept(out: Path) -> None:
    files = list(FILES)
    for path in files:
        put(out, path, "mine\n")
    leave(out, step(files[0], old=FILES[files[0]]), step(files[1], new=None, old=FILES[files[1]]), staged={"0.new": b"new\n"})
    assert run(out, RANK, OTHER)[1] == []
    assert on_disk(out) == {**TREE, **RANK, **dict.fromkeys(files, b"mine\n")}


def test_a_foreign_file_among_what_is_staged_stays(out: Path) -> None:
    put(out, f"{STAGING}/notes.md", "mine")
    put(out, f"{STAGING}/0.new", "left")
    assert run(out, LESS)[1] == []
    assert on_disk(out) == {**LESS, f"{STAGING}/notes.md": b"mine"}


# One writer at a time


@contextmanager
def _writer(out: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock until it is killed."""
    code = ("import fcntl, os, sys, time; handle = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)\n"
            "fcntl.flock(handle, fcntl.LOCK_EX); print(flush=True); time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", code, out / LOCK], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_a_second_writer_is_refused_until_the_first_is_gone(out: Path) -> None:
    before = stamps(out)
    with _writer(out) as process:
        assert run(out, LESS) == (None, ["W908"])
        assert {path: stamp for path, stamp in stamps(out).items() if not path.endswith(LOCK)} == before
        process.kill()
        process.wait()
        assert (out / LOCK).is_file()
        assert run(out, LESS)[1] == []
    assert on_disk(out) == LESS


def test_a_lock_that_was_removed_meanwhile_is_taken_anew(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    flock = fcntl.flock

    def slow(handle: int, operation: int) -> None:
        if not calls:  # the first holder ends between our open and our lock
            (out / LOCK).unlink()
        elif len(calls) == 1:  # … and another one comes
            (out / LOCK).unlink()
            put(out, LOCK, "")
        calls.append(handle)
        flock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", slow)
    assert run(out, LESS)[1] == []
    assert len(calls) == 3
    assert on_disk(out) == LESS


def test_a_link_in_place_of_the_lock_is_not_followed(out: Path) -> None:
    (out / LOCK).symlink_to(out.parent / "victim")
    assert run(out, LESS) == (None, ["W901"])
    assert not (out.parent / "victim").exists()


KILLED = """
import os, pathlib, signal, sys
from obsc import write
from obsc.diagnostics import Sink
sys.path.insert(0, sys.argv[2])
from test_write import LESS, OWNED
original, left = pathlib.Path.{method}, int(sys.argv[3])
def until(self, *rest, **more):
    global left
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return original(self, *rest, **more)
pathlib.Path.{method} = until
write.write(pathlib.Path(sys.argv[1]), LESS, OWNED, Sink())
"""


@pytest.mark.parametrize(("method", "after"), [("open", 0), ("open", 1), ("hardlink_to", 1), ("replace", 0), ("replace", 1), ("unlink", 0),
                                               ("unlink", 1)])
def test_the_run_after_a_killed_one_finishes_its_work(out: Path, method: str, after: int) -> None:
    arguments = [sys.executable, "-c", KILLED.replace("{method}", method), str(out), str(Path(__file__).parent), str(after)]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    assert (out / LOCK).is_file()
    outcome, found = run(out, LESS)
    assert outcome is not None
    assert found == []
    assert on_disk(out) == LESS
    assert [path.name for path in out.iterdir()] == [ENV]


# A disk that refuses


def _failing(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, after: int, error: BaseException) -> None:
    """Make a function fail at one call, and work again from then on."""
    original, calls = getattr(owner, name), iter(range(10_000))

    def fail(*positional: object, **named: object) -> object:
        if next(calls) == after:
            raise error
        return original(*positional, **named)

    monkeypatch.setattr(owner, name, fail)


FULL = OSError(errno.ENOSPC, "No space left on device")
DENIED = PermissionError(errno.EACCES, "Permission denied")
NEXT = listed({"prod/artifacts/ai/chat/rules.yaml": b"rules: 2\n", "prod/manifests/ai/chat/a.yaml": b"new\n",
               "prod/manifests/ai/chat/deep/b.yaml": b"new\n"})


@pytest.mark.parametrize(("owner", "name", "calls", "error"), [
    (Path, "chmod", 2, OSError(errno.EROFS, "Read-only file system")), (Path, "open", 5, FULL), (os, "fchmod", 5, DENIED),
    (os, "fsync", 8, OSError(errno.EIO, "Input/output error")), (Path, "replace", 5, DENIED), (Path, "mkdir", 2, FULL),
    (Path, "unlink", 1, DENIED),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_refused_run_leaves_everything_as_it_was(out: Path, owner: object, name: str, calls: int, error: OSError) -> None:
    before = (on_disk(out), stamps(out))
    for after in range(calls):
        with pytest.MonkeyPatch.context() as patch:
            _failing(patch, owner, name, after, error)
            sink = Sink()
            assert write(out, NEXT, OWNED, sink) is None
        (found,) = sink
        assert (found.code, found.message) == ("W901", f"the output cannot be written: {error.strerror}"), after
        assert (on_disk(out), stamps(out)) == before
        assert [path.name for path in out.iterdir()] == [ENV]
        assert not (out / "prod/manifests/ai/chat/deep").exists()
    assert run(out, NEXT)[1] == []
    assert on_disk(out) == NEXT


def test_a_refused_first_run_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, Path, "replace", 2, DENIED)
    assert run(tmp_path / "deep/out") == (None, ["W901"])
    assert list(tmp_path.iterdir()) == []


def test_the_refused_path_is_named(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if target.name != "rules.yaml":
            return replace(self, target)
        raise PermissionError(errno.EACCES, "Permission denied", str(self), None, str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    sink = Sink()
    write(out, NEXT, OWNED, sink)
    assert [found.place.file for found in sink] == [str(out / "prod/artifacts/ai/chat/rules.yaml")]


def test_a_file_that_cannot_be_read_is_a_finding(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for check, word in ((True, "read"), (False, "written")):
        with monkeypatch.context() as patch:
            _failing(patch, Path, "read_bytes", 2, DENIED)
            sink = Sink()
            assert write(out, TREE, OWNED, sink, check=check) is None
        assert [found.message for found in sink] == [f"the output cannot be {word}: Permission denied"]


def test_an_interrupted_run_is_taken_back(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (on_disk(out), stamps(out))
    _failing(monkeypatch, Path, "replace", 2, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        write(out, NEXT, OWNED, Sink())
    assert (on_disk(out), stamps(out)) == before


@pytest.mark.parametrize(("works", "said", "where", "then"), [
    # The journal, one output; then neither the next one nor the way back.
    ((0, 1, 3), "1 files could not be put back; the next run tries again", "/prod/artifacts/ai/chat/rules.yaml", TREE),
    ((0, 1), "nothing could be put back; the next run goes on", "", NEXT),
], ids=["back", "forth"])
def test_what_cannot_be_taken_back_is_said_and_settled_by_the_next_run(
        out: Path, monkeypatch: pytest.MonkeyPatch, works: tuple[int, ...], said: str, where: str, then: Mapping[str, bytes]) -> None:
    replace, calls = Path.replace, iter(range(100))

    def fail(self: Path, target: Path) -> Path:
        if next(calls) not in works:
            raise DENIED
        return replace(self, target)

    sink = Sink()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        assert write(out, NEXT, OWNED, sink) is None
    (found,) = sink
    assert found.message == f"the output cannot be written: failed halfway, and {said}"
    assert found.place.file == f"{out}{where}"
    assert is_unfinished(out)
    # A run of another service settles it.
    assert run(out, RANK, OTHER)[1] == []
    assert on_disk(out) == {**then, **RANK}


def test_without_hard_links_copies_are_kept(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> NoReturn:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    before = on_disk(out)
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    with monkeypatch.context() as patch:
        _failing(patch, Path, "replace", 3, DENIED)
        assert run(out, NEXT) == (None, ["W901"])
    assert on_disk(out) == before
    assert run(out, NEXT)[1] == []
    assert on_disk(out) == NEXT


# The same everywhere


def test_the_order_of_a_folders_entries_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir, listdir, results = os.scandir, os.listdir, []

    @contextmanager
    def shuffled(path: Path) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(path) as entries:
            yield random.sample(found := list(entries), len(found))

    def shuffled_names(path: Path) -> list[str]:
        return random.sample(found := listdir(path), len(found))

    for number in range(8):
        root = tmp_path / str(number)
        run(root, {**TREE, **RANK}, OWNED + OTHER)
        for name in "hgfedcba":
            put(root, f"{OWNED[0]}/{name}/{name}.md", name)
        put(root, "prod/manifests/ai/rank/rule.yaml", "mine")
        with monkeypatch.context() as patch:
            patch.setattr(os, "scandir", shuffled)
            patch.setattr(os, "listdir", shuffled_names)
            sink = Sink()
            outcome = write(root, {**LESS, **listed({}, OTHER[0])}, OWNED + OTHER, sink)
        results.append((outcome, [(found.code, found.message) for found in sink], sorted(on_disk(root).items())))
    assert all(result == results[0] for result in results)
    assert [code for code, _ in results[0][1]] == ["W914", "W907"]


NAMES = st.sampled_from([f"prod/{area}/ai/chat/{name}" for area in ("artifacts", "manifests") for name in ("a", "b", "c/d", "c/e", "f")])
FILE_SETS = st.dictionaries(NAMES, st.sampled_from([b"", b"1\n", b"2\n"]), max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(FILE_SETS, min_size=1, max_size=4), st.sets(st.sampled_from(["prod/artifacts/ai/chat/mine", "prod/manifests/ai/chat/c/mine"])))
def test_after_any_history_the_folder_is_the_tree_and_what_is_foreign(history: list[dict[str, bytes]], foreign: set[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for path in sorted(foreign):
            put(root, path, "mine")
        for files in history:
            tree = listed(files)
            expected, _ = run(root, tree, check=True)
            outcome, found = run(root, tree)
            assert outcome is not None
            assert expected is not None
            assert (outcome.changed, outcome.added, outcome.stale) == (expected.changed, expected.added, expected.stale)
            assert set(found) <= {"W914"}
            assert on_disk(root) == {**tree, **dict.fromkeys(foreign, b"mine")}
            assert run(root, tree)[0] == Outcome()
            assert not [path for path in root.rglob("*") if path.is_dir() and not any(path.iterdir())]
