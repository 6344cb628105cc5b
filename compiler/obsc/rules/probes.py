"""Probes have somebody who makes them, a module that says how, and an address that they may ask."""

from __future__ import annotations

import difflib

from obsc import workloads
from obsc.advice import quoted
from obsc.diagnostics import Sink
from obsc.ir import Service
from obsc.probes import probed
from obsc.resolve import Resolved
from obsc.rules.addresses import url_problem


def probes(resolved: Resolved, _: Service, sink: Sink) -> None:
    """A probe runs on the platform's black-box exporter, and asks what the platform allows."""
    exporter = resolved.platform.sources.blackbox
    for index, one in enumerate(resolved.service.probes):
        path = ("probes", index)
        place = resolved.origins.place((*path, "name"))
        if not exporter.enabled or exporter.address is None:
            lacks = "no black-box exporter" if not exporter.enabled else "no address of the black-box exporter"
            sink.error("S357", f"nobody makes the probe `{one.name}`: the platform has {lacks}", place, path="probes",
                       hint="set `sources.blackbox` of the platform: `{enabled: true, address: host:port, modules: [...]}`")
            continue
        if one.module not in exporter.modules:
            near = difflib.get_close_matches(one.module, exporter.modules, 1) or exporter.modules[:1]
            sink.error("S357", f"the black-box exporter has no module `{one.module}`, known are {', '.join(exporter.modules)}",
                       resolved.origins.place((*path, "module")), path="probes.module", hint=f"did you mean `{near[0]}`?")
        _address(resolved, index, sink)


def _address(resolved: Resolved, index: int, sink: Sink) -> None:
    one = resolved.service.probes[index]
    url = probed(resolved, one)
    written = resolved.origins.place(("probes", index, "url" if one.url is not None else "port"))
    if one.url is not None and one.port is not None:
        sink.error("S357", f"the probe `{one.name}` has both `url` and `port`", written, path="probes.url", hint="write one of them")
    if url is None and workloads.service_host(resolved) is None:
        sink.error("S357", f"the probe `{one.name}` could ask several objects", resolved.origins.place(("probes", index, "name")),
                   path="probes.url", hint="write an `url`")
        return
    if url is None:
        sink.error("S357", f"the probe `{one.name}` has no port with a number", written, path="probes.port",
                   hint="write the number of the Service's port, or an `url`")
        return
    problem = url_problem(url, resolved.platform.policy.targets)
    if problem:
        sink.error("P404", f"the probe may not ask `{quoted(url)}`: {problem}", written, path="probes",
                   hint="ask the platform's owners to add it to `policy.targets`")
