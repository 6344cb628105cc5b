"""The platform itself: receivers that exist, backends that are encrypted, intervals that fit."""

from __future__ import annotations

from obsc import __version__, durations
from obsc.advice import nearest
from obsc.catalog.versions import at_least, parse
from obsc.diagnostics import Sink, render
from obsc.resolve import Environment
from obsc.source import Path, at
from obsc.spec.platform_alerting import Routing

_LEVELS = ("critical", "warning", "info")


def receivers_exist(environment: Environment, sink: Sink) -> None:
    """Every receiver that routing or a team names is defined, and tells somebody."""
    said = environment.platform.alertmanager
    known = [one.name for one in said.receivers]
    _named(environment, ("alertmanager", "routing"), said.routing, known, sink)
    for name, team in said.teams.items():
        _named(environment, ("alertmanager", "teams", name), team, known, sink)
    for index, one in enumerate(said.receivers):
        configs = (one.slack_configs, one.pagerduty_configs, one.opsgenie_configs, one.webhook_configs, one.email_configs)
        if not any(configs):
            sink.error("S320", f"the receiver `{one.name}` tells nobody",
                       environment.origins.place(("alertmanager", "receivers", index, "name")), path="alertmanager.receivers",
                       hint="give it slackConfigs, pagerdutyConfigs, webhookConfigs, opsgenieConfigs or emailConfigs")
        for number, mail in enumerate(one.email_configs):
            missing = [key for key, value in (("from", mail.from_), ("smarthost", mail.smarthost)) if value is None]
            # The operator's Alertmanager may have them for all of its mail; the file that is compiled here has not.
            if missing and (said.flavor or environment.platform.prometheus.flavor) == "config":
                sink.error("S320", f"mail of the receiver `{one.name}` goes nowhere without {' and '.join(f'`{key}`' for key in missing)}",
                           environment.origins.place(("alertmanager", "receivers", index, "emailConfigs", number)),
                           path="alertmanager.receivers", hint="Alertmanager would refuse its whole configuration: write them here")
        for number, hook in enumerate(one.webhook_configs):
            if (hook.url is None) == (hook.url_secret is None):
                found = "neither" if hook.url is None else "both"
                sink.error("S321", f"found {found} of `url` and `urlSecret`, expected one of them",
                           environment.origins.place(("alertmanager", "receivers", index, "webhookConfigs", number)),
                           path="alertmanager.receivers", hint="`url` is for an address that is no secret, `urlSecret` for one that is")


def _named(environment: Environment, path: Path, routing: Routing, known: list[str], sink: Sink) -> None:
    for level in _LEVELS:
        for index, name in enumerate(getattr(routing, level)):
            if name not in known:
                listed = ", ".join(f"`{one}`" for one in known) or "none"
                sink.error("R213", f"there is no receiver `{name}`; known are {listed}", environment.origins.place((*path, level, index)),
                           path="alertmanager", hint=nearest(name, known, "define it in `alertmanager.receivers`"))


def required_release(environment: Environment, sink: Sink) -> None:
    """Another release of the compiler than the platform asks for is one finding, not a thousand changed files."""
    wanted = environment.platform.requires
    range_ = parse(wanted)
    here = parse(__version__)
    if range_ is None or here is None or not range_.first <= here.first < range_.end:
        sink.error("R215", f"the platform is for obsc {wanted}, this is {__version__}", environment.origins.place(("requires",)),
                   path="requires", hint="install a release in that range, or change the platform and compile everything anew")


def backends(environment: Environment, sink: Sink) -> None:
    """Backends are reached over TLS; where the platform allows plain http, each one still gets a warning."""
    platform = environment.platform
    plain: list[tuple[str, Path]] = []
    if platform.elasticsearch is not None:
        plain += [("Elasticsearch", ("elasticsearch", "hosts", index))
                  for index, host in enumerate(platform.elasticsearch.hosts) if host.startswith("http:")]
    plain += [("the remote store", ("prometheus", "remoteWrite", index, "url"))
              for index, one in enumerate(platform.prometheus.remote_write) if one.url.startswith("http:")]
    for index, receiver in enumerate(platform.alertmanager.receivers):
        plain += [(f"the receiver {receiver.name}", ("alertmanager", "receivers", index, "webhookConfigs", number, "url"))
                  for number, hook in enumerate(receiver.webhook_configs) if hook.url is not None and hook.url.startswith("http:")]
    if platform.jaeger is not None and platform.policy.allow_insecure:
        plain.append(("Jaeger", ("jaeger", "endpoint")))
    for name, path in plain:
        place = environment.origins.place(path)
        text = f"{name} is reached without encryption"
        if platform.policy.allow_insecure:
            sink.warning("P409", text, place, path=str(path[0]), hint="use TLS outside of a test cluster")
        else:
            sink.error("P409", text, place, path=str(path[0]), hint="use https, or set `policy.allowInsecure` knowingly")


