"""What a spec says of its runtime: flags that the catalog knows, the engine inside, releases of what runs beside it."""

from __future__ import annotations

from obsc import endpoints
from obsc.advice import nearest
from obsc.catalog.profile import Need
from obsc.catalog.versions import parse
from obsc.diagnostics import Sink
from obsc.ir import Service
from obsc.resolve import Resolved
from obsc.signals.reading import option_is


def metrics_page(resolved: Resolved, _: Service, sink: Sink) -> None:
    """A metrics page that is closed by default is taken to be open, and the spec is asked to confirm it.

    Bad: a deployment without the flag: every scrape fails, and the service looks down.
    Good: `runtime: {options: {metrics: true}}`, once the deployment has the flag.
    """
    if endpoints.pageless(resolved):
        _no_page(resolved, sink)
    if endpoints.discovery(resolved) == "none" or not resolved.sound("runtime"):
        return
    for need in resolved.profile.needs:
        said = resolved.service.runtime.options.get(need.option)
        if option_is(resolved.service.runtime.options, need.option, need.value) or _introduced(resolved, need):
            continue
        text = f"{resolved.profile.title} serves no metrics unless the deployment has {need.flag}"
        path = ("runtime", "options", need.option) if said is not None else ("runtime", "name")
        hint = f"confirm it: `runtime.options: {{{need.option}: {need.value}}}`" if said is None else f"set it to `{need.value}`"
        hint += ", or give the endpoint its `authorization`" if need.credentials else ""
        report = sink.warning if said is None else sink.error
        report("S340", text, resolved.origins.place(path), path=".".join(path), hint=hint)


def _no_page(resolved: Resolved, sink: Sink) -> None:
    title, place = resolved.profile.title, resolved.origins.place(("runtime", "name"))
    if not resolved.sound("runtime") or not resolved.sound("metrics"):
        return
    if resolved.service.metrics.series:
        sink.error("S340", f"{title} serves no metrics: nothing says where those of `metrics.series` are", place, path="runtime.name",
                   hint="name their page in `metrics.endpoints`")
    elif not resolved.service.probes:
        sink.warning("S340", f"{title} serves no metrics: nothing tells whether it answers", place, path="runtime.name",
                     hint="add `probes`, or name the page of an exporter beside it in `metrics.endpoints`")


def _introduced(resolved: Resolved, need: Need) -> bool:
    return need.credentials and endpoints.main_endpoint(resolved).authorization is not None


def options_known(resolved: Resolved, _: Service, sink: Sink) -> None:
    """An option decides something: which metrics exist, their bucket bounds, or the release of a program beside the runtime."""
    if not resolved.sound("runtime"):
        return
    # Further endpoints may be pages of other programs, whose flags stand here as well.
    others = (resolved.catalog.runtime(one.runtime) for one in resolved.service.metrics.endpoints if one.runtime is not None)
    known = resolved.profile.options.union(*(one.options for one in others if one is not None))
    for name, value in resolved.service.runtime.options.items():
        path = ("runtime", "options", name)
        if name in resolved.profile.companions and parse(str(value)) is None:
            sink.error("R206", f"`{value}` is no release of {name}, and no range of them", resolved.origins.place(path),
                       path=f"runtime.options.{name}", hint='write one release such as "1.19", or a range such as ">=1.17 <1.19"')
        elif name not in known:
            sink.warning("S341", f"no metric of {resolved.profile.title} depends on the option `{name}`",
                         resolved.origins.place(path, key=True), path=f"runtime.options.{name}",
                         hint=nearest(name, known, "leave it out"))


def engine_known(resolved: Resolved, _: Service, sink: Sink) -> None:
    """An engine is one whose metrics the runtime passes on, and the option is set without which it does not."""
    engine = resolved.service.runtime.engine
    known = resolved.profile.engines
    if engine is None or not resolved.sound("runtime"):
        return
    place = resolved.origins.place(("runtime", "engine"))
    if engine in known:
        for option, value in _unset(resolved, engine):
            sink.warning("S342", f"{resolved.profile.title} passes on no metrics of {engine} unless {option} is {value}", place,
                         path="runtime.engine", hint=f"write `runtime.options: {{{option}: {value}}}`, once the deployment has it")
        return
    of = f"it passes on those of {', '.join(f'`{one}`' for one in known)}" if known else "it passes on none"
    sink.error("R214", f"{resolved.profile.title} passes on no metrics of an engine `{engine}`; {of}", place,
               path="runtime.engine", hint=nearest(engine, known, "leave it out"))


def _unset(resolved: Resolved, engine: str) -> list[tuple[str, str]]:
    """Options without which no metric of the engine is there, with their values."""
    of = [one for one in resolved.profile.metrics if one.engine == engine]
    asked = {one.condition for one in of if one.condition is not None and one.condition[0]}
    if any(one.condition is None for one in of):
        return []
    return sorted(one for one in asked if not option_is(resolved.service.runtime.options, *one))
