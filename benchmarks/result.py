"""One measured figure beside its limit."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Result:
    """`limit` is what the same work costs without the product around it, in the same unit.

    For rates a ratio of 1 is the limit; for latencies 1 is the best there can be, more is worse.
    """

    name: str
    value: float
    unit: str
    limit: float
    about_limit: str

    @property
    def ratio(self) -> float:
        """value / limit."""
        return self.value / self.limit

    def as_json(self) -> dict[str, object]:
        """The entry of bench.json."""
        entry = asdict(self) | {"ratio": round(self.ratio, 3)}
        del entry["about_limit"]
        return entry
