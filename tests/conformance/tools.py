"""Build the pinned consumers into a cache folder: `python tests/conformance/tools.py [--list] [NAME…]`.

Each family of Go modules is pinned by its go.mod and go.sum and built through the module proxy; the types of Grafana's
model, and the compiler that checks them, are pinned by a package-lock.json; the only other source is the system's package
manager, for etcd and openssl. A binary is stamped with the digest of what it was made from, so that an up-to-date one
costs no call of `go`. What cannot be had is named and the others are still made; the exit code is 1 then.
The last lines printed are a table: tool, version, seconds, state.

The cache folder is $OBSC_CONFORMANCE_CACHE, or obsc-conformance in $XDG_CACHE_HOME or in ~/.cache.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).resolve().parent / "modules"
STATIC = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
# Service discovery of every cloud is most of Prometheus; the compiled configurations use files and Kubernetes only.
FEW_DISCOVERIES = "remove_all_sd,enable_kubernetes_sd"
KUBERNETES = "1.33.13"
# Without these kubectl cannot read the server's version, and the operator takes it for an ancient one.
KUBERNETES_FLAGS = " ".join(
    f"-X k8s.io/component-base/version.{key}={value}"
    for key, value in (("gitVersion", f"v{KUBERNETES}"), ("gitMajor", "1"), ("gitMinor", "33"))
)


@dataclass(frozen=True)
class Tool:
    """One binary: the family whose go.mod pins it, its main package, and what its build needs.

    `placeholder` names a file (module, path) that the module's archive lacks and its build embeds: a web page that no
    test opens. Such a module is copied and built in the copy, by its own go.mod.
    """

    name: str
    family: str
    package: str
    version: str
    ldflags: str = ""
    tags: str = ""
    placeholder: tuple[str, str] | None = None


@dataclass(frozen=True)
class Definitions:
    """Definitions of one operator's objects: the module, the hash of its archive, and the folder of the files."""

    module: str
    version: str
    archive: str
    folder: str
    pattern: str = "*.yaml"


def _released(version: str) -> str:
    return f"-X github.com/prometheus/common/version.Version={version}"


TOOLS = (
    Tool("promtool", "prom", "github.com/prometheus/prometheus/cmd/promtool", "3.15.0", _released("3.15.0"),
         FEW_DISCOVERIES),
    Tool("prometheus", "prom", "github.com/prometheus/prometheus/cmd/prometheus", "3.15.0", _released("3.15.0"),
         FEW_DISCOVERIES),
    Tool("amtool", "am", "github.com/prometheus/alertmanager/cmd/amtool", "0.34.2", _released("0.34.2")),
    Tool("alertmanager", "am", "./cmd/alertmanager", "0.34.2", _released("0.34.2"),
         placeholder=("github.com/prometheus/alertmanager", "ui/app/dist/index.html")),
    Tool("filebeat", "filebeat", "github.com/elastic/beats/v7/filebeat", "7.17.29"),
    Tool("kube-apiserver", "apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", KUBERNETES, KUBERNETES_FLAGS),
    Tool("kubectl", "apiserver", "k8s.io/kubernetes/cmd/kubectl", KUBERNETES, KUBERNETES_FLAGS),
    Tool("prometheus-operator", "operator", "github.com/prometheus-operator/prometheus-operator/cmd/operator", "0.85.0",
         _released("0.85.0")),
    Tool("otelcol", "otelcol", ".", "0.145.0", tags=FEW_DISCOVERIES),
)
DEFINITIONS = (
    Definitions("github.com/prometheus-operator/prometheus-operator", "v0.85.0",
                "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=", "example/prometheus-operator-crd"),
    Definitions("github.com/open-telemetry/opentelemetry-operator", "v0.140.0",
                "h1:yHwVEn1vjQ7n9OoOZX/rsgur+YozIKNjCoWSk6EAhvw=", "config/crd/bases", "opentelemetry.io_*.yaml"),
    Definitions("github.com/grafana/grafana-operator/v5", "v5.18.0",
                "h1:ei7N2VfjsRjY8iprenH1IDV783WeV7CP5VNp//sB4hI=", "config/crd/bases"),
    Definitions("github.com/kedacore/keda/v2", "v2.21.0",
                "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=", "config/crd/bases", "keda.sh_*.yaml"),
)
# Of the system: binary → package and the word that asks for its version. openssl makes the API server's signing key.
PACKAGES = {"etcd": ("etcd-server", "--version"), "openssl": ("openssl", "version")}
CRDS = "crds"
SCHEMA = "grafana-schema"  # the types of Grafana's model, and TypeScript
LANGUAGE_SERVER = "yaml-language-server"
# Folders of Node packages: name → the family whose package-lock.json pins them, and the package that the version is of.
NODE = {SCHEMA: ("grafana", "@grafana/schema"), LANGUAGE_SERVER: ("yamlls", "yaml-language-server")}
NAMES = (*PACKAGES, *(tool.name for tool in TOOLS), CRDS, *NODE)


