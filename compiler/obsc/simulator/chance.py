"""Numbers drawn by chance, the same for the same seed on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import exp
from random import Random

_MANY = 40.0


class Dice:
    """A stream of chance of its own for everything that has a name. `steady`: no chance, remainders are carried over."""

    def __init__(self, seed: int, name: str, *, steady: bool = False) -> None:
        digest = blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
        self._random = Random(int.from_bytes(digest, "big"))  # noqa: S311  simulated load, no secret
        self._rest: dict[str, float] = {}
        self._steady = steady

    def events(self, mean: float, kind: str = "") -> int:
        """How many events there are where `mean` are expected."""
        if mean <= 0:
            return 0
        if self._steady:
            return self.whole(mean, kind)
        if mean > _MANY:
            return max(0, round(self._random.gauss(mean, mean**0.5)))
        limit, product, count = exp(-mean), self._random.random(), 0
        while product > limit:
            product *= self._random.random()
            count += 1
        return count

    def whole(self, amount: float, kind: str) -> int:
        """The amount without its fraction, which is kept for the next time."""
        total = amount + self._rest.get(kind, 0.0)
        found = int(total + 1e-9)
        self._rest[kind] = total - found
        return found

    def split(self, count: int, shares: Sequence[float], kind: str = "") -> list[int]:
        """Events among outcomes with these shares, whose rest is the last one's."""
        left, found = count, []
        for index, share in enumerate(shares):
            some = min(left, self._part(count, share, f"{kind}{index}")) if share > 0 else 0
            found.append(some)
            left -= some
        return [*found, left]

    def _part(self, count: int, share: float, kind: str) -> int:
        if share >= 1:
            return count
        if self._steady:
            return self.whole(count * share, kind)
        if count > _MANY:
            return min(count, self.events(count * share, kind))
        return sum(self._random.random() < share for _ in range(count))

    def around(self, value: float, spread: float) -> float:
        """A value with noise of a relative size."""
        return value if self._steady or not spread else value * exp(self._random.gauss(0.0, spread))
