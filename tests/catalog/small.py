"""Small specs, compiled, and what their rules and dashboards ask for."""

from __future__ import annotations

import re
from functools import lru_cache

from conftest import ROOT
from obsc import pipeline, promql
from obsc.catalog import load_runtime, names
from obsc.catalog.profile import Metric, Profile
from obsc.diagnostics import Diagnostic, Sink
from obsc.ir import Service
from obsc.source import load

PROD = (ROOT / "specs/platforms/prod.yaml").read_text()
SPEC = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {{name: chat, namespace: ai-prod, team: conversational-ai}}
runtime: {{name: {runtime}{more}}}
models: [{{name: llama-3.1-70b-instruct}}]
{rest}"""


def entry(name: str) -> Profile:
    """An entry of the catalog."""
    found = load_runtime(name)
    assert found is not None
    return found


def fact(runtime: str, name: str) -> Metric:
    """A metric of an entry, by its own name."""
    return next(one for one in entry(runtime).metrics if one.name == name)


def runtimes() -> list[str]:
    """Every entry that a spec may name."""
    return [name for name in names() if entry(name).kind != "exporter"]


@lru_cache(maxsize=512)
def compiled(runtime: str, more: str = "", rest: str = "", *, prod: bool = True) -> tuple[
        pipeline.Compiled, tuple[Diagnostic, ...]]:
    """A small spec of a runtime, compiled for the shipped operator platform or for the built-in one."""
    texts = {"chat.yaml": SPEC.format(runtime=runtime, more=f", {more}" if more else "", rest=rest)}
    texts |= {"prod.yaml": PROD} if prod else {}
    sink = Sink()
    done = pipeline.compile_specs({name: load(name, text.encode(), sink) for name, text in texts.items()}, sink)
    return done, tuple(sink)


def service(runtime: str, more: str = "", rest: str = "", *, prod: bool = True) -> Service:
    """The service of a small spec."""
    done, found = compiled(runtime, more, rest, prod=prod)
    assert [one.message for one in found if one.severity.value == "error"] == []
    return done.services[0]


def asked(runtime: str, more: str = "") -> set[str]:
    """Every metric name in the expressions of the compiled rules and dashboard, as the files have them."""
    done, _ = compiled(runtime, more)
    files = [raw.decode() for path, raw in done.tree.items() if path.endswith(("/chat/rules.yaml", "/chat/dashboard.json"))]
    assert len(files) == 2
    words = set(re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*", " ".join(files)))
    return {name for one in entry(runtime).metrics
            for name in (one.name,) if {name, *(name + end for end in ("_bucket", "_sum", "_count"))} & words}


def expressions(one: Service) -> list[promql.Expr]:
    """Every expression of a service."""
    return [*(rule.expr for rule in (*one.recordings, *one.alerts)),
            *(query.expr for row in one.dashboard.rows for panel in row.panels for query in panel.queries)]
