"""How often and how soon a program that died is started again."""

from dataclasses import dataclass


@dataclass
class Restarts:
    """Counts deaths in a row; a program that stayed up `steady_s` starts afresh."""

    limit: int = 5
    first_delay_s: float = 1.0
    steady_s: float = 60.0
    deaths: int = 0

    def delay_after(self, ran_s: float) -> float | None:
        """Seconds to wait before the next start, doubling each time; None to give up."""
        self.deaths = 1 if ran_s >= self.steady_s else self.deaths + 1
        if self.deaths > self.limit:
            return None
        return float(self.first_delay_s * 2 ** (self.deaths - 1))
