"""Fleets of services as a company has them: many small ones of all runtimes, some of several components, a few large ones.

Every service is made of the seed and its own number alone, so that a fleet of another size has the same services.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import cache
from typing import Any

from obsc import emit
from obsc.catalog import load_runtime, names

SEED = 10
Spec = dict[str, Any]
_WHAT = ("chat", "search", "rank", "embed", "vision", "speech", "fraud", "translate", "summarize", "moderate", "route", "extract")
_WHOSE = ("support", "billing", "catalog", "claims", "growth", "legal", "ops", "sales", "trust", "web")
_LARGE = 40  # one of so many services is large


def texts(numbers: Iterable[int], flavor: str = "config", capacity: int | None = None) -> dict[str, str]:
    """A platform and services by the names of their files."""
    numbers = list(numbers)
    found = {f"services/{number:04}.yaml": written(service(number)) for number in numbers}
    return {"platform.yaml": platform(flavor, capacity or len(numbers)), **found}


def written(data: Spec) -> str:
    """A spec as text."""
    return emit.to_yaml({"apiVersion": "obsc.dev/v1alpha1", **data})


def name(number: int) -> tuple[str, str]:
    """Namespace and name of a service."""
    chance = random.Random(f"{SEED}/name/{number}")
    return f"{chance.choice(_WHOSE)}-{chance.randrange(16)}", f"{chance.choice(_WHOSE)}-{chance.choice(_WHAT)}-{number:04}"


def service(number: int) -> Spec:
    """A service; most say little more than what they are."""
    chance = random.Random(f"{SEED}/service/{number}")
    namespace, own = name(number)
    data: Spec = {"kind": "AIService", "metadata": {"name": own, "namespace": namespace, "team": f"team-{chance.randrange(200):03}"},
                  "runtime": {"name": chance.choice(_runtimes("llm") * 2 + _runtimes("embedding") + _runtimes("generic"))}}
    data["models"] = [{"name": f"model-{chance.randrange(30)}"} for _ in range(1)]
    if chance.random() < 0.6:
        data["accelerators"] = {"resource": "nvidia.com/gpu", "perPod": chance.choice((1, 2, 4, 8))}
    if chance.random() < 0.15:
        data["components"] = [{"name": f"part-{index}", **({"runtime": {"name": chance.choice(_runtimes("gateway"))}, "role": "gateway"}
                                                          if index == 0 else {})} for index in range(chance.choice((1, 1, 2, 3)))]
    if chance.random() < 0.05:
        data["traces"] = {"sampling": {"baseline": chance.choice((0.01, 0.1, 0.2)), "slowerThan": f"{chance.choice((2, 5, 10))}s"}}
    if chance.random() < 0.1:
        data |= with_alerts(own, chance.randrange(1, 5))
    if chance.random() < 1 / _LARGE:
        data |= with_alerts(own, chance.choice((60, 120, 180)))
    if "alerts" in data and data["runtime"]["name"] == "ollama":
        data["runtime"] = {"name": "vllm"}  # the one runtime without a page for metrics of one's own
    return data


def with_alerts(own: str, count: int) -> Spec:
    """So many alerts of a service's own, over a metric of its own."""
    metric = f"{own.replace('-', '_')}_refusals_total"
    custom = [{"name": f"Refusals{number}", "expr": f'sum by (namespace) (rate({metric}{{reason="{number}"}}[5m])) > {number + 1}',
               "summary": f"Many requests are refused for reason {number}",
               "description": f"More than {number + 1} requests a second are refused for reason {number}. " + "Look at the policy. " * 4}
              for number in range(count)]
    series = {"name": metric, "type": "counter", "unit": "requests", "labels": {"reason": [str(number) for number in range(count)]}}
    return {"metrics": {"series": [series]}, "alerts": {"custom": custom}}


@cache
def _runtimes(kind: str) -> list[str]:
    found = [one for one in names() if one != "custom"]
    return [one for one in found if (entry := load_runtime(one)) is not None and entry.kind == kind]


def platform(flavor: str, capacity: int) -> str:
    """A platform with everything on it; 200 teams, each with a channel of its own."""
    teams = {f"team-{number:03}": {"critical": ["pager", f"channel-{number:03}"], "warning": [f"channel-{number:03}"]} for number in range(200)}
    channels = [{"name": f"channel-{number:03}", "slackConfigs": [{"apiURL": {"name": "slack", "key": "url"}, "channel": f"#team-{number:03}"}]}
                for number in range(200)]
    pager = {"name": "pager", "pagerdutyConfigs": [{"routingKey": {"name": "pagerduty", "key": "key"}}]}
    return written({
        "kind": "AIPlatform",
        "metadata": {"name": "prod", "links": {"grafana": "https://grafana.example.com", "runbooks": "https://runbooks.example.com"}},
        "prometheus": {"flavor": flavor},
        "alertmanager": {"receivers": [pager, *channels], "routing": {"critical": ["pager"], "warning": ["pager"]}, "teams": teams},
        "grafana": {"delivery": "files" if flavor == "config" else "sidecar"},
        "elasticsearch": {"version": "9.5.2", "hosts": ["https://elasticsearch.observability.svc:9200"], "secretName": "elasticsearch"},
        "filebeat": {"version": "9.5.2"}, "collector": {"version": "0.159.0"},
        "jaeger": {"endpoint": "jaeger-collector.observability.svc:4317"}, "sources": {"dcgm": {"enabled": True}},
        "capacity": capacity})
