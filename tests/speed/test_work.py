"""What is known of earlier runs is what this run would have made; by how many processes makes no difference."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from obsc import build, inputs, objectfile, pipeline, work
from obsc.diagnostics import Diagnostic, Sink
from obsc.store import Store, key
from samples import PLATFORM
from speed.commands import SPEC, Place, place

OWN = (Path(build.__file__).parent / "catalog/ollama.yaml").read_text().replace("name: ollama", "name: mine", 1)
WARNED = "alerts: {custom: [{name: Odd, expr: 'sum by (namespace) (odd_total) > 1', summary: Odd}]}\n"


class Session:
    """Runs in one folder with one store; `compiled` are the files that had to be compiled by the last one."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.store, self.compiled = home, Store(str(home / "cache")), list[str]()
        translate = work.translate_bytes

        def counted(file: str, raw: bytes, setting: work.Setting) -> objectfile.ObjectFile | None:
            self.compiled.append(Path(file).name)
            return translate(file, raw, setting)

        monkeypatch.setattr(work, "translate_bytes", counted)

    def run(self, *, stored: bool = True, strict: bool = False, environment: str | None = None) -> tuple[
            Mapping[str, bytes], list[Diagnostic], str]:
        self.compiled.clear()
        sink = Sink(strict=strict)
        sources, services = inputs.sift([self.home / "specs"], sink)
        how = work.Work(1, self.store if stored else None)
        compiled = pipeline.compile_specs(sources, sink, environment=environment, services=services, work=how)
        return dict(compiled.tree), list(sink), pipeline.summary(compiled)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    made = place(tmp_path, "chat", "rag")
    (made.specs / "platform.yaml").write_text(PLATFORM + "catalogs: [own]\nenvironments: {one: {}, two: {}}\n")
    (made.specs / "own").mkdir()
    (made.specs / "own/mine.yaml").write_text(OWN)
    (made.specs / "rag.yaml").write_text(SPEC.format(name="rag").replace("vllm", "mine").replace(', version: "0.15"', "") + WARNED)
    return Session(tmp_path, monkeypatch)


def test_what_is_known_is_what_is_made(session: Session) -> None:
    fresh = session.run(stored=False)
    assert any(one.code == "S351" for one in fresh[1])
    assert session.run() == fresh
    assert session.compiled == ["chat.yaml", "rag.yaml"]
    assert session.run() == fresh
    assert session.compiled == []


def edit(name: str, change: Callable[[str], str]) -> Callable[[Path, pytest.MonkeyPatch], dict[str, object]]:
    def apply(home: Path, _: pytest.MonkeyPatch) -> dict[str, object]:
        path = home / "specs" / name
        path.write_text(change(path.read_text()))
        return {}

    return apply


