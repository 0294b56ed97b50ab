"""How many processes of one role there shall be, and what is known of the effect. Pure values."""

from dataclasses import dataclass, field, replace

# A step up must be worth this much, or the next is not taken.
MIN_GAIN = 0.1
# Then it is taken back, and tried again after this time: what was in the way may be gone.
CEILING_S = 300.0
# What was measured longer ago counts no more.
MEMORY_S = 600.0
# Before a process less is risked, those that stay must be known to manage with this much to spare.
SPARE = 0.8

NEVER = float("-inf")


@dataclass(frozen=True)
class Scale:
    """`target` processes; `ceiling` is the most of them that helped, while that is remembered.

    `measured` has, for a number of processes, the records per second they did when they had enough
    to do, and when that was. `came_from` is the target before a step up that is not judged yet.
    """

    target: int
    up_at: float = NEVER
    down_at: float = NEVER
    came_from: int | None = None
    ceiling: int | None = None
    ceiling_at: float = NEVER
    measured: dict[int, tuple[float, float]] = field(default_factory=dict)

    def up(self, target: int, at: float) -> "Scale":
        """More processes."""
        return replace(self, target=target, up_at=at, came_from=self.target)

    def down(self, at: float) -> "Scale":
        """One process less."""
        return replace(self, target=self.target - 1, down_at=at, came_from=None)

    def within(self, lowest: int, highest: int) -> "Scale":
        """The target moved inside limits."""
        target = min(max(self.target, lowest), highest)
        return self if target == self.target else replace(self, target=target, came_from=None)

    def highest(self, limit: int) -> int:
        """The most processes that make sense."""
        return limit if self.ceiling is None else min(limit, self.ceiling)

    def learn(self, per_s: float, at: float) -> "Scale":
        """Note what the present number does, and judge the step that led to it."""
        known = self._remembered(at)
        measured = known | {self.target: (per_s, at)}
        if self.came_from is None or self.came_from not in known:
            return replace(self, measured=measured, came_from=None)
        helped = per_s >= known[self.came_from][0] * (1 + MIN_GAIN)
        if helped:
            return replace(self, measured=measured, came_from=None)
        return replace(
            self, measured=measured, came_from=None, ceiling=self.came_from, ceiling_at=at
        )

    def at_least(self, per_s: float, at: float) -> "Scale":
        """Note what the present number did so far, where nothing better is known."""
        if not per_s or self.target in self.measured:
            return self
        return replace(self, measured=self.measured | {self.target: (per_s, at)})

    def forget(self, at: float) -> "Scale":
        """Drop what is too old to count."""
        ceiling = self.ceiling if at - self.ceiling_at < CEILING_S else None
        return replace(self, measured=self._remembered(at), ceiling=ceiling)

    def per_s(self, count: int) -> float | None:
        """What so many processes manage, by what was measured; None when nothing was."""
        if count in self.measured:
            return self.measured[count][0]
        more = min((known for known in self.measured if known > count), default=None)
        if more is not None:  # each of fewer does at least as much as each of more
            return self.measured[more][0] * count / more
        fewer = max(self.measured, default=None)
        return None if fewer is None else self.measured[fewer][0]

    def one_less_manages(self, per_s: float) -> bool:
        """Whether one process less can be expected to do `per_s`."""
        expected = self.per_s(self.target - 1)
        return expected is None or per_s <= SPARE * expected

    def _remembered(self, at: float) -> dict[int, tuple[float, float]]:
        return {n: (rate, t) for n, (rate, t) in self.measured.items() if at - t < MEMORY_S}
