"""Probes of a service as jobs: what is asked, through which exporter, and what their series are called."""

from __future__ import annotations

from obsc import endpoints, workloads
from obsc.ir import ProbeJob
from obsc.resolve import Resolved
from obsc.spec.probes import Probe

_LONGEST_TIMEOUT = 10.0


def probe_jobs(resolved: Resolved) -> tuple[ProbeJob, ...]:
    """One job for each probe; none where the platform has no black-box exporter, which a rule reports."""
    exporter = resolved.platform.sources.blackbox
    if not exporter.enabled or exporter.address is None:
        return ()
    return tuple(_job(resolved, one, exporter.address) for one in resolved.service.probes)


def probe_label(resolved: Resolved) -> str:
    """Value of the label `job` on a component's probes."""
    return f"{resolved.full_name}-probes"


def probed(resolved: Resolved, probe: Probe) -> str | None:
    """The address that a probe asks; None if its port is no number, since a Service's ports are known by name there only, or if there
    are several Services.
    """
    if probe.url is not None:
        return probe.url
    main = endpoints.main_endpoint(resolved)
    port = probe.port if probe.port is not None else main.port if main.port is not None else resolved.profile.port
    host = workloads.service_host(resolved)
    return f"{main.scheme}://{host}:{port}{probe.path}" if isinstance(port, int) and host is not None else None


def _job(resolved: Resolved, probe: Probe, address: str) -> ProbeJob:
    # `@` keeps it apart from the jobs of a component that is called like this.
    return ProbeJob(
        name=endpoints.scrape_name(resolved, f"@{probe.name}"), job=probe_label(resolved),
        probe="-".join(part for part in (resolved.further, probe.name) if part),
        url=probed(resolved, probe) or "", module=probe.module, address=address,
        interval=probe.interval, timeout=min(_LONGEST_TIMEOUT, probe.interval), labels=endpoints.series_labels(resolved, probe=probe.name),
        origin=resolved.origins.origin("probes", probe.name))
