"""The three example repositories work together as their pages say. `python tests/examples/test_examples.py` writes the pages' output."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # where it runs as a program

from docs.console import replayed
from examples.runner import Done, git, repository, run_job
from obsc import cli

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PAGES = ("service-repository", "platform-repository")
# Another team's repository: one spec of ten lines, and the same workflow.
CHAT = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {name: support-chat, namespace: assistants, team: assistants}
runtime: {name: vllm, version: "0.15"}
models: [{name: llama-3.1-70b-instruct}]
accelerators: {resource: nvidia.com/gpu, perPod: 2}
"""
SAID = {"github.repository": "example/search", "github.sha": "c0ffee", "github.token": "t", "secrets.GITOPS_TOKEN": "t",
        "secrets.SERVICES_TOKEN": "t", "github.event.pull_request.number": "7"}


class World:
    """Repositories, and the jobs of their workflows."""

    def __init__(self, home: Path) -> None:
        self.home, self.jobs = home, 0
        shutil.copytree(EXAMPLES / "service-repository", home / "chat")
        shutil.rmtree(home / "chat/specs")
        (home / "chat/specs").mkdir()
        (home / "chat/specs/support-chat.yaml").write_text(CHAT)
        self.origin = {
            "search": repository(home, "search", EXAMPLES / "service-repository"), "chat": repository(home, "chat", home / "chat"),
            "platform": repository(home, "platform", EXAMPLES / "platform-repository"),
            "gitops": repository(home, "gitops", EXAMPLES / "gitops-repository")}

    def run(self, whose: str, job: str, said: Mapping[str, str] | None = None, branch: str = "") -> Done:
        """Run a job of a repository's workflow, from a fresh checkout."""
        self.jobs += 1
        own = self.origin[whose]
        if branch:
            own = self.home / f"pull-{self.jobs}"
            git(self.home, "clone", "--quiet", "--branch", branch, str(self.origin[whose]), str(own))
        workflow = self.clone(whose) / ".github/workflows"
        origin = {"": own, **{f"example/{name}": bare for name, bare in self.origin.items()}}
        [path] = workflow.glob("*.yaml")
        return run_job(path, job, self.home / f"job-{self.jobs}", origin, {**SAID, **(said or {})})

    def clone(self, whose: str) -> Path:
        """A new work tree of a repository."""
        self.jobs += 1
        target = self.home / f"clone-{self.jobs}"
        git(self.home, "clone", "--quiet", str(self.origin[whose]), str(target))
        return target

    def push(self, whose: str, path: str, old: str, new: str, branch: str = "main") -> str:
        """Change a file and push it; the revision before."""
        work = self.clone(whose)
        base = git(work, "rev-parse", "HEAD").strip()
        text = (work / path).read_text()
        assert old in text
        (work / path).write_text(text.replace(old, new))
        git(work, "commit", "--quiet", "--all", "--message", "Change")
        git(work, "push", "--quiet", "origin", f"HEAD:{branch}")
        return base


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Both teams have committed, and the GitOps repository has linked."""
    world = World(tmp_path_factory.mktemp("world"))
    for whose, job in (("search", "commit"), ("chat", "commit"), ("gitops", "link")):
        done = world.run(whose, job)
        assert done.code == 0, done.printed
    return world


@pytest.fixture
def world(built: World, tmp_path: Path) -> World:
    """The same, to be changed."""
    one = World.__new__(World)
    one.home, one.jobs = tmp_path, 0
    one.origin = {name: tmp_path / f"{name}.git" for name in built.origin}
    for name, bare in built.origin.items():
        shutil.copytree(bare, one.origin[name])
    return one


def files(at: Path) -> dict[str, bytes]:
    """Compiled files of a GitOps repository."""
    return {path.relative_to(at).as_posix(): path.read_bytes() for folder in ("prod", "staging") for path in (at / folder).rglob("*") if path.is_file()}


def compiled(home: Path, *, without: str = "") -> dict[str, bytes]:
    """What one compilation of everybody's specs gives."""
    specs = home / "all"
    shutil.copytree(EXAMPLES / "service-repository/specs", specs, ignore=shutil.ignore_patterns(without))
    (specs / "chat.yaml").write_text(CHAT)
    shutil.copytree(EXAMPLES / "platform-repository/platform", specs / "platform")
    with pytest.raises(SystemExit) as ended:
        cli.main(["compile", str(specs), "--out", str(home / "out"), "--no-cache"])
    assert ended.value.code == 0
    return files(home / "out")


def test_two_services_repositories_and_a_link_give_what_one_compilation_gives(built: World, tmp_path: Path) -> None:
    assert files(built.clone("gitops")) == compiled(tmp_path)


def test_the_page_shows_the_folders_that_are_there(built: World) -> None:
    work = built.clone("gitops")
    page = (EXAMPLES / "gitops-repository/README.md").read_text()
    shown = page.partition("```text\n")[2].partition("```")[0].splitlines()
    assert shown == sorted({path.rpartition("/")[0] + "/" for path in files(work) if path.count("/") > 2})


def test_each_commits_its_own_folders_only(built: World) -> None:
    work = built.clone("gitops")
    log = git(work, "log", "--format=%s", "--name-only", "--diff-filter=ACMRTD", "--reverse").strip()
    outputs, linked = log.split("\n\n", 1)[1].rsplit("Link\n", 1)
    of_search, of_chat = outputs.split("Outputs of example/search@c0ffee\n")[1:]
    owners = [{tuple(path.split("/")[2:4]) for path in part.split()} for part in (of_search, of_chat)]
    assert owners == [{("search-web", "product-search"), ("search-web", "reranker")}, {("assistants", "support-chat")}]
    assert {path.split("/")[2] for path in linked.split()} == {"platform", "kustomization.yaml"}


