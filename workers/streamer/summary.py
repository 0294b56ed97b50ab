"""The last words of a streamer, for people and for programs."""

import json
from dataclasses import dataclass

from workers.streamer.report import Report


@dataclass(frozen=True, slots=True)
class Summary:
    """A finished run; `records_published` counts what etcd acknowledged."""

    report: Report
    records_published: int
    seconds: float

    def text(self) -> str:
        """A few lines with the counts, the first rejected rows and the sources that failed."""
        report = self.report
        lines = [
            f"rows read          {report.rows_read}",
            f"rows rejected      {report.rows_rejected}",
            f"records made       {report.records}",
            f"records published  {self.records_published}",
            f"seconds            {self.seconds:.2f}",
            f"records/s          {report.records / max(self.seconds, 1e-9):.0f}",
        ]
        if report.rows_rejected:
            lines += ["rejected:", *(f"  {item}" for item in report.first_rejections)]
            further = report.rows_rejected - len(report.first_rejections)
            lines += [f"  and {further} more"] if further else []
        if report.failures:
            lines += ["not read:", *(f"  {failure}" for failure in report.failures)]
        return "\n".join(lines)

    def json(self) -> str:
        """The counts as one line of JSON."""
        return json.dumps(
            {
                "rows_read": self.report.rows_read,
                "rows_rejected": self.report.rows_rejected,
                "records_published": self.records_published,
                "seconds": round(self.seconds, 3),
            }
        )
