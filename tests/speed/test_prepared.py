"""What an earlier process made of a data file is what this one would make of it; of anything else it is made anew."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from obsc import build, prepared
from obsc.catalog import kinds, load_runtime, names
from obsc.catalog.reading import read
from obsc.diagnostics import Sink


class Maker:
    """Counts how often something is made."""

    def __init__(self, home: Path) -> None:
        self.file, self.times = home / "one.yaml", 0
        self.file.write_text("a: 1\n")

    def get(self) -> tuple[str, bytes]:
        def make(raw: bytes) -> tuple[str, bytes]:
            self.times += 1
            return ("made", raw)

        return prepared.prepared(self.file, make)

    @property
    def kept(self) -> list[Path]:
        return sorted((self.file.parent / "__pycache__").glob("*"))


@pytest.fixture
def maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maker:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    return Maker(tmp_path)


def test_it_is_made_once(maker: Maker) -> None:
    assert maker.get() == maker.get() == ("made", b"a: 1\n")
    assert (maker.times, len(maker.kept)) == (1, 1)


def other_file(maker: Maker, _: pytest.MonkeyPatch) -> None:
    maker.file.write_text("a: 2\n")


def other_package(_: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "digest", lambda: "another")


def other_libraries(_: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "libraries", lambda: "pydantic-99")


@pytest.mark.parametrize("change", [other_file, other_package, other_libraries])
def test_of_another_it_is_made_anew(maker: Maker, monkeypatch: pytest.MonkeyPatch,
                                    change: Callable[[Maker, pytest.MonkeyPatch], None]) -> None:
    maker.get()
    change(maker, monkeypatch)
    assert maker.get() == ("made", maker.file.read_bytes())
    assert maker.times == 2
    maker.get()
    assert maker.times == 2


@pytest.mark.parametrize("damage", [
    lambda raw: raw[:-1], lambda raw: raw[:20], lambda _: b"", lambda raw: raw[:40] + b"!" + raw[41:], lambda raw: b"!" + raw[1:],
    lambda raw: raw[:32] + pickle.dumps(("another", b"")),
])
def test_what_is_damaged_is_made_anew(maker: Maker, damage: Callable[[bytes], bytes]) -> None:
    maker.get()
    [kept] = maker.kept
    kept.write_bytes(damage(kept.read_bytes()))
    assert maker.get() == ("made", b"a: 1\n")
    assert maker.times == 2


def test_nothing_is_kept_where_python_keeps_nothing(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert maker.get() == maker.get()
    assert (maker.times, maker.kept) == (2, [])


def test_what_cannot_be_kept_is_made(maker: Maker) -> None:
    (maker.file.parent / "__pycache__").write_text("in the way")
    assert maker.get() == maker.get() == ("made", b"a: 1\n")
    assert maker.times == 2


def test_an_entry_is_the_same_after_it_was_kept() -> None:
    for name in names():
        entry = read(f"{name}.yaml", (files("obsc.catalog") / f"{name}.yaml").read_bytes(), Sink())
        assert entry == load_runtime(name) == pickle.loads(pickle.dumps(entry, 5))
        assert entry is not None
        assert entry.by_name == pickle.loads(pickle.dumps(entry, 5)).by_name
    assert kinds.known() == pickle.loads(pickle.dumps(kinds.known(), 5))


def test_a_second_process_does_not_load_what_reads_entries() -> None:
    script = ("import sys; from obsc.catalog import kinds, load_runtime; load_runtime('vllm'); kinds.known()\n"
              "print([name for name in sys.modules if name.endswith(('catalog.form', 'catalog.reading', 'kinds.form'))])")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(2):
        found = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
