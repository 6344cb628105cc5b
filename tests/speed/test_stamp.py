"""A command that would find everything as the last one left it says the same at once; any other runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from obsc import build, stamp
from obsc.__main__ import main
from samples import PLATFORM
from speed.commands import SPEC, place

WORDS = ("compile", "specs", "--out", "out")
RULES = Path("out/default/artifacts/ai/chat/rules.yaml")


def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str, str]:
    """How a command ends, and what it says."""
    monkeypatch.setattr(sys, "argv", ["obsc", *(words or WORDS)])
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    said = capfd.readouterr()
    return code, said.out, said.err


def is_known(*words: str) -> bool:
    return stamp.replayed(words or WORDS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a command left it, to be copied back before each test: what is asked of a copy is its content."""
    home = tmp_path_factory.mktemp("made")
    place(home, "chat", "rag")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("OBSC_CACHE", str(home / "cache"))
        patch.setattr(build, "signature", lambda: ("package", 0))
        patch.setattr(sys, "argv", ["obsc", *WORDS])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
    for name in ("specs", "out", "cache"):
        shutil.copytree(home / name, home / "saved" / name)
    return home


@pytest.fixture(autouse=True)
def left(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    back(made)
    monkeypatch.chdir(made)
    monkeypatch.setenv("OBSC_CACHE", str(made / "cache"))
    monkeypatch.setattr(build, "signature", lambda: ("package", 0))
    return made


def back(home: Path) -> None:
    """Put everything back."""
    for one in home.iterdir():
        if one.name != "saved":
            shutil.rmtree(one)
    shutil.copytree(home / "saved", home, dirs_exist_ok=True)


def same_time(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file's content and keep its size and its times, as far as anybody can."""
    before = path.stat()
    path.write_bytes(change(path.read_bytes()))
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def flip(raw: bytes) -> bytes:
    return raw.replace(b"a", b"b", 1)


def other(path: Path) -> None:
    path.unlink()
    path.with_name("copy").write_bytes(b"")
    path.symlink_to("copy")


def test_nothing_changed_and_the_same_is_said(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    full = run(capfd, monkeypatch, *WORDS, "--no-cache")
    monkeypatch.setitem(sys.modules, "obsc.cli", None)  # who needs the command line now fails
    assert run(capfd, monkeypatch) == full
    assert full[0] == 0
    assert full[1].startswith("default: 2 services")


def test_warnings_are_said_again(left: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with (left / "specs/chat.yaml").open("a") as file:
        file.write("alerts: {custom: [{name: Odd, expr: 'sum by (namespace) (odd_total) > 1', summary: Odd}]}\n")
    first = run(capfd, monkeypatch)
    assert "warning[S351]" in first[2]
    assert first[0] == 0
    monkeypatch.setitem(sys.modules, "obsc.cli", None)
    assert run(capfd, monkeypatch) == first


@pytest.mark.parametrize("change", [
    lambda: same_time(Path("specs/chat.yaml"), lambda raw: raw.replace(b"0.15", b"0.14")),
    lambda: same_time(Path("specs/platform.yaml"), flip),
    lambda: Path("specs/more.yaml").write_text(SPEC.format(name="more")),
    lambda: (Path("specs/deep").mkdir(), Path("specs/deep/more.YML").write_text(SPEC.format(name="more"))),
    lambda: Path("specs/rag.yaml").unlink(),
    lambda: Path("specs/rag.yaml").rename("specs/other.yaml"),
    lambda: Path("specs/linked.yaml").symlink_to("chat.yaml"),
    lambda: Path("specs/linked").symlink_to("."),
], ids=["edited", "platform", "added", "added below", "deleted", "renamed", "link", "linked folder"])
def test_another_input_is_another_run(change: Callable[[], object]) -> None:
    assert is_known()
    change()
    assert not is_known()


@pytest.mark.parametrize("change", [
    lambda: Path("specs/README.md").write_text("mine"),
    lambda: Path("specs/.hidden.yaml").write_text("mine"),
    lambda: os.utime("specs/chat.yaml"),
    lambda: os.utime(RULES),
    lambda: Path(shutil.copy(RULES, "copy")).replace(RULES),
], ids=["no spec", "hidden", "touched", "output touched", "output rewritten"])
def test_what_changes_nothing_is_no_other_run(change: Callable[[], object]) -> None:
    change()
    assert is_known()


@pytest.mark.parametrize("believed", [False, True])
@pytest.mark.parametrize("change", [
    lambda: same_time(RULES, flip),
    RULES.unlink,
    lambda: RULES.with_name("mine.yaml").write_text("mine"),
    (RULES.parent / "mine").mkdir,
    lambda: shutil.rmtree(RULES.parent),
    lambda: Path("out/default/manifests/kustomization.yaml").write_text(""),
    lambda: Path("out/default/artifacts/platform/.obsc.json").write_text("{}"),
    lambda: (Path("out/default/artifacts/ai/gone").mkdir(), Path("out/default/artifacts/ai/gone/part.json").write_text("{}")),
    (lambda: other(RULES)),
    lambda: shutil.rmtree("out"),
    lambda: Path("out/.obsc.lock").touch(),
    lambda: Path("out/.obsc-staging").mkdir(),
], ids=["edited", "deleted", "added", "folder", "folder gone", "manifest", "list", "another service", "link", "all", "locked", "killed"])
def test_another_output_is_another_run(change: Callable[[], object], believed: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    assert is_known()
    if believed:  # what the disk says of files: as it is once a clock's step is over
        monkeypatch.setattr(stamp, "_STEP", -10_000_000_000)
        assert is_known()
    change()
    assert not is_known()


def both(home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, change: Callable[[], object],
         *more: str) -> tuple[tuple[int, str, str], dict[Path, bytes | None]]:
    """What comes of it if one spec is edited, and something else was changed since the last command."""
    back(home)
    assert is_known()
    with monkeypatch.context() as patch:
        patch.setattr(stamp, "_STEP", -10_000_000_000)  # what the disk says of files is believed
        assert is_known()
        change()
        with Path("specs/rag.yaml").open("a") as file:
            file.write("alerts: {rules: {ServiceDown: {for: 3m}}}\n")
        said = run(capfd, monkeypatch, *WORDS, *more)
    return said, {path: path.read_bytes() if path.is_file() else None for path in Path("out").rglob("*")}


@pytest.mark.parametrize("change", [
    lambda: None,
    lambda: same_time(RULES, flip),
    RULES.unlink,
    lambda: RULES.with_name("mine.yaml").write_text("mine"),
    lambda: ((RULES.parent / "mine").mkdir(), (RULES.parent / "mine/one.yaml").write_text("mine")),
    lambda: shutil.rmtree(RULES.parent),
    lambda: other(RULES),
    lambda: (RULES.parent.rename("elsewhere"), RULES.parent.symlink_to(Path("elsewhere").absolute())),
    lambda: (Path("out/default/artifacts").rename("elsewhere"), Path("out/default/artifacts").symlink_to(Path("elsewhere").absolute())),
    lambda: (RULES.parent / ".obsc.json").write_text("{}"),
    lambda: Path("out/default/manifests/ai/chat").mkdir(parents=True, exist_ok=True),
    lambda: Path("out/default/artifacts/platform/prometheus.yml").write_text("mine"),
    lambda: shutil.rmtree("out"),
], ids=["nothing", "edited", "deleted", "added", "added below", "folder gone", "link", "linked folder", "linked area", "list",
        "folder", "platform", "all"])
def test_one_spec_changed_is_as_without_what_is_known(left: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
                                                      change: Callable[[], object]) -> None:
    assert both(left, capfd, monkeypatch, change) == both(left, capfd, monkeypatch, change, "--no-cache")


def test_one_spec_changed_and_only_its_folders_are_looked_at(left: Path, capfd: pytest.CaptureFixture[str],
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    found, settled = list[frozenset[str]](), stamp.settled

    def seen(out: str, marks: Mapping[str, str], owned: Iterable[str]) -> frozenset[str]:
        found.append(settled(out, marks, owned))
        return found[-1]

    monkeypatch.setattr(stamp, "settled", seen)
    both(left, capfd, monkeypatch, lambda: None)
    assert "default/artifacts/ai/chat" in found[0]
    assert "default/artifacts/ai/rag" not in found[0]


def test_an_edit_within_a_clocks_step_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    before = stamp._outputs("out", ["default"])
    same_time(RULES, flip)
    monkeypatch.setattr(stamp, "_outputs", lambda *_: before)  # as a disk tells it whose clock did not go on
    assert not is_known()


def test_what_another_step_would_not_tell_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_known()
    monkeypatch.setattr(stamp, "_STEP", -10_000_000_000)
    monkeypatch.setattr(stamp, "_content", None)  # the disk's word is enough now
    assert is_known()


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("OBSC_FAULT", "3"), ("OBSC_TRACEBACK", "1"), ("_OBSC_COMPLETE", "bash_source")])
def test_another_environment_is_another_run(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_known()
    monkeypatch.setenv(name, value)
    assert not is_known()


def test_other_words_another_folder_another_compiler_are_other_runs(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for more in (["--strict"], ["--infos"], ["--format", "json"], ["--env", "default"], ["--check"], ["--no-cache"], ["--cache", "elsewhere"]):
        assert not is_known(*WORDS, *more), more
    assert not is_known("compile", "--out", "out", "specs")
    for name, value in (("signature", lambda: ("another", 0)), ("libraries", lambda: "pydantic-9.dist-info")):
        with monkeypatch.context() as patch:
            patch.setattr(build, name, value)
            assert not is_known()
    (left / "below").mkdir()
    monkeypatch.chdir(left / "below")
    assert not is_known()
    monkeypatch.chdir(left)
    assert is_known()


def test_a_spoilt_stamp_is_none(left: Path) -> None:
    for path in (left / "cache").glob("??/*"):
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert not is_known()


@pytest.mark.parametrize("said", [b"", b"[]", b"{}", b'{"inputs": 3}', b'{"paths": [], "out": 1}', b"\xff"])
def test_a_stamp_of_another_form_is_none(said: bytes) -> None:
    one = stamp._command(WORDS)
    assert one is not None
    one.store.put(one.name, said)
    assert not is_known()


def test_a_run_that_fails_leaves_no_stamp(left: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (left / "specs/chat.yaml").write_text(SPEC.format(name="chat") + "unknown: 1\n")
    first = run(capfd, monkeypatch)
    assert first[0] == 1
    assert not is_known()
    assert run(capfd, monkeypatch) == first


def test_check_reads_and_leaves_no_stamp(left: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(left / "cache")
    assert run(capfd, monkeypatch, *WORDS, "--check")[0] == 0
    assert not (left / "cache").exists()
    same_time(RULES, flip)
    assert run(capfd, monkeypatch, *WORDS, "--check")[0] == 3


def test_no_cache_leaves_nothing(left: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(left / "cache")
    assert run(capfd, monkeypatch, *WORDS, "--no-cache")[0] == 0
    assert not (left / "cache").exists()


def test_what_changes_while_a_run_goes_on_leaves_no_stamp(left: Path, capfd: pytest.CaptureFixture[str],
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    keep = stamp.keep

    def edited(path: Path, text: str) -> None:
        def late(*arguments: object) -> None:
            path.write_text(text)
            keep(*arguments)  # type: ignore[arg-type]

        shutil.rmtree(left / "cache")
        with monkeypatch.context() as patch:
            patch.setattr(stamp, "keep", late)
            assert run(capfd, patch)[0] == 0
        assert not is_known()

    edited(RULES, "mine")
    edited(left / "specs/chat.yaml", SPEC.format(name="chat") + "# later\n")


def test_a_compiler_that_was_just_changed_leaves_no_stamp(left: Path, capfd: pytest.CaptureFixture[str],
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(left / "cache")
    now = (left / "specs/chat.yaml").stat().st_ctime_ns
    monkeypatch.setattr(build, "signature", lambda: ("package", now))
    assert run(capfd, monkeypatch)[0] == 0
    assert not is_known()


def test_a_catalog_beside_a_platform_that_is_given_alone_is_not_overlooked(left: Path, capfd: pytest.CaptureFixture[str],
                                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    (left / "specs/platform.yaml").write_text(PLATFORM + "catalogs: [own]\n")
    (left / "specs/own").mkdir()
    text = (Path(build.__file__).parent / "catalog/ollama.yaml").read_text().replace("name: ollama", "name: mine", 1)
    (left / "specs/own/mine.yaml").write_text(text)
    words = ("compile", "specs/platform.yaml", "specs/chat.yaml", "specs/rag.yaml", "--out", "out")
    assert run(capfd, monkeypatch, *words)[0] == 0
    (left / "specs/own/mine.yaml").write_text("name: 3\n")
    assert not is_known(*words)


def test_the_first_look_loads_nothing_heavy() -> None:
    script = (f"import sys; sys.path.insert(0, {str(Path(build.__file__).parents[1])!r})\n"
              "from obsc import stamp; stamp.replayed(['compile'])\n"
              "print(sorted({name.partition('.')[0] for name in sys.modules}"
              " & {'click', 'pydantic', 'ruamel', 'pathlib', 'dataclasses', 'grafanalib'}))")
    found = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
