"""Requests of one model in one engine: they wait for a slot, are read, answered and counted. One step at a time.

A fluid queue with whole requests: per step some come, as many begin as slots allow, and of those in the batch a share ends
that depends on how long they stay. Times are lognormal; what depends on the load follows Little's law.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp

from obsc.simulator.chance import Dice
from obsc.simulator.faults import Effects
from obsc.simulator.scenario import Capacity, Load

# How far times spread within a step (sigma of logarithms), by what is timed.
SPREADS: Mapping[str, float] = {
    "first": 0.45, "between": 0.35, "per_token": 0.25, "whole": 0.55, "queue": 0.4, "prefill": 0.45, "decode": 0.55, "inference": 0.5,
    "prompt": 0.6, "answer": 0.6, "step_tokens": 0.3, "batch": 0.3, "step": 0.2, "check": 0.3,
    "bytes_in": 0.6, "bytes_out": 0.6, "overhead": 0.3, "failing": 0.4, "none": 0.0}
_WIDER = {what: exp(spread**2 / 2) for what, spread in SPREADS.items()}  # means over medians
_PRICES = (5e-7, 1.5e-6)  # of a token of a prompt and of an answer, in dollars
_HIT = 0.35               # share of prompts that the prefix cache has
_RIGHT, _LIKED = 0.93, 0.86
_BYTES = 4.5              # of a token's text


@dataclass(frozen=True, slots=True)
class Observed:
    """Observations of one thing within one step: how many, their median, how far they spread."""

    what: str
    count: int
    median: float
    spread: float
    mean: float


@dataclass(slots=True)
class Stream:
    """Requests of one model in one engine of a pod: counts since the program began, figures of now, what the last step saw."""

    model: str
    version: str
    engine: str
    dice: Dice
    totals: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    now: dict[str, float] = field(default_factory=dict)
    observed: list[Observed] = field(default_factory=list)
    delta: dict[str, float] = field(default_factory=dict)
    waiting: int = 0
    inside: int = 0

    def begin(self) -> None:
        """Start anew, as a program does that was started again."""
        self.totals.clear()
        self.observed.clear()
        self.now.clear()
        self.waiting = self.inside = 0

    def see(self, what: str, count: int, median: float, kind: str = "") -> None:
        """Note observations."""
        if count > 0:
            seen = Observed(what, count, median, SPREADS[kind or what], median * _WIDER[kind or what])
            self.observed.append(seen)
            self.totals[what + ".count"] += count
            self.totals[what + ".sum"] += count * seen.mean


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a step happens under: what the program can, what load there is, what is wrong, how long the step is."""

    able: Capacity
    load: Load
    state: Effects
    step: float


@dataclass(frozen=True, slots=True)
class Times:
    """How long a request takes now: in the queue, on its prompt, per token, and in the batch; tokens of both lengths."""

    wait: float
    prefill: float
    token: float
    prompt: float
    answer: float

    @property
    def inside(self) -> float:
        """Median time in the batch."""
        return self.prefill + self.answer * self.token


_CARRIED = ("whole", "first", "between", "per_token", "prompt", "answer", "queue", "prefill", "decode", "bytes_in", "bytes_out")
_TIMEOUT = 60.0


def relay(stream: Stream, arrivals: int, behind: Sequence[Stream], share: float, hanging: float, under: Conditions) -> None:
    """One step of a gateway, whose requests end as those `behind` it do. `share` of these are this gateway's.

    `hanging`: the share of requests that nobody answers, which fail for time.
    """
    _open(stream)
    counts = {what: sum(one.delta.get(what, 0.0) for one in behind) * share
              for what in ("ok", "cut", "left", "failed", "refused", "invalid")}
    whole = {what: stream.dice.whole(amount, what) for what, amount in counts.items()}
    lost = stream.dice.whole(arrivals * hanging, "lost")
    own = stream.dice.split(whole["ok"], (under.state.failing,), "own")[0] if under.state.failing else 0
    _count(stream, arrived=arrivals, ok=whole["ok"] - own, cut=whole["cut"], left=whole["left"], invalid=whole["invalid"],
           failed=whole["failed"] + whole["refused"] + own, lost=lost)
    for one in behind:
        for seen in one.observed:
            if seen.what in _CARRIED:
                stream.see(seen.what, stream.dice.whole(seen.count * share, f"{seen.what}/{one.engine}"), seen.median)
    stream.see("whole.failed", whole["failed"] + whole["refused"] + own, 0.05, "failing")
    stream.see("whole.lost", lost, _TIMEOUT, "none")
    stream.see("whole.invalid", whole["invalid"], 0.006, "failing")
    stream.see("overhead", whole["ok"], 0.003)
    _count(stream, **{what: sum(one.delta.get(what, 0.0) for one in behind) * share for what in
                      ("prompt_tokens", "cached_tokens", "computed_tokens", "answer_tokens", "tokens", "spend")})
    flying = sum(one.now.get("in_flight", 0.0) for one in behind) * share
    stream.now |= {"running": float(round(flying)), "in_flight": float(round(flying)), "waiting": 0.0, "busy": 0.05,
                   "load": 0.05, "kv": max((one.now.get("kv", 0.0) for one in behind), default=0.0),
                   "behind_waiting": sum(one.now.get("waiting", 0.0) for one in behind) / max(len(behind), 1),
                   "behind_running": sum(one.now.get("running", 0.0) for one in behind) / max(len(behind), 1),
                   "hit_ratio": _HIT, "request_rate": arrivals / under.step}


