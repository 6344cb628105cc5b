"""The form of the file of workload kinds, and from there to frozen data. A mistake becomes a diagnostic at its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, NamedTuple, TypeAlias

from pydantic import StringConstraints

from obsc.advice import shown_path
from obsc.catalog.form import Reference
from obsc.catalog.kinds.names import Counted, Owned, PodNames, WorkloadKind, spelled
from obsc.diagnostics import Sink, render
from obsc.problems import parse, report
from obsc.promql import pattern_problem
from obsc.source import Path, Source, load, place_of
from obsc.spec.base import Block, leaf
from obsc.spec.types import GROUPED_KIND, Count, Form, KubeLabelKey, LabelName, MetricName, Word
from obsc.tree import covered, to_python
from obsc.validate import scan

_NAME = "{name}"
_GROUPED = re.compile(GROUPED_KIND)

Template: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.#%-]*$", max_length=100),
                                Form("characters of names, `#` for a digit and `%` for a random one")]
Expression: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=200), Form("an RE2 expression")]
Value: TypeAlias = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_.-]|\{name\})+$", max_length=100),
                             Form("a label's value, `{name}` for the object's name")]


class Series(Block):
    """Series that count an object's replicas."""

    label: LabelName = leaf("Label with the object's name.", "deployment")
    wanted: MetricName = leaf("How many there should be.", "kube_deployment_spec_replicas")
    available: MetricName = leaf("How many are available.", "kube_deployment_status_replicas_available")


class PodForm(Block):
    """How pods are named: the object's name, `base`, `end`."""

    base: Template = leaf("What follows the object's name.", "-%%%%%", default="")
    most: Count | None = leaf("How many characters of name and base survive; all unless given.", 46, default=None)
    end: Expression = leaf("RE2 expression of the rest, `%` and `#` as in templates.", "-%{5}")
    cut: Expression | None = leaf("The rest where name and base were cut; `end` unless given.", "[a-z0-9.-]{1,17}", default=None)


class ObjectForm(Block):
    """An object of another kind that an object of this kind makes."""

    kind: Word = leaf("Kind, one of this file.", "Deployment")
    name: Template = leaf("What follows the name.", "-predictor", default="")
    counts: bool = leaf("Whether its replicas are counted.", False, default=True)


class KindForm(Block):
    """A kind of workload."""

    name: Word = leaf("Kind, as specs write it.", "Deployment")
    replicas: Series | None = leaf("Series that count its replicas.",
                                   {"label": "deployment", "wanted": "x", "available": "y"}, default=None)
    pods: tuple[PodForm, ...] = leaf("How pods that it makes itself are named.", [{"end": "-%{5}"}], default=())
    objects: tuple[ObjectForm, ...] = leaf("Objects of other kinds that it makes.",
                                          [{"kind": "Deployment", "name": "-predictor"}], default=())
    selector: dict[KubeLabelKey, tuple[Value, ...]] = leaf("Labels of its pods, each with the values that it may have.",
                                                           {"app": ["{name}"]}, default={"app.kubernetes.io/name": (_NAME,)})
    shared: bool = leaf("Whether the labels do not tell one object's pods from another's.", True, default=False)
    container: Value | None = leaf("Name of the serving container.", "kserve-container", default=None)
    service: Value = leaf("Name of the Service that takes its requests.", "{name}-serve-svc", default=_NAME)
    longest: Count | None = leaf("Longest name of which pods are named as told here.", 45, default=None)
    sources: tuple[Reference, ...] = leaf("Where the facts were read.", [{"name": "kserve v0.20.0"}])


class KindsForm(Block):
    """The file."""

    kinds: tuple[KindForm, ...] = leaf("Kinds.", [{"name": "DaemonSet", "sources": [{"name": "kubernetes"}]}])


class _Mistake(NamedTuple):
    path: Path
    message: str
    hint: str


def read(file: str, raw: bytes, sink: Sink) -> Mapping[str, WorkloadKind] | None:
    """The kinds that a file's bytes describe, or None with the reasons in the sink."""
    own = sink.fresh()
    found = described(load(file, raw, own), own)
    sink.extend(own)
    return found


def described(source: Source, sink: Sink, beside: Mapping[str, WorkloadKind] | None = None) -> Mapping[str, WorkloadKind] | None:
    """The kinds that a file describes, or None with the reasons in the sink, which may hold those of the loader already.

    `beside` are kinds that are known whatever the file says: what is new beside them has a group in its name, so that no kind
    of a later release is ever meant by it.
    """
    own, told = sink.fresh(), sink.places().get(source.file, [])
    form = None
    if source.documents and not told:
        root = source.documents[0].root
        bad = set[Path]()
        for path in scan(root, bad, own):
            own.error("V107", f"`{shown_path(path)}` has no value", place_of(root, path, key=True), path=shown_path(path),
                      hint="write a value, or leave the key out")
            bad.add(path)
        form, problems = parse(KindsForm, to_python(root, nulls=True))
        for problem in problems:
            if not covered(problem.path, bad):
                report(problem, KindsForm, root, own)
        for mistake in _mistakes(form, beside) if isinstance(form, KindsForm) else ():
            own.error("R280", mistake.message, place_of(root, mistake.path), path=render(mistake.path), hint=mistake.hint)
    sink.extend(own)
    return {one.name: _kind(one) for one in form.kinds} if isinstance(form, KindsForm) and not own.failed else None


def _mistakes(form: KindsForm, beside: Mapping[str, WorkloadKind] | None) -> Iterator[_Mistake]:
    given, named = frozenset(beside or ()), set[str]()
    for index, one in enumerate(form.kinds):
        if one.name in named:
            yield _Mistake(("kinds", index, "name"), f"the kind `{one.name}` stands twice", "delete one of them")
        if beside is not None and one.name not in given and _GROUPED.fullmatch(one.name) is None:
            yield _Mistake(("kinds", index, "name"), f"`{one.name}` is no built-in kind, expected its group behind it",
                           f"write for example `{one.name}.example.com`, here and in specs")
        named.add(one.name)
    known = set(given)
    for index, one in enumerate(form.kinds):
        path: Path = ("kinds", index)
        for number, made in enumerate(one.objects):
            if made.kind not in known:
                yield _Mistake((*path, "objects", number, "kind"), f"no kind `{made.kind}` stands above", "move it up, or mend its name")
        if not one.pods and not one.objects:
            yield _Mistake(path, f"nothing tells the pods of `{one.name}`", "add `pods` or `objects`")
        if one.shared and one.longest is None:
            yield _Mistake((*path, "shared"), "pods that are told by their names need a longest name", "add `longest`")
        for number, pods in enumerate(one.pods):
            yield from _expressions(pods, (*path, "pods", number))
        known.add(one.name)


def _expressions(pods: PodForm, path: Path) -> Iterator[_Mistake]:
    for key, text in (("end", pods.end), ("cut", pods.cut)):
        problem = pattern_problem(spelled(text)) if text is not None else None
        if problem is not None:
            yield _Mistake((*path, key), f"the expression is not RE2: {problem}", "use no lookaround and no back-references")


def _kind(form: KindForm) -> WorkloadKind:
    said = form.replicas
    return WorkloadKind(
        form.name, Counted(said.label, said.wanted, said.available) if said is not None else None,
        tuple(PodNames(one.base, one.most or 0, spelled(one.end), spelled(one.cut or one.end)) for one in form.pods),
        tuple(Owned(one.kind, one.name, one.counts) for one in form.objects), tuple(sorted(form.selector.items())), form.shared,
        form.container or "", form.service, form.longest or 0)
