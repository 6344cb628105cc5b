"""Same input, same bytes: whatever the machine, its settings, the order of its folders, or where the compiler lies."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from obsc import pipeline
from obsc.diagnostics import Severity, Sink
from obsc.source import load

ROOT = Path(__file__).parents[1]
# Loaded by Python before anything else: folders are then read in another order each time.
SHUFFLE = """\
import os, random

class Shuffled:
    def __init__(self, entries):
        with entries:
            self.entries = list(entries)
        random.shuffle(self.entries)
    def __enter__(self):
        return self
    def __exit__(self, *_):
        return None
    def __iter__(self):
        return iter(self.entries)
    def close(self):
        return None

scan, names = os.scandir, os.listdir
os.scandir = lambda *path: Shuffled(scan(*path))
os.listdir = lambda *path: random.sample(found := names(*path), len(found))
"""
# Path → permissions and content.
Tree = dict[str, tuple[int, bytes]]


@pytest.fixture(scope="module", autouse=True)
def _compiler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A copy of the compiler for every run: one that is edited meanwhile would be another one for each."""
    copy = tmp_path_factory.mktemp("compiler")
    shutil.copytree(ROOT / "compiler/obsc", copy / "obsc")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(copy))
        yield


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped specs, in folders of their own: what shuffling has something to do with."""
    folder = tmp_path_factory.mktemp("project") / "specs"
    shutil.copytree(ROOT / "specs", folder)
    for path in sorted(folder.glob("*.yaml")):
        (folder / path.stem).mkdir()
        path.rename(folder / path.stem / path.name)
    return folder


@pytest.fixture(scope="module")
def expected(specs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tree, str]:
    """What a plain run makes of them, and its findings."""
    return _run(specs, tmp_path_factory.mktemp("expected") / "out")


def _run(cwd: Path, out: Path, environment: Mapping[str, str] | None = None, *, paths: Sequence[str] = (".",),
         umask: int = -1) -> tuple[Tree, str]:
    done = subprocess.run([sys.executable, "-m", "obsc", "compile", "--infos", "--out", str(out), *paths], cwd=cwd, umask=umask,
                          env={**os.environ, **(environment or {})}, capture_output=True, check=False)
    said = done.stderr.decode()
    assert done.returncode == 0, said
    return _tree(out), said


def _tree(out: Path) -> Tree:
    return {path.relative_to(out).as_posix(): (path.stat().st_mode & 0o777, path.read_bytes() if path.is_file() else b"")
            for path in out.rglob("*")}


@pytest.mark.parametrize("environment", [
    {"PYTHONHASHSEED": "0"},
    {"PYTHONHASHSEED": "1"},
    {"PYTHONHASHSEED": "random"},
    {"TZ": "Asia/Kolkata"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    {"HOME": "/nonexistent", "USER": "somebody", "HOSTNAME": "elsewhere", "COLUMNS": "40", "PROMETHEUS": "x"},
], ids=lambda environment: " ".join("=".join(one) for one in environment.items()))
def test_settings_of_the_machine_change_nothing(
        specs: Path, expected: tuple[Tree, str], tmp_path: Path, environment: dict[str, str]) -> None:
    assert _run(specs, tmp_path / "out", environment) == expected


def test_the_umask_changes_nothing(specs: Path, expected: tuple[Tree, str], tmp_path: Path) -> None:
    assert _run(specs, tmp_path / "out", umask=0o077) == expected


@pytest.mark.parametrize("attempt", range(3))
def test_the_order_of_folders_changes_nothing(
        specs: Path, expected: tuple[Tree, str], tmp_path: Path, attempt: int) -> None:
    (tmp_path / "sitecustomize.py").write_text(SHUFFLE)
    environment = {"PYTHONPATH": os.pathsep.join((str(tmp_path), os.environ["PYTHONPATH"]))}
    assert _run(specs, tmp_path / "out", environment) == expected


def test_the_order_of_folders_is_really_shuffled(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SHUFFLE)
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number}.yaml").touch()
    code = f"from pathlib import Path; print([one.name for one in Path({str(folder)!r}).rglob('*')])"
    orders = {subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(tmp_path)},
                             capture_output=True, text=True, check=True).stdout for _ in range(2)}
    assert len(orders) == 2


@pytest.mark.parametrize("paths", [("specs",), ("./specs/../specs",), ("specs/support-chat", "specs")], ids=" ".join)
def test_another_folder_to_start_from_changes_no_file(
        specs: Path, expected: tuple[Tree, str], tmp_path: Path, paths: tuple[str, ...]) -> None:
    assert _run(specs.parent, tmp_path / "out", paths=paths)[0] == expected[0]


def test_absolute_paths_change_no_file(specs: Path, expected: tuple[Tree, str], tmp_path: Path) -> None:
    assert _run(tmp_path, tmp_path / "out", paths=(str(specs),))[0] == expected[0]


def test_the_built_wheel_compiles_the_same(specs: Path, expected: tuple[Tree, str], tmp_path: Path) -> None:
    # Building in this environment spares a download, where its build tool is there.
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    _pip("wheel", "--no-deps", *isolation, "--wheel-dir", str(tmp_path / "wheels"), str(ROOT))
    [wheel] = (tmp_path / "wheels").glob("obsc-*.whl")
    _pip("install", "--no-deps", "--no-index", "--target", str(tmp_path / "installed"), str(wheel))
    environment = {"PYTHONPATH": str(tmp_path / "installed")}
    where = subprocess.run([sys.executable, "-c", "import obsc; print(obsc.__file__)"], cwd=specs,
                           env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    assert Path(where.stdout.strip()).is_relative_to(tmp_path / "installed")
    assert _run(specs, tmp_path / "out", environment) == expected


def _pip(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# What does not matter in the input


def test_a_comment_changes_no_byte(compiled: Mapping[str, bytes]) -> None:
    commented = {name: "# A word to the reader.\n\n" + text.replace("\n", " # and another\n", 1) + "\n# The end.\n"
                 for name, text in _texts().items()}
    assert _compile(commented) == compiled


def test_the_order_and_the_names_of_files_change_nothing(compiled: Mapping[str, bytes]) -> None:
    backwards = list(reversed(_texts().values()))
    assert _compile({f"{number}.yaml": text for number, text in enumerate(backwards)}) == compiled


def test_documents_of_one_file_compile_as_files_do(compiled: Mapping[str, bytes]) -> None:
    assert _compile({"all.yaml": "---\n".join(reversed(_texts().values()))}) == compiled


def test_the_shipped_default_platform_is_the_built_in_one() -> None:
    texts = {name: text for name, text in _texts().items() if "platforms" not in name and "\nenvironments:" not in text}
    assert len(texts) > 1
    shipped = (ROOT / "specs/platforms/default.yaml").read_text()
    built_in = _compile(texts)
    assert {path.partition("/")[0] for path in built_in} == {"default"}
    assert _compile({**texts, "platform.yaml": shipped}) == built_in


def test_what_is_committed_is_what_the_specs_compile_to(tmp_path: Path) -> None:
    committed = ROOT / "out"
    if committed.is_dir():
        fresh, _ = _run(ROOT, tmp_path / "out", paths=("specs",))
        old = _tree(committed)
        differing = sorted(path for path in old | fresh if (old.get(path) or (0, b""))[1] != (fresh.get(path) or (0, b""))[1])
        assert differing == [], "run `make compile`, read the difference, and commit it"


@pytest.fixture(scope="module")
def compiled() -> Mapping[str, bytes]:
    """The shipped specs, compiled in this process."""
    return _compile(_texts())


def _texts() -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted((ROOT / "specs").rglob("*.yaml"))}


def _compile(texts: Mapping[str, str]) -> Mapping[str, bytes]:
    sink = Sink()
    sources = {name: load(name, text.encode(), sink) for name, text in texts.items()}
    tree = pipeline.compile_specs(sources, sink).tree
    assert [one.message for one in sink if one.severity is Severity.ERROR] == []
    return tree
