"""The documents say what the code does: settings, links, and the words that must not be there."""

import re
from pathlib import Path

import pytest

from tests.contract.settings_source import ROOT, UNKNOWN, environment_settings

OPERATING = (ROOT / "docs/operating.md").read_text()
ROW = re.compile(r"^\| `([A-Z0-9_]+)` \| (\w+) \|([^|]*)\| (.+) \|$", re.MULTILINE)
TABLE = {name: default.strip().strip("`") for name, _, default, _ in ROW.findall(OPERATING)}
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "apps").glob("*/*.md")]
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _as_written(default: object) -> str:
    return ",".join(default) if isinstance(default, list) else str(default)


def _anchors(document: Path) -> set[str]:
    """The anchors that a page on GitHub gives to its headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_setting_is_in_the_table_and_nothing_else_is():
    assert set(TABLE) == set(environment_settings())


@pytest.mark.parametrize("name", sorted(TABLE))
def test_the_default_in_the_table_is_the_one_in_the_code(name):
    default = environment_settings()[name]

    assert default is UNKNOWN or TABLE[name] == _as_written(default)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document):
    for target in LINK.findall(document.read_text()):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        page = (document.parent / path).resolve() if path else document

        assert page.exists(), target
        assert not anchor or anchor in _anchors(page), target
