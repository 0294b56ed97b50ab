"""The periodic tasks; each is also a management command of the same name."""

import logging
from datetime import UTC, datetime, timedelta

from celery import shared_task
from django.db import OperationalError

from apps.telemetry import partitions
from apps.telemetry.single_run import single_run

# Today's and these: a weekend without tasks costs the collectors nothing.
DAYS_AHEAD = 3

log = logging.getLogger(__name__)


@shared_task(
    name="telemetry.make_partitions",
    # While PostgreSQL is away: again after 10, 20, 40 s and so on, up to ten minutes apart.
    autoretry_for=(OperationalError,),
    retry_backoff=10,
    max_retries=10,
)
def make_partitions() -> None:
    """Make the sample table's partitions of today and the next days, where they are missing.

    Collectors make what is missing themselves; done ahead, none of them waits at midnight.
    """
    today = datetime.now(UTC).date()
    days = [today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)]
    with single_run("telemetry.make_partitions") as is_ours:
        if is_ours:
            partitions.ensure(days)
        else:
            log.info("make_partitions runs elsewhere at this moment")
