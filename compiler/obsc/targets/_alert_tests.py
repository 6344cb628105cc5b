"""Unit tests of alerts → a file that `promtool test rules` runs beside the rules."""

from __future__ import annotations

from collections.abc import Sequence

from obsc import conventions, promql
from obsc.emit import Artifact
from obsc.ir import AlertTest, Service
from obsc.spec.platform import AIPlatform

Data = dict[str, object]
_FILE = "tests.yaml"


def tests(service: Service, platform: AIPlatform, rules: Sequence[str]) -> tuple[Artifact, ...]:
    """The tests that the service has, if any, over the files with its rules."""
    if not service.tests:
        return ()
    path = conventions.artifacts(service.identity.environment, service.identity.namespace, service.identity.name, _FILE)
    return (Artifact(path, {"rule_files": [conventions.file_name(one) for one in rules],
                            "evaluation_interval": conventions.seconds(platform.prometheus.evaluation_interval),
                            "tests": [_test(one) for one in service.tests]}),)


def _test(test: AlertTest) -> Data:
    """Whole alerts are compared with their texts there: that one fires is told by its samples instead."""
    firing = promql.Binary(">", promql.aggregate("count", test.shown), promql.Number(0), boolean=True)
    return {"name": conventions.titled(test.alert, test.name), "interval": conventions.seconds(test.interval),
            "input_series": [{"series": promql.show(series), "values": values} for series, values in test.series],
            "promql_expr_test": [{"expr": promql.show(firing), "eval_time": conventions.seconds(test.at),
                                  "exp_samples": [{"labels": "{}", "value": 1}] if test.fires else []}]}
