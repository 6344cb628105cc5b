"""`obsc simulate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from obsc.catalog.profile import Profile
    from obsc.simulator.plant import Plant
    from obsc.simulator.scenario import Fault

_EXPORTERS = ("kubeStateMetrics", "cadvisor", "dcgm")


@click.command("simulate")
@click.argument("runtime")
@click.option("--fault", "faults", multiple=True, metavar="KIND[=VALUE][@START[-END]]",
              help="What goes wrong, such as engine-stall, error-burst=0.2 or oom@10m-30m (from 10m, for good, unless told).")
@click.option("--replicas", type=click.IntRange(1, 100), default=2, show_default=True, help="Pods.")
@click.option("--gpus", type=click.IntRange(0, 16), default=1, show_default=True, help="Devices of each pod.")
@click.option("--model", "models", multiple=True, help="A model that is served.")
@click.option("--engine", help="Engine inside the runtime.")
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of the runtime that decides what is on its page.")
@click.option("--rate", type=click.FloatRange(0, 10000), default=2.0, show_default=True, help="Requests a second, of all pods together.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of chance.")
@click.option("--dirty", is_flag=True, help="Add what real places have: text to escape, series of models that were unloaded.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=9555, show_default=True, help="Port to listen on (0: a free one).")
@click.option("--speed", type=click.FloatRange(0.01, 10000), default=1.0, show_default=True, help="Simulated seconds in a second.")
@click.option("--page", "at", metavar="TIME", help="Print the first pod's page at a time (10m) and end.")
@click.option("--series", "until", metavar="TIME", help="Print input series of promtool's tests up to a time (1h) and end.")
@click.option("--interval", default="30s", show_default=True, help="Scrape interval of the series.")
def simulate_command(runtime: str, faults: tuple[str, ...], replicas: int, gpus: int, models: tuple[str, ...], engine: str | None,  # noqa: PLR0913, PLR0917  options
                     options: tuple[str, ...], rate: float, seed: int, host: str, port: int, speed: float, at: str | None,
                     until: str | None, interval: str, *, dirty: bool) -> None:
    """Serve the metrics pages of a runtime that is not there, under load and with faults.

    RUNTIME is a catalog entry with its release behind an @ (NAME@0.15). A page is at /NAME/REPLICA/metrics, exporters' are at
    /exporters/SOURCE/metrics, and / says how a Prometheus scrapes them all.
    """
    from obsc.simulator.lines import lines  # noqa: PLC0415
    from obsc.simulator.plant import Exporter, Plant  # noqa: PLC0415
    from obsc.simulator.scenario import Load, Model, Pool, Scenario  # noqa: PLC0415

    name, _, version = runtime.partition("@")
    pool = Pool(_profile(name, version), name, version=version or None, options=_pairs(options), engine=engine or "", replicas=replicas,
                gpus=gpus, models=tuple(map(Model, models)) or (Model(),))
    if not lines(pool, ("",)):
        raise click.BadParameter(f"`{name}` serves no metrics page with these options", param_hint="RUNTIME")
    scenario = Scenario(name, "default", (pool,), Load(rate), tuple(map(_fault, faults)), seed, 5.0, dirty=dirty)
    plant = Plant(scenario, tuple(Exporter(key, profile) for key, profile in _sources()))
    if at is not None:
        for _ in plant.run(_seconds(at)):
            pass
        click.echo(plant.page(next(plant.now.every)), nl=False)
    elif until is not None:
        _print_series(plant, _seconds(interval), _seconds(until))
    else:
        _serve(plant, host, port, speed)


def _profile(name: str, version: str) -> Profile:
    from obsc.catalog import BUILT_IN  # noqa: PLC0415
    from obsc.catalog.versions import parse  # noqa: PLC0415

    found = BUILT_IN.runtime(name)
    if found is None or found.kind == "exporter":
        runtimes = [one for one in BUILT_IN.names if (known := BUILT_IN.runtime(one)) is not None and known.kind != "exporter"]
        raise click.BadParameter(f"no runtime is called `{name}`; there are {', '.join(runtimes)}", param_hint="RUNTIME")
    if parse(version or None) is None:
        example = found.readings[-1] if found.readings else "1.0"
        raise click.BadParameter(f"`{version}` is no release, expected one such as {example}", param_hint="RUNTIME")
    return found


def _sources() -> list[tuple[str, Profile]]:
    from obsc.catalog import BUILT_IN  # noqa: PLC0415

    return [(key, profile) for key in _EXPORTERS if (profile := BUILT_IN.source(key)) is not None]


def _pairs(options: tuple[str, ...]) -> dict[str, str]:
    for one in options:
        if "=" not in one:
            raise click.BadParameter(f"found `{one}`, expected KEY=VALUE", param_hint="--option")
    return {key: value for key, _, value in (one.partition("=") for one in options)}


def _fault(text: str) -> Fault:
    from obsc.simulator.faults import KINDS  # noqa: PLC0415
    from obsc.simulator.scenario import Fault  # noqa: PLC0415

    what, _, when = text.partition("@")
    kind, _, value = what.partition("=")
    if kind not in KINDS:
        raise click.BadParameter(f"no fault is called `{kind}`; there are {', '.join(KINDS)}", param_hint="--fault")
    start, _, end = when.partition("-")
    try:
        size = float(value) if value else None
    except ValueError as error:
        raise click.BadParameter(f"`{value}` is no number", param_hint="--fault") from error
    return Fault(kind, _seconds(start) if start else 600.0, _seconds(end) if end else float("inf"), size)


def _seconds(text: str) -> float:
    from obsc import durations  # noqa: PLC0415

    found = durations.parse(text)
    if found is None:
        raise click.BadParameter(f"`{text}` is no duration, expected one such as 30s or 10m")
    return found


def _print_series(plant: Plant, interval: float, until: float) -> None:
    import json  # noqa: PLC0415

    from obsc.simulator.scraping import Job, usual  # noqa: PLC0415
    from obsc.simulator.series import series  # noqa: PLC0415

    jobs = (Job(), *map(usual, plant.exporters))
    try:
        found = series(plant, jobs, interval, until)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--interval") from error
    click.echo("input_series:")
    for name, values in found.items():
        # JSON's strings are YAML's too.
        click.echo(f"  - series: {json.dumps(name)}\n    values: {json.dumps(values)}")


def _serve(plant: Plant, host: str, port: int, speed: float) -> None:
    import time  # noqa: PLC0415

    from obsc.simulator.serving import Site, server  # noqa: PLC0415

    began = time.monotonic()
    try:
        serving = server(Site(plant, lambda: time.monotonic() - began, speed), host, port)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from error
    click.echo(f"http://{host}:{serving.server_port}/ tells how to scrape it; ^C ends it", err=True)
    try:
        serving.serve_forever()
    except KeyboardInterrupt:
        serving.server_close()
