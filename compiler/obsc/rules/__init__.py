"""Semantic checks: what the models cannot see. Each rule is a pure function from a service to findings.

A rule's docstring is its documentation. Rules look at what was resolved, skip what holds a stand-in for a bad value
(that was reported already), and never raise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from obsc.diagnostics import Sink
from obsc.ir import Service
from obsc.resolve import Environment, Resolved
from obsc.rules.alerts import alert_numbers, known_alerts
from obsc.rules.environment import backends, kept_labels, old_releases, receivers_exist, repetition, required_release, without_effect
from obsc.rules.expressions import alert_tests, expressions, indicator_bounds, own_names
from obsc.rules.fleet import Member, member, overlapping_logs
from obsc.rules.metrics import dropped_metrics, pod_labels
from obsc.rules.namespaces import object_names, own_namespaces
from obsc.rules.objectives import objectives
from obsc.rules.patterns import written_patterns
from obsc.rules.policy import content, links, log_paths, matchers, severities, targets, tenants, unchecked_certificates
from obsc.rules.probes import probes
from obsc.rules.promptness import detected_within
from obsc.rules.references import endpoints_named, folders, labels_kept, routed, static_targets, uncertain_metrics, workloads
from obsc.rules.runtime import engine_known, metrics_page, options_known
from obsc.rules.series import series_budget, unbounded_labels

__all__ = ["FLEET_RULES", "PLATFORM_RULES", "RULES", "Member", "Rule", "member"]

Rule = Callable[[Resolved, Service, Sink], None]

# The order of work; findings are sorted by place in the end.
RULES: tuple[Rule, ...] = (
    endpoints_named, folders, labels_kept, static_targets, workloads, routed, uncertain_metrics, known_alerts, alert_numbers,
    tenants, severities,
    own_namespaces, object_names, targets, matchers, links, log_paths, content, unchecked_certificates, metrics_page, options_known,
    engine_known,
    expressions, written_patterns, alert_tests, indicator_bounds, own_names, pod_labels, dropped_metrics, unbounded_labels,
    series_budget, probes, objectives, detected_within,
)
PLATFORM_RULES: tuple[Callable[[Environment, Sink], None], ...] = (
    required_release, receivers_exist, backends, kept_labels, old_releases, without_effect, repetition)
FLEET_RULES: tuple[Callable[[Sequence[Member], Sink], None], ...] = (overlapping_logs,)