def patched(name: str, value: str) -> Callable[[Path, pytest.MonkeyPatch], dict[str, object]]:
    def apply(_: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
        monkeypatch.setattr(build, name, lambda: value)
        return {}

    return apply


def rename(home: Path, _: pytest.MonkeyPatch) -> dict[str, object]:
    (home / "specs/chat.yaml").rename(home / "specs/talk.yaml")
    return {}


BOTH = ["chat.yaml", "rag.yaml"]


@pytest.mark.parametrize(("change", "missed"), [
    (edit("chat.yaml", lambda text: text.replace("llama", "other")), ["chat.yaml"]),
    (edit("chat.yaml", lambda text: "# a comment\n" + text), ["chat.yaml"]),
    (rename, ["talk.yaml"]),
    (edit("platform.yaml", lambda text: text + "prometheus: {scrapeInterval: 15s}\n"), BOTH),
    (edit("platform.yaml", lambda text: "# a comment moves its lines\n" + text), BOTH),
    (edit("own/mine.yaml", lambda text: text + "# a comment\n"), BOTH),
    (edit("platform.yaml", lambda text: text.replace(", two: {}", "")), BOTH),
    (lambda *_: {"environment": "one"}, BOTH),
    (lambda *_: {"strict": True}, BOTH),
    (patched("digest", "another compiler"), BOTH),
    (patched("libraries", "python-3.99.0"), BOTH),
    (patched("libraries", build.libraries().replace("pydantic-", "pydantic-9")), BOTH),
], ids=["spec", "comment", "name", "platform", "platform's comment", "catalog", "environments", "--env", "--strict", "compiler", "Python", "library"])
def test_whatever_outputs_depend_on_is_part_of_the_key(session: Session, monkeypatch: pytest.MonkeyPatch, missed: list[str],
                                                       change: Callable[[Path, pytest.MonkeyPatch], dict[str, object]]) -> None:
    session.run()
    options = change(session.home, monkeypatch)
    found = session.run(**options)  # type: ignore[arg-type]
    assert session.compiled == missed
    assert found == session.run(stored=False, **options)  # type: ignore[arg-type]


def test_findings_move_with_their_lines(session: Session) -> None:
    before = [one.place.line for one in session.run()[1] if one.code == "S351"]
    path = session.home / "specs/rag.yaml"
    path.write_text("# one\n# two\n" + path.read_text())
    for _ in range(2):
        assert [one.place.line for one in session.run()[1] if one.code == "S351"] == [line + 2 for line in before]
    assert session.compiled == []


def test_a_suppression_in_a_file_that_is_known_is_heeded(session: Session) -> None:
    path = session.home / "specs/rag.yaml"
    path.write_text(path.read_text().rstrip("\n") + "  # obsc: ignore S351 -- ours\n")
    first = session.run()
    assert [one.suppressed for one in first[1] if one.code == "S351"] == ["ours", "ours"][:1]
    assert session.run() == first
    assert session.compiled == []


@pytest.mark.parametrize("spoil", [
    lambda raw: raw[:-1], lambda _: b"", lambda raw: raw[:40] + b"!" + raw[41:],
], ids=["cut", "empty", "changed"])
def test_spoilt_entries_are_made_anew(session: Session, spoil: Callable[[bytes], bytes]) -> None:
    fresh = session.run()
    for path in (session.home / "cache").glob("??/*"):
        path.write_bytes(spoil(path.read_bytes()))
    assert session.run() == fresh
    assert session.compiled == BOTH
    assert session.run() == fresh
    assert session.compiled == []


def test_an_entry_that_is_whole_but_no_object_file_is_made_anew(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = session.run()
    monkeypatch.setattr(Store, "get", lambda *_: b"\0\0\0\2{}")
    assert session.run() == fresh
    assert session.compiled == BOTH


def test_a_file_with_errors_is_compiled_each_time(session: Session) -> None:
    path = session.home / "specs/chat.yaml"
    path.write_text(path.read_text() + "unknown: 1\n")
    first = session.run()
    assert session.run() == first
    assert session.compiled == ["chat.yaml"]


def test_without_the_platform_that_could_not_be_read_nothing_is_remembered_of_services(session: Session) -> None:
    path = session.home / "specs/platform.yaml"
    text = path.read_text()
    path.write_text(text + "\t- x: [\n")
    assert session.run()[0] == {}
    path.unlink()
    (session.home / "specs/own/mine.yaml").unlink()
    found = session.run()
    assert found == session.run(stored=False)
    assert "default/artifacts/ai/chat/rules.yaml" in found[0]


def test_a_service_file_that_has_a_platform_after_all_is_known_to_all(session: Session) -> None:
    (session.home / "specs/platform.yaml").unlink()
    with (session.home / "specs/chat.yaml").open("a") as file:
        file.write("---\n" + PLATFORM.replace("AIPlatform", '"AI\\x50latform"').replace("name: default", "name: hidden"))
    tree = session.run()[0]
    assert "hidden/artifacts/ai/chat/rules.yaml" in tree
    assert tree == session.run()[0]


def test_object_files_are_read_as_they_were_written(session: Session) -> None:
    sink = Sink()
    sources, services = inputs.sift([session.home / "specs"], sink)
    compiled = pipeline.compile_specs({**sources, **inputs.read([Path(name) for name in services], sink)}, sink)
    again = pipeline.compile_specs(sources, Sink(), services=services)
    assert dict(again.tree) == dict(compiled.tree)
    with pytest.raises(ValueError, match="no object file"):
        objectfile.unpack(b"{}")


@pytest.mark.parametrize("more", [(), ("--strict",)])
def test_by_how_many_processes_makes_no_difference(tmp_path: Path, more: tuple[str, ...]) -> None:
    made = _fleet(tmp_path)
    found = [made.compile("--out", f"out{jobs}", "--no-cache", "-j", str(jobs), *more) for jobs in (1, 2, 5)]
    assert {one.code for one in found} == {1}
    assert len({(one.stdout, one.stderr.replace(f"out{jobs}", "out")) for jobs, one in zip((1, 2, 5), found, strict=True)}) == 1
    assert "error[V101]" in found[0].stderr
    assert "S351" in found[0].stderr
    trees = [Place(tmp_path)._replace(home=tmp_path / f"tree{jobs}") for jobs in (1, 2, 5)]
    for jobs, tree in zip((1, 2, 5), trees, strict=True):
        tree.home.mkdir()
        (tmp_path / f"out{jobs}").rename(tree.out)
    assert trees[0].tree() == trees[1].tree() == trees[2].tree()
    assert len(trees[0].tree()) > (20 if not more else 0)


def _fleet(home: Path) -> Place:
    made = place(home, *(f"service-{number}" for number in range(7)))
    (made.specs / "service-3.yaml").write_text(SPEC.format(name="service-3") + "unknown: 1\n")
    (made.specs / "service-5.yaml").write_text(SPEC.format(name="service-5") + WARNED)
    return made


DRIVER = """
import os, sys
from obsc import work
translate = work.translate_bytes
def last(file, raw, setting):
    if "service-4" in file:
        {end}
    return translate(file, raw, setting)
work.translate_bytes = last
sys.argv = ["obsc", "compile", "specs", "--no-cache", "-j", "{jobs}"]
from obsc.__main__ import main
main()
"""


@pytest.mark.parametrize(("end", "said"), [("os._exit(9)", "a worker process died"), ("os.kill(os.getpid(), 9)", "a worker process died"),
                                           ("raise RuntimeError('a fault')", "RuntimeError: a fault")])
def test_a_process_that_dies_is_a_fault_of_ours_and_nothing_is_written(tmp_path: Path, end: str, said: str) -> None:
    place(tmp_path, *(f"service-{number}" for number in range(7)))
    found = subprocess.run([sys.executable, "-c", DRIVER.format(end=end, jobs=2)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 70
    assert "internal error" in found.stderr
    assert said in found.stderr
    assert not (tmp_path / "out").exists()


def test_who_interrupts_a_run_ends_all_of_it(tmp_path: Path) -> None:
    place(tmp_path, *(f"service-{number}" for number in range(7)))
    script = DRIVER.format(end="time.sleep(60)", jobs=2).replace("import os, sys", "import os, sys, time; open('begun', 'w')")
    script = script.replace("time.sleep(60)", "open('asleep', 'w').close(); time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, start_new_session=True, stderr=subprocess.PIPE, text=True) as child:
        while not (tmp_path / "asleep").exists():
            assert child.poll() is None
            time.sleep(0.05)
        os.killpg(child.pid, signal.SIGINT)
        _, said = child.communicate(timeout=20)
    assert child.returncode == 1
    assert "Traceback" not in said
    assert "Aborted" in said
    assert not (tmp_path / "out").exists()
    with pytest.raises(ProcessLookupError):  # nobody of the group is left
        os.killpg(child.pid, 0)


def test_a_part_of_a_key_is_no_other_part() -> None:
    assert key("a", "b") != key("ab")
