"""`manage.py makecsv` as a process."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = ("--hosts", "2", "--gpus-per-host", "2", "--seconds", "3")


def makecsv(*arguments):
    return subprocess.run(
        [sys.executable, "manage.py", "makecsv", *map(str, arguments)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(("layout", "lines"), [("wide", 1 + 12), ("dcgm", 1 + 12 * 14)])
def test_a_file_and_standard_output_get_the_same_lines(tmp_path, layout, lines):
    path = tmp_path / "fleet.csv"
    to_file = makecsv(*SMALL, "--layout", layout, "--output", path)
    to_output = makecsv(*SMALL, "--layout", layout, "--output", "-")
    assert to_file.returncode == to_output.returncode == 0
    assert path.read_text() == to_output.stdout
    assert len(path.read_text().splitlines()) == lines
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_that_has_enough_ends_it_quietly():
    process = subprocess.Popen(
        [sys.executable, "manage.py", "makecsv", "--output", "-"],
        cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline().startswith("timestamp,")
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 0


@pytest.mark.parametrize("output", ["/dev/null", ".", "/no/such/folder/a.csv"])
def test_an_output_that_cannot_be_a_file_is_one_clear_error(output):
    result = makecsv(*SMALL, "--output", output)
    assert result.returncode == 1
    assert result.stderr.startswith("CommandError: ")


@pytest.mark.parametrize(
    "wrong", [("--hosts", "0"), ("--interval", "-1"), ("--layout", "tall"), ("--start", "soon")]
)
def test_wrong_arguments_are_told(wrong):
    result = makecsv(*SMALL, *wrong, "--output", "-")
    assert result.returncode == 2
    assert wrong[0] in result.stderr
