"""The oldest release of each consumer that outputs are compiled for."""

from __future__ import annotations

import pytest

from conftest import Compile
from obsc.diagnostics import Severity

PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {{name: prod}}
elasticsearch: {{version: 7.17.29, hosts: ["https://es.example.com:9200"]}}
jaeger: {{endpoint: "jaeger:4317"}}
{said}
"""


@pytest.mark.parametrize(("said", "fine"), [
    ("prometheus: {version: 2.42.0}", False), ("prometheus: {version: 2.43.0}", True),
    ("prometheus: {version: 2.42.0, flavor: operator}", True), ("prometheus: {version: 2.41.0, flavor: operator}", False),
    ("alertmanager: {version: 0.25.0}", False), ("alertmanager: {version: 0.26.0}", True), ("alertmanager: {version: 0.25.0, flavor: operator}", True),
    ("filebeat: {version: 7.16.3}", False), ("filebeat: {version: 7.17.0}", True),
    ("collector: {version: 0.99.0}", False), ("collector: {version: 0.145.0}", True)])
def test_a_release_that_would_refuse_its_outputs_is_refused(said: str, compile_texts: Compile, *, fine: bool) -> None:
    _, found = compile_texts({"platform.yaml": PLATFORM.format(said=said)})
    errors = [(one.code, one.place.line) for one in found if one.severity is Severity.ERROR]
    assert errors == ([] if fine else [("T503", 6)])
