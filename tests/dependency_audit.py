"""`python -m tests.dependency_audit`: known vulnerabilities of what is installed, by pip-audit.

Fails on any that is found. Where the advisory service cannot be reached, or knows nothing of a
package, it says so and goes on: `make lint` must work without a network.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

COMMAND = (sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off")
TIMEOUT_S = 120


@dataclass
class Findings:
    """What pip-audit said, by package."""

    vulnerable: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    audited: int = 0


def read(report: dict[str, Any]) -> Findings:
    """The findings of pip-audit's JSON report."""
    found = Findings()
    for package in report["dependencies"]:
        if "skip_reason" in package:
            found.unknown.append(package["name"])
            continue
        found.audited += 1
        for flaw in package["vulns"]:
            fixed = ", ".join(flaw["fix_versions"]) or "no version"
            found.vulnerable.append(
                f"{package['name']} {package['version']}: {flaw['id']}, fixed in {fixed}"
            )
    return found


def audit() -> Findings | str:
    """The findings, or why there are none."""
    try:
        done = subprocess.run(
            COMMAND, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"the advisory service did not answer in {TIMEOUT_S} s"
    try:
        return read(json.loads(done.stdout))
    except ValueError:
        return (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]


def main() -> int:
    """1 if something is vulnerable."""
    found = audit()
    if isinstance(found, str):
        sys.stderr.write(f"NOT AUDITED: the dependencies, since {found}\n")
        return 0
    if found.unknown:
        everything = len(found.unknown) + found.audited
        names = ", ".join(found.unknown) if found.audited else "all"
        sys.stderr.write(
            f"NOT AUDITED: {len(found.unknown)} of {everything} packages, of which the advisory"
            f" service knows nothing or could not be asked: {names}\n"
        )
    sys.stdout.write(f"{found.audited} packages audited\n")
    for line in found.vulnerable:
        sys.stderr.write(f"VULNERABLE: {line}\n")
    return 1 if found.vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
