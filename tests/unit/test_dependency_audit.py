"""The audit of dependencies: a finding fails, and what was not looked at is said."""

import sys

import pytest

from tests import dependency_audit
from tests.dependency_audit import Findings, main, read

REPORT = {
    "dependencies": [
        {"name": "sound", "version": "1", "vulns": []},
        {"name": "flawed", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]},
        {"name": "obscure", "skip_reason": "not found"},
    ]
}


def test_a_report_is_read_whole():
    found = read(REPORT)
    assert found.vulnerable == ["flawed 2: CVE-1, fixed in 3"]
    assert (found.unknown, found.audited) == (["obscure"], 2)


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [
        (Findings(vulnerable=["flawed 2: CVE-1, fixed in 3"]), 1, "VULNERABLE: flawed"),
        (Findings(unknown=["obscure"], audited=2), 0, "NOT AUDITED: 1 of 3"),
        ("the service is away", 0, "NOT AUDITED: the dependencies, since the service is away"),
    ],
)
def test_only_a_finding_fails_and_nothing_is_left_unsaid(monkeypatch, capsys, outcome, code, said):
    monkeypatch.setattr(dependency_audit, "audit", lambda: outcome)
    assert main() == code
    assert said in capsys.readouterr().err


def test_a_service_that_is_away_is_no_finding(monkeypatch):
    failing = (sys.executable, "-c", "import sys; sys.exit('no route to host')")
    monkeypatch.setattr(dependency_audit, "COMMAND", failing)
    assert dependency_audit.audit() == "no route to host"