class Unavailable(Exception):  # noqa: N818
    """A tool could not be had; the text says why."""


def cache() -> Path:
    """Folder of the built tools: `bin/` and `crds/`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("OBSC_CONFORMANCE_CACHE") or Path(base) / "obsc-conformance").absolute()


def find(name: str) -> Path | None:
    """An up-to-date tool (or the folder of definitions, for `crds`); None if it is missing or older than its pins."""
    if name in PACKAGES:
        installed = shutil.which(name)
        return Path(installed) if installed else None
    place = cache() / name if name in {CRDS, *NODE} else cache() / "bin" / name
    stamp = _stamp(place)
    return place if place.exists() and stamp.exists() and stamp.read_text() == _digest(name) else None


def version(name: str) -> str:
    """Version of a tool as it is pinned (of a system package: as it is installed); empty if there is none."""
    if name == CRDS:
        return f"{len(DEFINITIONS)} modules"
    if name in NODE:
        family, package = NODE[name]
        return str(json.loads((MODULES / family / "package.json").read_text())["dependencies"][package])
    if name in PACKAGES:
        found = find(name)
        words = _run(str(found), PACKAGES[name][1]).split() if found else []
        return next((word for word in words if word[0].isdigit()), "")
    return next(tool.version for tool in TOOLS if tool.name == name)


def main() -> int:
    """Build what is named (everything unless something is); 1 if anything could not be had."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to build, of: {', '.join(NAMES)}")
    parser.add_argument("--list", action="store_true", help="say what there is and build nothing")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(NAMES))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    wanted = [name for name in NAMES if not arguments.names or name in arguments.names]
    if arguments.list:
        _table([(name, version(name), 0.0, "ready" if find(name) else "missing") for name in wanted])
        return 0
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / ".lock").open("w") as lock:
        # Two runs at once would build the same things twice and slow each other down.
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = [_made(name) for name in wanted]
    _table(rows)
    return 1 if any(row[3] == "failed" for row in rows) else 0


def _table(rows: list[tuple[str, str, float, str]]) -> None:
    print(f"\n{'tool':20} {'version':12} {'seconds':>8}  state")
    for name, number, seconds, state in rows:
        print(f"{name:20} {number:12} {seconds:8.1f}  {state}")


def _made(name: str) -> tuple[str, str, float, str]:
    begin = time.monotonic()
    try:
        state = "cached" if find(name) else _make(name)
    except (Unavailable, OSError, subprocess.SubprocessError) as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        state = "failed"
    seconds = time.monotonic() - begin
    print(f"{name}: {state} after {seconds:.1f} s", flush=True)
    return name, version(name), seconds, state


def _make(name: str) -> str:
    print(f"{name}: building …", flush=True)
    makers: dict[str, Callable[[], None]] = {CRDS: _copy_definitions}
    makers |= {folder: lambda f=folder: _install_node(f) for folder in NODE}  # type: ignore[misc]
    makers |= {binary: lambda b=binary, p=package: _install(b, p) for binary, (package, _) in PACKAGES.items()}  # type: ignore[misc]
    makers |= {tool.name: lambda t=tool: _build(t) for tool in TOOLS}  # type: ignore[misc]
    makers[name]()
    return "built"


def _run(*command: str, cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"{' '.join(command[:3])} … exited {done.returncode}\n{(done.stderr or done.stdout)[-3000:]}")
    return done.stdout


