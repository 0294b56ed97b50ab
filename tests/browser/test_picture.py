"""The fleet page of the demo fleet; its screenshot, fleet.png, is the README's picture."""

from tests.browser.site import screenshots


def test_the_demo_fleet_is_seen_as_a_whole(person, site, tmp_path):
    site.stream_demo(tmp_path / "demo.csv")
    person.sees_it_as("light", 1400)
    person.opens("/?text=demo")
    person.sees("248 of 248", "#totals")
    person.sees("Live", "#connection")
    person.sees("demo-", "#findings section:nth-child(2)")
    person.browser.save_screenshot(str(screenshots() / "fleet.png"))
