"""A person's way through each page."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.browser.site import STRANGE, until, uuid_of

CSV = (
    "timestamp,gpu_id,hostname,uuid,gpu_utilization,power_draw\n"
    "{day}T12:00:00Z,0,upload-1,GPU-upload-1,50,300\n"
    "{day}T12:00:01Z,0,upload-1,GPU-upload-1,60,310\n"
    "yesterday,0,upload-1,GPU-upload-1,60,310\n"
)
PAGES = [
    "/",
    "/?at=2026-01-31T12:00:00Z",
    "/hosts/node-0",
    f"/gpus/{uuid_of(0, 1)}",
    "/pipeline",
    "/upload",
    "/login",
]
MOST_BYTES = 300_000


def test_the_fleet_shows_every_gpu_and_changes_by_itself(person, site):
    site.publish()
    person.opens("/?text=node-")
    person.sees("16 of 16", "#totals")
    person.sees("Live", "#connection")
    site.publish(gpu_utilization=99.0, power_draw=120.0)
    person.sees("99.0 %", "#totals")
    person.sees("16", "#findings section:nth-child(3) h2")  # looks busy, is not
    site.publish(gpu_utilization=0.0)
    person.sees("0.0 %", "#totals")


def test_a_filter_is_kept_in_the_address_that_is_shared(person, site):
    person.opens("/")
    person.find("#text").send_keys("node-1")
    person.sees("of 8", "#totals")
    person.chooses("#metric", "temperature")
    shared = person.browser.current_url
    assert "text=node-1" in shared
    person.opens("/upload")
    person.browser.get(shared)
    person.sees("of 8", "#totals")
    assert person.find("#metric").get_attribute("value") == "temperature"


def test_a_cell_is_reached_by_keyboard_and_opens_its_gpu(person):
    person.opens("/")
    person.sees("GPUs reporting", "#totals")
    cells = person.find("#cells")
    cells.send_keys("\ue014")  # right
    person.sees("GPU 0", "#tip")
    cells.send_keys("\ue007")  # enter
    person.sees("node-0 · GPU 0", "#title")


def test_the_fleet_is_shown_as_it_was_at_a_moment_and_the_way_back_is_live(person, site):
    then = datetime.now(UTC) - timedelta(minutes=30)
    site.publish(at=then, gpu_utilization=77.0)
    site.publish(gpu_utilization=11.0)
    person.opens(f"/?at={then + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}")
    person.sees("77.0 %", "#totals")
    person.sees("moment of the past", "#connection")
    person.find("#later").click()
    until(lambda: f"{then + timedelta(seconds=61):%H%%3A%M}" in person.browser.current_url)
    person.sees("77.0 %", "#totals")
    person.find("#to-live").click()
    person.sees("11.0 %", "#totals")
    person.sees("Live", "#connection")
    assert "at=" not in person.browser.current_url


def test_a_gpu_that_stopped_reporting_is_not_shown_as_reporting(person, site):
    site.publish(hosts=3, gpus=2, at=datetime.now(UTC) - timedelta(minutes=10))
    site.publish()
    person.opens("/?text=node-")
    person.sees("16 of 18", "#totals")
    person.sees("node-2 · 1", "#findings section:first-child")
    person.opens("/hosts/node-2")
    person.sees("silent", "#gpus tbody tr:last-child")


def test_the_page_goes_on_by_itself_when_the_gateway_was_away(person, site):
    person.expects("ERR_CONNECTION_REFUSED")
    person.expects("WebSocket connection to")
    person.opens("/")
    person.sees("Live", "#connection")
    site.restart_gateway()
    until(lambda: person.find("#connection").text == "Live")
    site.publish(gpu_utilization=42.0)
    person.sees("42.0 %", "#totals")


def test_names_are_text_whatever_they_hold(person, site):
    hostname = "long-" * 40 + "name"
    site.publish_strange(hostname, "<img src=x onerror=alert(1)>")
    person.opens("/?text=onerror")
    person.sees("1 of 1", "#totals")
    person.find("#cells").send_keys("\ue014")
    person.sees("<img src=x", "#tip")
    person.opens(f"/gpus/{STRANGE}")
    person.sees("<img src=x", "#facts")
    person.find("#host").click()
    person.sees("<img src=x", "#gpus")
    assert person.script("return document.querySelectorAll('main img').length") == 0


def test_everything_on_the_fleet_page_is_reached_by_keyboard(person):
    person.opens("/")
    person.sees("°C", "#findings")
    reached = []
    for _ in range(30):
        person.presses("\ue004")  # tab
        reached.append(
            person.script("return document.activeElement.id || document.activeElement.href")
        )
    for name in (
        "theme",
        "metric",
        "cluster",
        "model",
        "state",
        "sort",
        "text",
        "look-back",
        "cells",
    ):
        assert name in reached
    assert any("/gpus/" in name for name in reached)


def test_a_link_of_a_list_stays_in_focus_while_values_change(person, site):
    person.opens("/")
    person.sees("°C", "#findings")
    person.script("document.querySelector('#findings a').focus()")
    site.publish(temperature=55.0)
    person.sees("55 °C", "#findings")
    assert "/gpus/" in person.script("return document.activeElement.href ?? ''")


def test_a_gpu_shows_its_values_and_a_zoom_that_is_a_link(person, site):
    person.opens(f"/gpus/{uuid_of(0, 3)}?range=15m")
    person.sees("Live", "#connection")
    site.publish(temperature=71.0)
    person.sees("71", "#now [data-metric='temperature']")
    chart = person.find("[data-metric='temperature'] .u-over")
    person.drags(chart, -40, 60)
    until(lambda: "start=" in person.browser.current_url)
    shared = person.browser.current_url
    window = person.find("#window").text
    person.opens("/")
    person.browser.get(shared)
    person.sees(window, "#window")


def test_a_gpu_says_what_of_it_was_refused(person, site):
    site.publish(hosts=1, gpus=2, temperature=5000.0)
    until(lambda: person.opens(f"/gpus/{uuid_of(0, 1)}") or "5000" in person.find("#now + p").text)
    person.sees("1 of its records were refused", "#quarantined")


def test_a_host_shows_its_gpus_side_by_side(person, site):
    person.opens("/hosts/node-1")
    person.sees("GPU 7", "#gpus")
    site.publish(power_draw=333.0)
    person.sees("333 W", "#gpus")
    person.find("#gpus tbody a").click()
    person.sees("node-1 · GPU 0", "#title")


def test_the_pipeline_shows_who_works(person, site):
    person.opens("/pipeline")
    person.sees("dead letters", "#totals")
    person.sees("Live", "#connection")
    until(lambda: len(person.all("#collectors .bar")) == 1)
    person.sees("Those at work", "#ledger")


def test_an_uploaded_file_is_followed_until_it_is_stored(person, tmp_path):
    file = tmp_path / "metrics.csv"
    file.write_text(CSV.format(day=datetime.now(UTC).date() - timedelta(days=1)))
    person.signs_in("/upload")
    person.find("#file").send_keys(str(file))
    person.sees("2 records are stored", "#progress")
    person.sees("4", "#result table:last-of-type")
    person.sees("metrics.csv", "#uploads")
    person.find("#result summary").click()
    assert "/gpus/GPU-upload-1?start=" in person.find("#result .gpus a").get_attribute("href")
    person.find("#result p a").click()
    person.sees("Only GPUs of the file metrics.csv", "#file")
    person.sees("1 of 1", "#totals")
    person.find("#file button").click()
    until(lambda: "upload=" not in person.browser.current_url)


def test_a_dead_letter_is_read_and_requeued_in_the_admin(person, site):
    site.put_unreadable()
    person.signs_in("/admin/")
    person.opens("/admin/telemetry/deadletter/")
    until(lambda: person.all("#result_list tbody tr") or person.browser.refresh())
    person.find("#action-toggle").click()
    person.chooses("select[name='action']", "requeue")
    person.find("button[name='index']").click()
    person.find(".messagelist")


@pytest.mark.parametrize(
    ("path", "selector", "text"),
    [
        ("/gpus/GPU-of-nobody", "#message", "No GPU GPU-of-nobody"),
        ("/hosts/nobody?range=constructor", "#message", "No host nobody"),
        ("/nowhere", "main h1", "There is no page here"),
        ("/?at=yesterday", "#file", "This is the fleet now"),
        ("/?metric=nonsense&sort=nonsense&state=nonsense&text=node-1", "#totals", "of 8"),
        ("/?upload=nonsense&text=node-1", "#totals", "of 8"),
        ("/?at=2126-01-01T00:00:00Z", "#message", "Nothing is stored of this moment"),
    ],
)
def test_an_address_that_leads_nowhere_says_so(person, site, path, selector, text):
    person.expects("40")
    site.publish()
    person.opens(path)
    person.sees(text, selector)


def test_a_window_is_widened_and_goes_along_to_the_host(person):
    start, end = "2026-01-31T12:00:00.000Z", "2026-01-31T13:00:00.000Z"
    person.opens(f"/gpus/{uuid_of(0, 3)}?start={start}&end={end}")
    person.sees("Nothing was reported in this window", "#charts")
    person.find("#ranges [aria-label='Twice as long']").click()
    until(lambda: "start=2026-01-31T11%3A30" in person.browser.current_url)
    person.find("#host").click()
    person.sees("GPU 3", "#gpus")
    assert "end=2026-01-31T13%3A30" in person.browser.current_url
    assert "start=2026-01-31T11%3A30" in person.find("#gpus tbody a").get_attribute("href")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 400)])
def test_a_page_keeps_nobody_out(person, path, scheme, width):
    person.sees_it_as(scheme, width)
    person.opens(path)
    person.find("main h1")
    until(lambda: person.script("return document.readyState") == "complete")
    assert person.serious_violations() == []
    assert person.script("return document.documentElement.scrollWidth") <= width


def test_who_was_in_the_admin_still_has_the_theme_of_the_system(person):
    person.sees_it_as("dark", 1400)
    person.opens("/admin/login/")
    person.opens("/upload")
    assert person.script("return document.documentElement.dataset.theme") == "dark"


def test_the_fleet_page_is_light(person):
    person.opens("/")
    person.sees("GPUs reporting", "#totals")
    sizes = person.script(
        "return ['resource', 'navigation'].flatMap((kind) => performance.getEntriesByType(kind))"
        ".filter((one) => !one.name.includes('/api/')).map((one) => one.decodedBodySize)"
    )
    assert 0 < sum(sizes) < MOST_BYTES
