"""`python -m tests.integration.upload_streamer`: a streamer of uploads that a test may kill."""

import django

if __name__ == "__main__":
    django.setup()

    from telemetry_project.queue import queue_config
    from workers.signals import graceful_stop
    from workers.streamer.report import Report
    from workers.uploads.streamer import run_uploads

    with graceful_stop() as stop:
        run_uploads(queue_config(), stop, Report())
