"""Branches that change several services and the platform merge in git, outputs too, into what the merged specs compile to."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from churn.edits import EDITS, MODEL, VISION, Edit, below
from churn.repository import OUT, Repository, begin, compiled, edited, shipped


def service(namespace: str, name: str, team: str) -> Edit:
    return Edit(f"specs/{name}.yaml", "", f"apiVersion: obsc.dev/v1alpha1\nkind: AIService\n"
                f"metadata: {{name: {name}, namespace: {namespace}, team: {team}}}\nruntime: {{name: litellm}}\n")


# Each branch changes another file. The shipped platforms are one of files (default) and one of operators' objects (prod).
MERGED = {
    "alert, link, channel": (below("alerts: {rules: {SlowFirstToken: {threshold: 2s}}}\n"), EDITS["link"], EDITS["receiver-channel"]),
    "field, series, receiver": (EDITS["redacted-field"], EDITS["series"], EDITS["new-receiver"]),
    "label, replicas, collector": (EDITS["label"], EDITS["replicas"], EDITS["collector-version"]),
    "component, endpoint, channel": (EDITS["component"], EDITS["endpoint"], EDITS["receiver-channel"]),
    "version, team, for": (EDITS["runtime-version"], EDITS["team"], EDITS["for"]),
    "two new services": (service("ai-prod", "answers", "vision"), service("ai-prod", "zeta", "conversational-ai"), EDITS["new-receiver"]),
    "a new service, an old one": (service("ai-prod", "router", "vision"), EDITS["description"], EDITS["new-receiver"]),
}
# What two branches cannot both change: a line that both insert at the same place of a sorted list, and what is shared by nature.
CONFLICTS = {
    "services side by side": ((service("ai-prod", "router", "vision"), service("ai-prod", "scorer", "vision")),
                              {"prod/manifests/kustomization.yaml"}),
    "sampling of two services": ((Edit(VISION, "threshold: 500ms", "threshold: 600ms"), Edit(MODEL, "threshold: 5s", "threshold: 2s")),
                                 {"default/manifests/platform/collector-deployment.yaml"}),
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    found = begin(tmp_path_factory.mktemp("merges"))
    found.commit(shipped(), compiled(shipped()))
    found.git("tag", "shipped")
    return found


@pytest.mark.parametrize("name", MERGED)
def test_branches_merge_into_what_their_specs_compile_to(name: str, repository: Repository) -> None:
    edits = MERGED[name]
    assert len({edit.file for edit in edits}) == len(edits)
    _branch(repository, edits)
    for number in range(1, len(edits)):
        repository.git("merge", "--quiet", "--no-edit", f"branch-{number}")
    assert repository.outputs() == dict(compiled(_all(edits)))


@pytest.mark.parametrize("name", CONFLICTS)
def test_what_conflicts_is_one_shared_line_that_the_next_run_writes(name: str, repository: Repository) -> None:
    edits, expected = CONFLICTS[name]
    _branch(repository, edits)
    repository.git("merge", "--quiet", "--no-edit", "branch-1", fine=(0, 1))
    files = repository.git("diff", "--name-only", "--diff-filter=U").split()
    manifests = {path.removeprefix(OUT + "/") for path in files if not path.endswith(".obsc.json")}
    assert manifests == expected
    assert not any(path.startswith("specs/") for path in files)
    repository.git("merge", "--abort")


def _branch(repository: Repository, edits: Sequence[Edit]) -> None:
    """A branch for each edit of the shipped specs; the first one is out."""
    for number in reversed(range(len(edits))):
        repository.git("checkout", "--quiet", "--force", "-B", f"branch-{number}", "shipped")
        specs = edited(shipped(), edits[number])
        repository.commit(specs, compiled(specs))


def _all(edits: Sequence[Edit]) -> dict[str, str]:
    specs = shipped()
    for edit in edits:
        specs = edited(specs, edit)
    return specs