def test_a_second_run_commits_nothing(world: World) -> None:
    before = git(world.clone("gitops"), "rev-parse", "HEAD")
    for whose, job in (("search", "commit"), ("chat", "commit"), ("gitops", "link"), ("platform", "commit")):
        assert world.run(whose, job).code == 0
    assert git(world.clone("gitops"), "rev-parse", "HEAD") == before


def test_a_pull_request_with_a_mistake_fails_at_its_line(world: World) -> None:
    base = world.push("search", "specs/reranker.yaml", "threshold: 500ms", "treshold: 500ms", branch="mistake")
    done = world.run("search", "review", {"github.event.pull_request.base.sha": base}, branch="mistake")
    assert (done.code, done.steps[-1]) == (1, "Findings at their lines")
    assert "github/codeql-action/upload-sarif@v3" in done.steps
    assert "::error file=specs/reranker.yaml,line=17," in done.printed
    assert not done.asked


def test_a_pull_request_is_told_what_it_means(world: World) -> None:
    base = world.push("search", "specs/reranker.yaml", "threshold: 500ms", "threshold: 1s", branch="slower")
    done = world.run("search", "review", {"github.event.pull_request.base.sha": base}, branch="slower")
    assert done.code == 0, done.printed
    assert done.asked.startswith("gh pr comment 7 --edit-last --create-if-none --body-file plan.md\n")
    assert "HighInferenceLatency" in done.asked
    assert "500ms" in done.asked or "0.5" in done.asked
    assert "product-search" not in done.asked


def test_a_service_with_an_error_commits_nothing(world: World) -> None:
    before = git(world.clone("gitops"), "rev-parse", "HEAD")
    world.push("search", "specs/reranker.yaml", "threshold: 500ms", "treshold: 500ms")
    done = world.run("search", "commit")
    assert (done.code, done.steps[-1]) == (1, "Compile")
    assert git(world.clone("gitops"), "rev-parse", "HEAD") == before


def test_a_service_that_is_given_up_goes(world: World, tmp_path: Path) -> None:
    work = world.clone("gitops")
    git(work, "rm", "-r", "--quiet", *[f"{env}/{area}/search-web/reranker" for env in ("prod", "staging") for area in ("artifacts", "manifests")])
    git(work, "commit", "--quiet", "--message", "Give up the reranker")
    git(work, "push", "--quiet")
    assert world.run("gitops", "link").code == 0
    # The word alone says nothing: `reranker.` also begins attributes of OpenInference, which are deleted for every service.
    assert files(world.clone("gitops")) == compiled(tmp_path, without="reranker.yaml")


def test_an_edit_of_what_is_shared_is_refused(world: World) -> None:
    world.push("gitops", "prod/manifests/platform/filebeat-daemonset.yaml", "DaemonSet", "Deployment", branch="edit")
    done = world.run("gitops", "check", branch="edit")
    assert (done.code, done.steps[-1]) == (3, "Nobody edited what is shared")
    assert "differs: prod/manifests/platform/filebeat-daemonset.yaml" in done.printed
    world.push("gitops", "README.md", "A GitOps", "Our GitOps", branch="page")
    assert world.run("gitops", "check", branch="page").code == 0


def test_a_change_of_the_platform_is_linked_and_services_are_asked_to_compile(world: World) -> None:
    world.push("platform", "platform/platform.yaml", "replicas: 2}", "replicas: 3}")
    done = world.run("platform", "commit")
    assert done.code == 0, done.printed
    assert done.asked == "gh api repos/example/search/dispatches --field event_type=platform\n"
    assert "replicas: 3" in (world.clone("gitops") / "prod/manifests/platform/collector.yaml").read_text()


def test_a_pull_request_for_the_platform_shows_what_changes(world: World) -> None:
    world.push("platform", "platform/platform.yaml", "replicas: 2}", "replicas: 3}", branch="more")
    done = world.run("platform", "review", branch="more")
    assert done.code == 0, done.printed
    assert "prod/manifests/platform/collector.yaml" in done.printed
    assert "staging/manifests/platform/collector.yaml" not in done.printed


def test_enforced_values_and_foreign_namespaces_are_refused(world: World) -> None:
    base = world.push("search", "specs/product-search.yaml", "namespace: search-web", "namespace: assistants", branch="abroad")
    done = world.run("search", "review", {"github.event.pull_request.base.sha": base}, branch="abroad")
    assert done.code == 1
    assert "::error file=specs/product-search.yaml,line=3," in done.printed


@pytest.mark.parametrize("name", PAGES)
def test_commands_print_what_is_shown(tmp_path: Path, name: str) -> None:
    page = (EXAMPLES / name / "README.md").read_text()
    assert replayed(page, _copy(name, tmp_path)) == page


def _copy(name: str, home: Path) -> Path:
    shutil.copytree(EXAMPLES / name, home / name)
    if name == "service-repository":
        shutil.copytree(EXAMPLES / "platform-repository", home / name / ".platform")
    return home / name


if __name__ == "__main__":
    for one in PAGES:
        with tempfile.TemporaryDirectory() as place:
            (EXAMPLES / one / "README.md").write_text(replayed((EXAMPLES / one / "README.md").read_text(), _copy(one, Path(place))))
