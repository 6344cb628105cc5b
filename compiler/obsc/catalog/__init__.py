"""What is known of runtimes and exporters: one data file each, read by name.

No other module knows a runtime's name. A mistake in a catalog file becomes a diagnostic with its place.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from obsc.catalog.form import ProfileForm, to_profile
from obsc.catalog.profile import Metric, Profile
from obsc.diagnostics import Sink
from obsc.source import load, plain
from obsc.validate import build

_SOURCES = "sources.yaml"
_ENDS = ("_bucket", "_sum", "_count")


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Names of all entries, sorted."""
    found = (entry.name for entry in files(__package__ or __name__).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml") and name != _SOURCES))


@lru_cache(maxsize=64)
def load_runtime(name: str) -> Profile | None:
    """The entry of this name, or None. A built-in entry that cannot be read is a bug of ours, and raises."""
    if name not in names():
        return None
    sink = Sink()
    profile = read(f"{name}.yaml", (files(__package__ or __name__) / f"{name}.yaml").read_bytes(), sink)
    if profile is None or sink.failed:
        raise ValueError([str(found) for found in sink])
    return profile


def read(file: str, raw: bytes, sink: Sink) -> Profile | None:
    """A catalog file as data, or None with the reasons in the sink."""
    source = load(file, raw, sink)
    if not source.documents or sink.failed:
        return None
    model, _ = build(ProfileForm, source.documents[0].root, sink)
    return to_profile(model) if isinstance(model, ProfileForm) and not sink.failed else None


@lru_cache(maxsize=1)
def _sources() -> dict[str, str]:
    raw = (files(__package__ or __name__) / _SOURCES).read_bytes()
    found = plain(load(_SOURCES, raw, Sink()).documents[0].root)
    assert isinstance(found, dict)
    return found


def source_name(key: str) -> str | None:
    """The entry that describes a key of the platform's `sources` (or `target`, the series of every target)."""
    return _sources().get(key)


def metric(profile: Profile, name: str) -> Metric | None:
    """Facts on a metric by its name in an expression, with or without `_bucket`, `_sum`, `_count`."""
    by_name = {one.name: one for one in profile.metrics}
    if name in by_name:
        return by_name[name]
    for end in _ENDS:
        found = by_name.get(name.removesuffix(end)) if name.endswith(end) else None
        if found is not None and found.type in {"histogram", "summary"}:
            return found
    return None