def advance(stream: Stream, arrivals: int, expected: float, under: Conditions) -> None:
    """One step. `expected` requests a second are the mean of which `arrivals` is a draw."""
    _open(stream)
    able, load, state, step = under.able, under.load, under.state, under.step
    invalid = stream.dice.events(arrivals * load.invalid, "invalid") if arrivals else 0
    invalid = min(invalid, arrivals)
    refused = max(0, stream.waiting + arrivals - invalid - able.queue)
    backlog = stream.waiting
    stream.waiting += arrivals - invalid - refused
    _count(stream, arrived=arrivals, invalid=invalid, refused=refused)
    stream.see("whole.invalid", invalid, 0.004, "failing")
    stream.see("whole.refused", refused, 0.002, "failing")
    if state.stalled:
        _hang(stream)
        return
    times = _times(stream, (expected, backlog), able, load, state)
    slots = _slots(times, expected, able, state)
    begun = _begin(stream, times, slots, step)
    ended = stream.dice.whole(stream.inside * (1 - exp(-step / max(times.inside, 1e-6))), "ended")
    ended = min(ended, stream.inside)
    stream.inside -= ended
    _end(stream, ended, times, load, state)
    _work(stream, begun / step, times, slots, under)


def _open(stream: Stream) -> None:
    stream.observed.clear()
    stream.delta.clear()


def _count(stream: Stream, **amounts: float) -> None:
    for name, amount in amounts.items():
        if amount:
            stream.totals[name] += amount
            stream.delta[name] = stream.delta.get(name, 0.0) + amount


def _hang(stream: Stream) -> None:
    # What runs goes on to run, as far as anybody can see.
    stream.now |= {"waiting": float(stream.waiting), "token_rate": 0.0, "prompt_rate": 0.0, "step_rate": 0.0, "busy": 0.0}
    stream.now.setdefault("running", float(stream.inside))
    stream.now["in_flight"] = stream.now["running"] + stream.waiting


def _times(stream: Stream, queue: tuple[float, int], able: Capacity, load: Load, state: Effects) -> Times:
    crowd = min(1.0, stream.now.get("running", 0.0) / able.slots)
    slower = state.token / state.clock * (1.35 if state.preempted else 1.0)
    prefill = able.prefill * state.prefill / state.clock * (1.0 if able.token else 1.0 + 0.3 * crowd)
    # A longer prompt is mostly one that the cache has: a runaway agent sends its history again and again.
    prefill *= 1 + 0.1 * (state.prompt - 1)
    token, answer = able.token * (1 + crowd) * slower, load.lengths.answer if able.token else 0.0
    expected, backlog = queue
    wait = backlog / max(expected, stream.now.get("begun_rate", 0.0), 0.01)
    inside = stream.dice.around(1.0, 0.02)
    return Times(0.003 * inside + wait, prefill * inside, token * inside, load.lengths.prompt * state.prompt, answer)


def _slots(times: Times, expected: float, able: Capacity, state: Effects) -> float:
    crowded = state.overload or (1.01 if state.preempted else 0.0)
    if not crowded:
        return float(able.slots)
    return min(float(able.slots), max(expected * _mean(times) / crowded, 0.05))


def _mean(times: Times) -> float:
    return times.inside * exp(SPREADS["decode"] ** 2 / 4)


def _begin(stream: Stream, times: Times, slots: float, step: float) -> int:
    limit = slots / max(_mean(times), 1e-6) * step
    begun = stream.waiting if stream.waiting <= limit else min(stream.dice.whole(limit, "begun"), stream.waiting)
    stream.waiting -= begun
    stream.inside += begun
    return begun


