"""`python -m tests.faults`: break things, and account for every value.

Prints a line for each experiment and writes var/faults.json; the exit code is 0 only if all passed.
"""

import argparse
import json
import logging
import os
import sys
import time
import traceback
from pathlib import Path

from tests.faults.experiment import Experiment, Result, run
from tests.faults.experiments import EXPERIMENTS, SABOTAGE, TOGETHER
from tests.faults.fleet import ROOT
from tests.faults.ledger import Ledger
from tests.faults.scale import Scale

KNOWN = EXPERIMENTS | TOGETHER | SABOTAGE


def main() -> int:
    """Run what is asked for."""
    options = _parser().parse_args()
    # The canary meets every outage, and says so.
    logging.getLogger("apps.mq").setLevel(logging.ERROR)
    if options.list:
        for experiment in KNOWN.values():
            say(f"{experiment.name:32} row {experiment.rows:4} {experiment.inject.__doc__}")
        return 0
    scale = Scale(
        options.collectors, options.streamers, options.records, options.load_s, options.lease_s,
        options.seed, options.soak_s,
    )  # fmt: skip
    chosen = [KNOWN[name] for name in options.names or EXPERIMENTS]
    results: list[Result] = []
    for experiment in chosen:
        started = time.monotonic()
        results.append(_run(experiment, scale))
        say(_line(results[-1], time.monotonic() - started))
        _write(results)
    total = sum(result.ledger.acknowledged for result in results)
    failed = [result.name for result in results if not result.passed]
    say(f"{total:,} records acknowledged in {len(results)} experiments; failed: {failed or 'none'}")
    return 1 if failed else 0


def _run(experiment: Experiment, scale: Scale) -> Result:
    """A world that breaks down by itself is a failure as well, and the next experiment goes on."""
    try:
        return run(experiment, scale)
    except Exception as error:
        traceback.print_exc()
        return Result(experiment.name, Ledger(), 0, 0.0, 0.0, 0.0, [f"broke down: {error!r}"])


def _parser() -> argparse.ArgumentParser:
    scale = Scale()
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *KNOWN], metavar="NAME")
    parser.add_argument("--list", action="store_true", help="list the experiments")
    for name, about in (
        ("collectors", "collectors at once"),
        ("streamers", "streamers at once"),
        ("records", "records in each experiment"),
        ("load_s", "seconds over which they are streamed"),
        ("lease_s", "MEMBER_LEASE_S"),
        ("seed", "decides values and victims"),
        ("soak_s", "seconds of the experiment `soak`"),
    ):
        default = getattr(scale, name)
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(default), default=default,
            help=f"{about} (default: {default})",
        )  # fmt: skip
    return parser


def _line(result: Result, seconds: float) -> str:
    ledger = result.ledger
    line = (
        f"{'ok  ' if result.passed else 'FAIL'} {result.name:30}"
        f" acknowledged {ledger.acknowledged:7,} stored {ledger.stored:7,} lost {ledger.lost}"
        f" duplicated {ledger.duplicated} invented {ledger.invented} left {result.left}"
        f" recovery {result.recovery_s:5.2f} s publishing held up {result.publish_stall_s:5.2f} s"
        f" ({seconds:.0f} s)"
    )
    return "\n".join([line, *(f"     {problem}" for problem in result.problems)])


def _write(results: list[Result]) -> None:
    path = Path(os.environ.get("VAR_DIR", ROOT / "var")) / "faults.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([result.as_json() for result in results], indent=2) + "\n")


def say(text: str) -> None:
    """One line, at once."""
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