_OPERATED: tuple[Path, ...] = (("prometheus", "externalLabels"), ("prometheus", "retention"), ("prometheus", "replicas"),
                               ("prometheus", "remoteWrite"), ("alertmanager", "address"))


def without_effect(environment: Environment, sink: Sink) -> None:
    """What the chosen form of output cannot express is said, not dropped: the operator's objects are somebody else's."""
    platform, origins = environment.platform, environment.origins
    for path in _OPERATED if platform.prometheus.flavor == "operator" else ():
        if at(origins.tree, path) is not None:
            sink.warning("T501", f"`{render(path)}` has no effect with the operator: it belongs to the Prometheus object",
                         origins.place(path, key=True), path=render(path), hint="set it there, and leave it out here")
    old = not at_least(platform.prometheus.version, 3, 14)
    if old and platform.prometheus.flavor == "config" and at(origins.tree, ("prometheus", "retention")) is not None:
        sink.warning("T501", "before release 3.14 Prometheus takes its retention from a flag, not from its file",
                     origins.place(("prometheus", "retention"), key=True), path="prometheus.retention",
                     hint="start it with --storage.tsdb.retention.time, and leave it out here")
    several = platform.prometheus.replicas > 1 or platform.prometheus.shards > 1
    if several and platform.prometheus.flavor == "config" and not at_least(platform.prometheus.version, 3):
        sink.warning("T501", "before release 3 Prometheus fills variables into external labels only if a flag says so",
                     origins.place(("prometheus", "version")), path="prometheus.version",
                     hint="start it with --enable-feature=expand-external-labels")
    pairs = (("filebeat", platform.filebeat, "elasticsearch", platform.elasticsearch),
             ("collector", platform.collector, "jaeger", platform.jaeger))
    for name, one, needed, other in pairs:
        if (one is None) != (other is None):
            given, missing = (name, needed) if other is None else (needed, name)
            sink.warning("T502", f"`{given}` without `{missing}` gives no output", origins.place((given,), key=True), path=given,
                         hint=f"add `{missing}`, or leave `{given}` out")


# The oldest release that reads what is compiled for it: scrape_config_files (2.43) and keep_firing_for (2.42) in their
# change logs, files of every receiver's secret (`url_file` of webhooks, 0.26), `parsers` of filestream as they are used
# here (7.17), data streams (Elasticsearch 7.9), statements that name their context (the Collector; releases before 0.140
# were not looked at).
_OLDEST: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("prometheus", "config", (2, 43)), ("prometheus", "operator", (2, 42)), ("alertmanager", "config", (0, 26)),
    ("filebeat", "", (7, 17)), ("elasticsearch", "", (7, 9)), ("collector", "", (0, 140)))


def old_releases(environment: Environment, sink: Sink) -> None:
    """A release that is too old for its outputs would refuse them, or read them in another sense."""
    platform, origins = environment.platform, environment.origins
    flavors = {"prometheus": platform.prometheus.flavor, "alertmanager": platform.alertmanager.flavor or platform.prometheus.flavor}
    for name, flavor, oldest in _OLDEST:
        said = getattr(platform, name)
        if said is not None and flavor == flavors.get(name, "") and not at_least(said.version, *oldest):
            least = ".".join(map(str, oldest))
            sink.error("T503", f"found release {said.version} of `{name}`, expected {least} or newer", origins.place((name, "version")),
                       path=f"{name}.version", hint=f"upgrade to {least} or newer: an older one does not read what is compiled for it")


def kept_labels(environment: Environment, sink: Sink) -> None:
    """Rules about containers join two exporters by namespace, pod and container, which both scrapes must keep."""
    sources = environment.platform.sources
    for key, said in (("kubeStateMetrics", sources.kube_state_metrics), ("cadvisor", sources.cadvisor)):
        if said.enabled and said.honor_labels is False:
            sink.error("S323", f"the scrape of `{key}` renames the labels that rules about containers join by",
                       environment.origins.place(("sources", key, "honorLabels")), path=f"sources.{key}.honorLabels",
                       hint="give that scrape `honor_labels: true` and leave this out, or write `enabled: false`")


def repetition(environment: Environment, sink: Sink) -> None:
    """Repetition is looked at only when a group is due, so its interval is a multiple of the group's."""
    said = environment.platform.alertmanager
    times = said.repeat_interval / said.group_interval
    if abs(times - round(times)) > 1e-9:
        sink.warning("S319", f"repeatInterval {durations.show(said.repeat_interval)} is no multiple of groupInterval "
                     f"{durations.show(said.group_interval)}", environment.origins.place(("alertmanager", "repeatInterval")),
                     path="alertmanager.repeatInterval",
                     hint=f"write {durations.show(max(1, round(times)) * said.group_interval)}")