def _end(stream: Stream, ended: int, times: Times, load: Load, state: Effects) -> None:
    failed, left, cut, done = stream.dice.split(ended, (state.failing, load.left, load.cut if times.token else 0.0), "end")
    good = cut + done
    _count(stream, ok=done, cut=cut, left=left, failed=failed)
    stream.see("first", good + left, times.wait + times.prefill)
    for what, median in (("queue", times.wait), ("prefill", times.prefill), ("whole", times.wait + times.inside),
                         ("inference", times.inside), ("check", 0.0008), ("overhead", 0.003)):
        stream.see(what, good, median)
    stream.see("whole.left", left, times.wait + times.inside / 2, "whole")
    stream.see("whole.failed", failed, times.wait + times.inside / 3, "failing")
    _tokens(stream, good + left, good, times)
    _opinions(stream, good, state)


def _tokens(stream: Stream, some: int, good: int, times: Times) -> None:
    wide = _WIDER["prompt"]
    prompt = stream.dice.whole(some * times.prompt * wide, "prompt")
    answer = stream.dice.whole(some * times.answer * wide, "answer")
    stream.see("prompt", good, times.prompt)
    stream.see("one", good, 1.0, "none")
    stream.see("bytes_in", some, times.prompt * _BYTES)
    stream.see("bytes_out", some, (times.answer or 64) * _BYTES)
    cached = int(prompt * _HIT)
    _count(stream, prompt_tokens=prompt, cached_tokens=cached, computed_tokens=prompt - cached, answer_tokens=answer,
           tokens=prompt + answer, spend=prompt * _PRICES[0] + answer * _PRICES[1], inputs=some)
    if times.token:
        stream.see("answer", good, times.answer)
        stream.see("decode", good, times.answer * times.token)
        stream.see("between", max(0, answer - some), times.token)
        stream.see("per_token", good, times.token)


def _opinions(stream: Stream, good: int, state: Effects) -> None:
    """What evaluators and users say of answers: a fifth is judged, three in a hundred are rated."""
    judged = stream.dice.whole(good * 0.2, "judged")
    right, wrong = stream.dice.split(judged, (max(0.0, _RIGHT - state.quality),), "right")
    rated = stream.dice.whole(good * 0.03, "rated")
    liked, disliked = stream.dice.split(rated, (max(0.0, _LIKED - state.liked),), "liked")
    hits, misses = stream.dice.whole(right / 2, "hits"), stream.dice.whole(wrong / 2, "misses")
    _count(stream, judged=judged, right=right, wrong=wrong, rated=rated, liked=liked, disliked=disliked, true_positive=hits,
           true_negative=right - hits, false_positive=misses, false_negative=wrong - misses)
    stream.now |= {"quality": _RIGHT - state.quality, "drift": 0.04 * state.drift, "liking": _LIKED - state.liked}


def _work(stream: Stream, rate: float, times: Times, slots: float, under: Conditions) -> None:
    """Figures of the engine: how much it has at once, how full its memory is, how many steps it makes."""
    able, state, step = under.able, under.state, under.step
    demand = rate * _mean(times)
    running = slots if stream.waiting else min(slots, demand)
    shown = max(1, round(slots)) if stream.waiting else min(int(slots + 1), stream.dice.events(running, "running"))
    busy = 1 - exp(-running)
    tokens = rate * times.answer if times.token else 0.0
    steps = stream.dice.whole(busy * step / (times.token or max(times.prefill, 1e-6)), "steps")
    seen = rate * (times.prompt + times.answer)
    full = min(1.0, running * (times.prompt + times.answer / 2) / able.tokens) if able.tokens else 0.0
    full = 0.985 if state.preempted else full
    preempted = stream.dice.events(state.preempted * step, "preempted")
    _count(stream, steps=steps, preempted=preempted, batches=steps, busy_seconds=busy * step,
           decodes=steps if times.token else 0, prefills=stream.dice.whole(rate * step, "prefills"))
    stream.see("step_tokens", steps, max(1.0, seen * step / max(steps, 1)))
    stream.see("batch", steps, max(1.0, running))
    stream.see("step", steps, times.token or times.prefill)
    stream.now |= {"running": float(shown), "waiting": float(stream.waiting), "in_flight": float(shown + stream.waiting), "kv": full,
                   "busy": busy, "load": running / max(able.slots, 1), "token_rate": tokens, "prompt_rate": rate * times.prompt,
                   "step_rate": steps / step, "begun_rate": rate, "hit_ratio": _HIT, "used_tokens": float(int(full * able.tokens)),
                   "all_tokens": float(able.tokens), "free_tokens": float(able.tokens - int(full * able.tokens)),
                   "slots": float(able.slots), "batch_now": max(1.0, running), "preempted_now": float(min(preempted, 1)),
                   "whole_now": times.wait + times.inside, "queue_now": times.wait, "length_sum": running * times.prompt}
