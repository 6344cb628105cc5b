"""Workflows of GitHub Actions, run here: `run` steps by bash as a runner starts it, actions by what they are used for.

What is not understood is an error: an expression that has no value, an action or a condition that nobody expected.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from docs.console import environment

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_SHELL = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
# What `gh` was asked for, with the file that goes along.
_GH = """#!/bin/sh
printf '%s\\n' "gh $*" >>"$GH_LOG"
for last; do :; done
if [ -f "$last" ]; then cat "$last" >>"$GH_LOG"; fi
"""
# The release that workflows install is the one of these tests, already there; pip takes a second to say so.
_PYTHON = f"""#!/bin/sh
case "$*" in
  "-m pip install --quiet obsc=={version("obsc")}" | "-m pip install --quiet obsc[verify]=={version("obsc")}") ;;
  *) echo "unexpected: python3 $*"; exit 99 ;;
esac
"""


@dataclass
class Done:
    """How a job ended: the exit code of its last step, the steps that ran, and what they printed."""

    code: int = 0
    steps: list[str] = field(default_factory=list)
    printed: str = ""
    asked: str = ""  # of `gh`


def run_job(workflow: Path, job: str, at: Path, origin: Mapping[str, Path], said: Mapping[str, str]) -> Done:
    """Run a job of a workflow in an empty folder. `origin` are repositories by name ("" is the workflow's own), `said` what
    expressions are worth. It stops at the first step that fails.
    """
    text = yaml.safe_load(workflow.read_text())
    at.mkdir(parents=True)
    log, tools = at.parent / f"{at.name}.gh", at.parent / f"{at.name}.bin"
    tools.mkdir()
    for name, script in (("gh", _GH), ("python3", _PYTHON)):
        (tools / name).write_text(script)
        (tools / name).chmod(stat.S_IRWXU)
    shared = environment(GH_LOG=str(log), HOME=str(tools), CI="true", **{key: _value(word, said) for key, word in text.get("env", {}).items()})
    shared["PATH"] = f"{tools}{os.pathsep}{shared['PATH']}"
    done = Done()
    for step in text["jobs"][job]["steps"]:
        assert "if" not in step
        done.steps.append(step.get("name", step.get("uses")))
        if "uses" in step:
            _ACTIONS[step["uses"].partition("@")[0]](at, {key: _value(str(word), said) for key, word in step.get("with", {}).items()}, origin)
            continue
        assert not _EXPRESSION.search(step["run"]), "a value in a shell's text is a command that somebody else may write"
        told = {**shared, **{key: _value(str(word), said) for key, word in step.get("env", {}).items()}}
        one = subprocess.run([*_SHELL, step["run"]], cwd=at / step.get("working-directory", "."), env=told, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False)
        done.printed += one.stdout
        if one.returncode:
            done.code = one.returncode
            break
    done.asked = log.read_text() if log.exists() else ""
    return done


def git(at: Path, *arguments: str) -> str:
    """A command of git in a folder; what it printed."""
    told = environment(GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@example.com", GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@example.com")
    return subprocess.run(["git", "-c", "init.defaultBranch=main", *arguments], cwd=at, env=told, check=True, capture_output=True, text=True).stdout


def repository(home: Path, name: str, content: Path) -> Path:
    """A bare repository whose branch main has the files of a folder."""
    bare, work = home / f"{name}.git", home / f"{name}.first"
    shutil.copytree(content, work)
    git(work, "init", "--quiet")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", "Begin")
    git(home, "clone", "--quiet", "--bare", str(work), str(bare))
    return bare


def _value(text: str, said: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda one: said[one[1]], text)


def _checkout(at: Path, given: Mapping[str, str], origin: Mapping[str, Path]) -> None:
    assert given.keys() <= {"repository", "path", "token", "fetch-depth", "persist-credentials"}
    target = at / given.get("path", ".")
    # As the action does, other folders in the work tree stay.
    git(at, "clone", "--quiet", str(origin[given.get("repository", "")]), str(target))


def _upload(at: Path, given: Mapping[str, str], _: Mapping[str, Path]) -> None:
    found: Any = json.loads((at / given["sarif_file"]).read_text())
    assert found["version"] == "2.1.0"
    assert found["runs"][0]["tool"]["driver"]["name"] == "obsc"


def _nothing(_: Path, given: Mapping[str, str], __: Mapping[str, Path]) -> None:
    assert given == {"python-version": "3.12"}


_ACTIONS = {"actions/checkout": _checkout, "actions/setup-python": _nothing, "github/codeql-action/upload-sarif": _upload}
