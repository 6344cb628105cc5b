"""Completion as shells ask for it: by the script that `obsc completion` prints, in a real shell."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from docs.console import environment
from obsc.catalog import names

PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: fleet}
environments: {prod: {}, production-eu: {}, staging: {}, "$(touch pwned)": {}, "*": {}}
"""
# What the script's function finds for the words of a line, the last of which is being written.
BASH = """\
source <(obsc completion bash)
compopt() { :; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_obsc_completion obsc
printf '%s\\n' "${COMPREPLY[@]}"
"""
LIGHT = ("pydantic", "grafanalib", "promql_parser", "jsonschema", "obsc.pipeline", "obsc.resolve")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/platform.yaml").write_text(PLATFORM)
    (tmp_path / "specs/broken.yaml").write_text("AIPlatform: [\n")
    (tmp_path / "elsewhere.yaml").write_text(PLATFORM.partition("environments")[0])
    return tmp_path


def completed(place: Path, *words: str) -> list[str]:
    done = subprocess.run(["bash", "--norc", "-c", BASH, "bash", "obsc", *words], cwd=place, env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(("words", "found"), [
    (["comp"], ["compile", "completion"]),
    (["compile", "--env", "prod"], ["prod", "production-eu"]),
    (["plan", "HEAD", "--env", "s"], ["staging"]),
    (["compile", "elsewhere.yaml", "--env", ""], ["fleet"]),
    (["link", "x", "--platform", "elsewhere.yaml", "--env", ""], ["fleet"]),
    (["explain", "S31"], ["S310", "S311", "S312", "S313", "S314", "S315", "S316", "S317", "S318", "S319"]),
    (["catalog", "show", "vllm"], ["vllm", "vllm-router"]),
    (["catalog", "diff", "sgl"], ["sglang"]),
    (["completion", ""], ["bash", "zsh", "fish"]),
    (["validate", "--form"], ["--format"]),
    (["validate", "--format", "s"], ["sarif"]),
], ids=" ".join)
def test_bash_completes(place: Path, words: list[str], found: list[str]) -> None:
    assert completed(place, *words) == found
    assert not (place / "pwned").exists()


def test_every_environment_that_has_a_name_and_no_other(place: Path) -> None:
    assert completed(place, "compile", "--env", "") == ["prod", "production-eu", "staging"]


def test_every_runtime(place: Path) -> None:
    assert completed(place, "catalog", "show", "") == list(names())


def test_without_a_platform_there_is_the_built_in_one(tmp_path: Path) -> None:
    assert completed(tmp_path, "compile", "--env", "") == ["default"]


def test_specs_are_completed_as_files_in_a_shell_that_somebody_types_into(place: Path) -> None:
    """A key is pressed in a terminal, and the line grows."""
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(place)
        os.execvpe("bash", ["bash", "--norc", "-i"], {**environment(), "PS1": "> ", "TERM": "xterm", "COLUMNS": "200"})
    try:
        _typed(terminal, "source <(obsc completion bash); echo rea''dy\n", "ready")
        assert "specs/platform.yaml" in _typed(terminal, "obsc validate specs/pl\t", "specs/platform.yaml")
        assert "staging" in _typed(terminal, "\x15obsc compile --env st\t", "staging")
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def _typed(terminal: int, keys: str, until: str) -> str:
    """What the terminal shows from these keys on, until something appears in it (or not, for long)."""
    os.write(terminal, keys.encode())
    seen, end = "", time.monotonic() + 60
    while until not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 4096).decode(errors="replace")
    return seen


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_completes(place: Path) -> None:
    # `compdef` and `_describe` are what zsh brings along for this; here they show what they are given.
    script = """\
compdef() { :; }; _describe() { print -l -- ${(P)3} }; compadd() { print -l -- ${(P)argv[-1]} }
source <(obsc completion zsh)
words=(obsc compile --env prod); CURRENT=4; _obsc_completion
words=(obsc explain S317); CURRENT=3; _obsc_completion
"""
    done = subprocess.run(["zsh", "-f", "-c", script], cwd=place, env=environment(), capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[:3] == ["prod", "production-eu", "S317:threshold between buckets"], done.stderr


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes(place: Path) -> None:
    script = "obsc completion fish | source; complete --do-complete 'obsc compile --env prod'; complete --do-complete 'obsc explain S317'"
    done = subprocess.run(["fish", "--no-config", "-c", script], cwd=place, env=environment(HOME=str(place)), capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["prod", "production-eu", "S317\tthreshold between buckets"]


@pytest.mark.parametrize("words", ["obsc comp", "obsc compile --env p", "obsc explain S3", "obsc catalog show v"])
def test_a_key_press_loads_nothing_heavy(place: Path, words: str) -> None:
    code = "import sys; sys.argv = ['obsc']\nfrom obsc.__main__ import main\ntry:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    told = environment(_OBSC_COMPLETE="bash_complete", COMP_WORDS="\n".join(words.split()), COMP_CWORD=str(words.count(" ")))
    done = subprocess.run([sys.executable, "-c", code], cwd=place, env=told, capture_output=True, text=True, check=False)
    assert done.stdout
    assert [one for one in done.stderr.split() if one in LIGHT] == []
