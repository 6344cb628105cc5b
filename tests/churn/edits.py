"""One-field edits of the shipped specs: what an author changes, as text."""

from __future__ import annotations

from typing import NamedTuple

CHAT, VISION, MODEL, DEFAULT, PROD = (f"specs/{name}.yaml" for name in (
    "support-chat", "vision-triton", "ai-model-server", "platforms/default", "platforms/prod"))
END = "accelerators: {resource: nvidia.com/gpu, perPod: 2}\n"  # of the ten-line spec


class Edit(NamedTuple):
    """In a file, what is written instead of what; without a file before, all of a new one."""

    file: str
    old: str
    new: str


def below(text: str) -> Edit:
    """The ten-line spec with something more."""
    return Edit(CHAT, END, END + text)


EDITS = {
    "threshold": Edit(VISION, "threshold: 300ms", "threshold: 200ms"),
    "quantile-threshold": Edit(MODEL, "threshold: 5s", "threshold: 2s"),
    "for": Edit(MODEL, "for: 5m", "for: 7m"),
    "severity": Edit(MODEL, "severity: critical", "severity: warning"),
    "alert-off": below("alerts: {rules: {ServiceDown: {enabled: false}}}\n"),
    "custom-alert": below('alerts: {custom: [{name: ManyPreemptions, expr: "sum(rate(vllm:num_preemptions_total[5m])) > 1", summary: Many preemptions}]}\n'),
    "label": Edit(CHAT, "team: conversational-ai}", "team: conversational-ai, labels: {tier: gold}}"),
    "link": Edit(VISION, '{source: "https://git.example.com/ai/vision"}', '{source: "https://git.example.com/ai/images"}'),
    "description": Edit(VISION, "Classifies uploaded images.", "Classifies images."),
    "team": Edit(VISION, "team: vision", "team: conversational-ai"),
    "runtime-version": Edit(CHAT, 'version: "0.15"', 'version: "0.10"'),
    "replicas": Edit(VISION, "min: 3, max: 8", "min: 3, max: 12"),
    "fewest-replicas": Edit(VISION, "min: 3, max: 8", "min: 4, max: 8"),
    "endpoint": Edit(MODEL, "  series:\n", '    - name: cache\n      staticConfigs:\n        - targets: ["cache:9100"]\n  series:\n'),
    "series": Edit(MODEL, "alerts:\n", "    - name: ai_queue_length\n      type: gauge\n      signal: requestsWaiting\nalerts:\n"),
    "component": below("components: [{name: router, role: gateway, runtime: {name: vllm-router}}]\n"),
    "panel": below('dashboards: {panels: [{title: Preemptions, expr: "sum(rate(vllm:num_preemptions_total[$__rate_interval]))"}]}\n'),
    "indicator": below('indicators: [{name: fill, value: "max(vllm:kv_cache_usage_perc)", max: 0.95}]\n'),
    "scrape-interval": Edit(MODEL, "      interval: 15s\n    - name: gpu", "      interval: 20s\n    - name: gpu"),
    "redacted-field": below("logs: {dropFields: [customer_id]}\n"),
    "sampling": Edit(VISION, "baseline: 10%", "baseline: 20%"),
    "model": Edit(VISION, "  - {name: yolo-v8}\n", "  - {name: yolo-v8}\n  - {name: clip}\n"),
    "receiver-channel": Edit(PROD, '"#ml-alerts"', '"#ml-warnings"'),
    "new-receiver": Edit(DEFAULT, "    - name: default\n", '    - name: other\n      webhookConfigs: [{url: "http://other.observability.svc:8080"}]\n    - name: default\n'),
    "evaluation-interval": Edit(PROD, "  version: 3.14.0\n", "  version: 3.14.0\n  evaluationInterval: 15s\n"),
    "collector-version": Edit(DEFAULT, "version: 0.159.0", "version: 0.158.0"),
    "service": Edit("specs/router.yaml", "", "apiVersion: obsc.dev/v1alpha1\nkind: AIService\nmetadata: {name: router, namespace: ai-prod, team: vision}\n"
                    "runtime: {name: litellm}\n"),
}
STAGING = Edit("specs/platforms/staging.yaml", "", "apiVersion: obsc.dev/v1alpha1\nkind: AIPlatform\nmetadata: {name: staging}\n"
               "alertmanager:\n  receivers: [{name: chat, slackConfigs: [{apiURL: {name: slack, key: url}}]}]\n"
               "  routing: {critical: [chat], warning: [chat]}\n")
# What a reader sees and the compiler does not.
SAME = {
    "comment": Edit(VISION, "runtime:\n", "# What answers.\nruntime: # here\n"),
    "blank-lines": Edit(VISION, "runtime:\n", "\n\nruntime:\n"),
    "order-of-keys": Edit(CHAT, "name: support-chat, namespace: ai-prod, team: conversational-ai", "team: conversational-ai, name: support-chat, namespace: ai-prod"),
    "order-of-blocks": Edit(CHAT, "models: [{name: llama-3.1-70b-instruct}]\n" + END, END + "models: [{name: llama-3.1-70b-instruct}]\n"),
    "quotes": Edit(VISION, "container: triton", "container: 'triton'"),
    "block-style": Edit(CHAT, 'runtime: {name: vllm, version: "0.15"}', 'runtime:\n  name: vllm\n  version: "0.15"'),
    "same-duration": Edit(VISION, "threshold: 500ms", "threshold: 0.5s"),
    "platform-comment": Edit(PROD, "grafana:\n  delivery", "# Boards.\ngrafana:\n  delivery"),
}
