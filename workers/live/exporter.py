"""dcgm-exporter as a live source: its page is fetched and read."""

from datetime import UTC, datetime

from workers.live.address import Address
from workers.live.exporter_page import ExporterPages
from workers.live.http_page import HttpPage
from workers.sources.cells import TimeCheck
from workers.sources.source import Chunk


class Exporter:
    """One target; any streamer may ask it.

    `check_time` raises InvalidRecord for a sample's own time that is not wanted.
    """

    shared = True

    def __init__(self, address: Address, timeout_s: float, check_time: TimeCheck) -> None:
        self.name = address.url
        self._page = HttpPage(address, timeout_s)
        self._pages = ExporterPages(self.name, address.host, dict(address.labels), check_time)

    def sample(self) -> Chunk:
        """Scrape; every record is of the instant at which it began. Raises SourceError."""
        scraped_at = datetime.now(UTC)
        return self._pages.read(self._page.read(), scraped_at)

    def close(self) -> None:
        """Close the connection."""
        self._page.close()