def _go() -> str:
    """Version of the Go toolchain, read from its own folder: asking `go` costs more than all the rest of a check."""
    found = shutil.which("go")
    if found is None:
        return "none"
    root = os.environ.get("GOROOT") or Path(found).resolve().parent.parent
    mark = Path(root) / "VERSION"
    return mark.read_text().splitlines()[0] if mark.exists() else _run(found, "version")


def _stamp(place: Path) -> Path:
    return place.with_name(f"{place.name}.stamp")


def _digest(name: str) -> str:
    if name == CRDS:
        return hashlib.sha256(repr(DEFINITIONS).encode()).hexdigest()
    if name in NODE:
        return hashlib.sha256((MODULES / NODE[name][0] / "package-lock.json").read_bytes()).hexdigest()
    tool = next(tool for tool in TOOLS if tool.name == name)
    pins = [path for path in sorted((MODULES / tool.family).iterdir()) if path.suffix in {".go", ".mod", ".sum"}]
    parts = [path.name.encode() + b"\0" + path.read_bytes() for path in pins]
    return hashlib.sha256(b"\0".join([*parts, repr((tool, sorted(STATIC.items()), _go())).encode()])).hexdigest()


def _build(tool: Tool) -> None:
    target = cache() / "bin" / tool.name
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{tool.name}.new")
    folder = MODULES / tool.family if tool.placeholder is None else _copy_of_module(tool.family, *tool.placeholder)
    tags = ("-tags", tool.tags) if tool.tags else ()
    _run("go", "build", "-p", "2", "-trimpath", "-ldflags", f"-s -w {tool.ldflags}".strip(), *tags, "-o", str(fresh),
         tool.package, cwd=folder, environment=STATIC)
    if tool.placeholder is not None:
        shutil.rmtree(folder)
    _stamp(target).unlink(missing_ok=True)
    fresh.replace(target)
    _stamp(target).write_text(_digest(tool.name))


def _copy_of_module(family: str, module: str, missing: str) -> Path:
    found = json.loads(_run("go", "mod", "download", "-json", module, cwd=MODULES / family, environment=STATIC))
    copy = cache() / "source" / Path(module).name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(found["Dir"], copy, copy_function=shutil.copyfile)
    for folder in (copy, *(path for path in copy.rglob("*") if path.is_dir())):
        folder.chmod(0o755)  # the module cache is read-only, and so would be its copy
    place = copy / missing
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("<!doctype html><title>built without its pages</title>\n")
    return copy


def _install(binary: str, package: str) -> None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise Unavailable(f"install {package} with the system's package manager: {binary} is not on the PATH")
    _run("apt-get", "update", "-q")
    # A package starts its service when it is installed; the tests run the program themselves, on ports of their own.
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        _run("apt-get", "install", "-q", "-y", "--no-install-recommends", package,
             environment={"DEBIAN_FRONTEND": "noninteractive"})
    finally:
        if ours:
            policy.unlink(missing_ok=True)
    if shutil.which(binary) is None:
        raise Unavailable(f"{package} was installed and has no {binary}")


def _install_node(name: str) -> None:
    if shutil.which("npm") is None:
        raise Unavailable("install Node.js: npm is not on the PATH")
    target = cache() / name
    fresh = target.with_name(f"{name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copyfile(MODULES / NODE[name][0] / file, fresh / file)
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=fresh)
    _stamp(target).unlink(missing_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    fresh.replace(target)
    _stamp(target).write_text(_digest(name))


def _copy_definitions() -> None:
    target = cache() / CRDS
    fresh = cache() / f"{CRDS}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for one in DEFINITIONS:
        # Outside every module: these archives are read, not linked, so no go.mod has to resolve them together.
        named = f"{one.module}@{one.version}"
        answer = json.loads(_run("go", "mod", "download", "-json", named, cwd=fresh, environment=STATIC))
        if answer["Sum"] != one.archive:
            raise Unavailable(f"{named}: the archive's hash is {answer['Sum']}, not {one.archive}")
        files = [path for path in (Path(answer["Dir"]) / one.folder).glob(one.pattern) if path.name != "kustomization.yaml"]
        if not files:
            raise Unavailable(f"{named}: nothing in {one.folder}")
        for path in files:
            shutil.copyfile(path, fresh / path.name)
    shutil.rmtree(target, ignore_errors=True)
    fresh.replace(target)
    _stamp(target).write_text(_digest(CRDS))


if __name__ == "__main__":
    raise SystemExit(main())
