"""The AIPlatform document: what all services of an environment share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from obsc.spec.base import Block, leaf
from obsc.spec.platform_alerting import Alertmanager
from obsc.spec.platform_backends import Collector, Elasticsearch, Filebeat, Grafana, Jaeger, Prometheus, Sources
from obsc.spec.types import CatalogFolder, DnsLabel, ExactVersion, LogPath, NamespacePattern, TargetPattern, Url, Version, Word

__all__ = ["AIPlatform", "Kubernetes", "PlatformMetadata", "Policy"]


class PlatformMetadata(Block):
    """Name of the platform and where shared objects live."""

    name: DnsLabel = leaf("Name; the environment's name unless `environments` are given.", "prod")
    namespace: DnsLabel = leaf("Namespace of shared objects.", "observability", default="observability")
    links: dict[Word, Url] = leaf("Named addresses; `grafana` and `runbooks` are used in alerts.",
                                  {"grafana": "https://grafana.example.com"}, default={})


class Kubernetes(Block):
    """The cluster."""

    version: ExactVersion | None = leaf("Version of the API server; the newest that is known unless given.", "1.33",
                                        default=None)


class Policy(Block):
    """What specs of tenants may point at. A list that is given replaces the usual one."""

    later: ClassVar[Mapping[str, str]] = {"images": "images that specs may name; no spec can name one yet"}

    targets: tuple[TargetPattern, ...] | None = leaf(
        "Scrape targets: names with `*`, addresses or networks, each with `:port` or without; names inside the cluster "
        "unless given. Link-local addresses are never allowed.", ["*.example.com", "10.1.0.0/16"], default=None)
    urls: tuple[Url, ...] | None = leaf("Prefixes of links; any https address without user info unless given.",
                                        ["https://git.example.com/"], default=None)
    log_paths: tuple[LogPath, ...] = leaf("Folders that log globs must lie in.", ["/var/log/containers"],
                                          default=("/var/log/containers", "/var/log/pods"))
    cross_namespace: tuple[NamespacePattern, ...] = leaf(
        "Namespaces, besides a service's own, whose series its written expressions may read.", ["shared-gateways"], default=())
    allow_content: bool = leaf("Let specs switch off the removal of prompts and of private values.", False,
                               default=False)
    allow_insecure: bool = leaf("Allow plain http to backends and unchecked certificates.", False,
                                default=False)


class AIPlatform(Block):
    """One environment's shared services, rules and defaults."""

    api_version: Literal["obsc.dev/v1alpha1"] = leaf("Version of the language.", "obsc.dev/v1alpha1")
    kind: Literal["AIPlatform"] = leaf("Kind of the document.", "AIPlatform")
    metadata: PlatformMetadata = leaf("Name and namespace.", {"name": "prod"})
    environment: DnsLabel | None = leaf("Value of `deployment.environment.name`; the environment's name unless given.",
                                        "production", default=None)
    kubernetes: Kubernetes = leaf("The cluster.", {"version": "1.33"}, default=Kubernetes())
    catalogs: tuple[CatalogFolder, ...] = leaf(
        "Folders of catalog entries of one's own, told from this file's own folder; they come before the built-in entries, those "
        "of the first folder first.", ["catalog"], default=())
    capacity: Annotated[int, Field(ge=1, le=20000)] = leaf(
        "Services that an environment is laid out for, which decides how many ConfigMaps their files are divided among where consumers "
        "read files: raise it once they are full. Files then move, and what mounts them starts anew.", 500, unit="services", default=32)
    prometheus: Prometheus = leaf("Metrics.", {"flavor": "operator"}, default=Prometheus())
    alertmanager: Alertmanager = leaf("Alert routing.", {"routing": {"critical": ["pager"]}}, default=Alertmanager())
    grafana: Grafana = leaf("Dashboards.", {"delivery": "sidecar"}, default=Grafana())
    elasticsearch: Elasticsearch | None = leaf("Log storage; none, no logs.", {"version": "9.5.2", "hosts":
                                               ["https://es.example.com:9200"]}, default=None)
    filebeat: Filebeat | None = leaf("Log shipping; none, no logs.", {"version": "9.5.2"}, default=None)
    collector: Collector | None = leaf("Trace collection; none, no traces.", {"version": "0.159.0"}, default=None)
    jaeger: Jaeger | None = leaf("Trace storage.", {"endpoint": "jaeger-collector.tracing.svc:4317"}, default=None)
    sources: Sources = leaf("Exporters that run already.", {"dcgm": {"enabled": True}}, default=Sources())
    defaults: dict[str, object] = leaf("Part of an AIService that holds unless a profile or document says otherwise.",
                                       {"logs": {"format": "json"}}, default={})
    profiles: dict[Word, object] = leaf("Named parts of an AIService.", {"gpu": {"workload": {"startup": "20m"}}},
                                        default={})
    enforced: dict[str, object] = leaf("Part of an AIService that wins over every document.",
                                       {"traces": {"sampling": {"baseline": "1%"}}}, default={})
    policy: Policy = leaf("What specs may point at.", {"allowInsecure": False}, default=Policy())
    requires: Version | None = leaf("Releases of obsc that may compile for this platform.", ">=0.1 <0.3", default=None)
    environments: dict[DnsLabel, object] | None = leaf("Environments, each with what is different there.",
                                                       {"prod": {}, "staging": {}}, default=None)
