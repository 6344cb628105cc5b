"""Kinds of workload that a platform brings along in `kinds.yaml`."""

from __future__ import annotations

import pytest

from catalog.test_own import ENTRY, OWN, compiled, errors, shown
from obsc.diagnostics import Severity
from samples import SPEC

KINDS = """\
kinds:
  - name: Rollout.argoproj.io
    replicas: {label: rollout, wanted: rollout_spec_replicas, available: rollout_status_replicas_available}
    pods: [{most: 46, end: "-%{1,10}-%{5}", cut: "[a-z0-9.-]{1,17}"}]
    selector: {app: ["{name}"]}
    sources: [{name: argoproj/argo-rollouts v1.8}]
  - name: Fleet.example.com
    objects: [{kind: Rollout.argoproj.io, name: -part}, {kind: StatefulSet, name: -store, counts: false}]
    sources: [{name: our operator 2.0}]
"""
FILE = "catalog/kinds.yaml"


def tree(kind: str, kinds: str = KINDS) -> dict[str, str]:
    return {"platform.yaml": OWN, "chat.yaml": SPEC + f"workload: {{kind: {kind}}}\n", "other.yaml": SPEC.replace("name: chat", "name: other"),
            FILE: kinds, "catalog/own-server.yaml": ENTRY}


def test_pods_labels_and_series_are_those_of_the_kind() -> None:
    done, found = compiled(tree("Rollout.argoproj.io"))
    assert errors(found) == []
    assert "rollout_spec_replicas{" in shown(done)
    assert 'rollout="chat"' in shown(done) or 'rollout=~"chat"' in shown(done)
    assert "chat-[bcdfghjklmnpqrstvwxz2456789]{1,10}-[bcdfghjklmnpqrstvwxz2456789]{5}" in shown(done)
    assert "app=chat" in done.tree["default/artifacts/ai/chat/scrape.yaml"].decode()


def test_a_kind_may_be_made_of_others_built_in_ones_too() -> None:
    done, found = compiled(tree("Fleet.example.com"))
    assert errors(found) == []
    assert "chat-store-[0-9]+" in shown(done)
    assert "chat-part-[bcd" in shown(done)
    assert "kube_statefulset_replicas" not in shown(done)


def test_a_built_in_kind_is_replaced() -> None:
    own = KINDS.replace("Rollout.argoproj.io", "Deployment").replace("{kind: Deployment, name: -part}", "{kind: DaemonSet}")
    done, found = compiled(tree("Deployment", own))
    assert errors(found) == []
    assert "rollout_spec_replicas" in shown(done)


@pytest.mark.parametrize(("said", "hint"), [
    ("Rolout.argoproj.io", "did you mean `Rollout.argoproj.io`?"), ("Thing.other.org", "use one of ")])
def test_a_kind_that_nobody_brings_along_is_an_error(said: str, hint: str) -> None:
    done, found = compiled(tree(said))
    [error] = [one for one in found if one.severity is Severity.ERROR]
    assert (error.code, error.place.file, error.place.line) == ("R216", "chat.yaml", 6)
    assert error.hint.startswith(hint)
    assert [one.identity.name for one in done.services] == ["other"]


@pytest.mark.parametrize("said", ["Rollout", "deployment", "Job", "rollout.argoproj.io", "Rollout.", "Rollout.Argo", ".x"])
def test_other_words_are_no_kinds(said: str) -> None:
    _, found = compiled(tree(f"'{said}'"))
    assert {(code, line) for code, _, line in errors(found)} <= {("V104", 6), ("V102", 6)}
    assert errors(found)


@pytest.mark.parametrize(("good", "bad", "code", "line"), [
    ("name: Rollout.argoproj.io\n", "name: Rollout\n", "R280", 2), ("label: rollout", "label: __rollout", "V104", 3),
    ("cut: ", "cutt: ", "V101", 4), ('"-%{1,10}-%{5}"', '"(?=x)"', "R280", 4), ("{app: [", "{a b: [", "V105", 5),
    ("kind: StatefulSet", "kind: StatefulSets", "R280", 8), ("Fleet.example.com", "Rollout.argoproj.io", "R280", 7),
    ("[{name: our operator 2.0}]", "", "V107", 9), ("name: -part", "name: -Part", "V104", 8),
    ("our operator 2.0", "ghp_0123456789abcdefghijABCDEFGHIJ0123", "P401", 9), ("kinds:", "kinds: [", "L010", 2),
])
def test_a_mistake_is_told_and_holds_back_whom_it_concerns(good: str, bad: str, code: str, line: int) -> None:
    assert good in KINDS
    done, found = compiled(tree("Fleet.example.com", KINDS.replace(good, bad, 1)))
    assert [one for one in errors(found) if one[1] != FILE] == []
    assert (code, FILE, line) in errors(found)
    assert [one.identity.name for one in done.services] == ["other"]
    assert [one.severity for one in found if one.code == "R216"] == [Severity.INFO]


def test_a_broken_file_does_not_bring_back_the_built_in_kind() -> None:
    own = KINDS.replace("Rollout.argoproj.io", "StatefulSet").replace("{kind: StatefulSet, name: -part}", "{kind: DaemonSet}").replace("cut:", "cutt:")
    done, found = compiled(tree("StatefulSet", own))
    assert {code for code, _, _ in errors(found)} == {"V101"}
    assert [one.identity.name for one in done.services] == ["other"]
