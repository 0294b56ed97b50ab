"""What the paths on the command line stand for."""

import pytest

from workers.sources.paths import find_csv_files


@pytest.fixture
def folder(tmp_path):
    for name in ("b.csv", "a.CSV", "notes.txt", ".hidden.csv", "weird[1].csv"):
        (tmp_path / name).touch()
    (tmp_path / "deep.csv").mkdir()
    (tmp_path / "empty").mkdir()
    return tmp_path


def names(paths):
    files, errors = find_csv_files(str(path) for path in paths)
    return [file.name for file in files], [str(error) for error in errors]


def test_a_directory_stands_for_its_csv_files_in_order(folder):
    assert names([folder]) == (["a.CSV", "b.csv", "weird[1].csv"], [])


def test_a_file_stands_for_itself_whatever_its_name(folder):
    assert names([folder / "notes.txt", folder / "weird[1].csv"]) == (
        ["notes.txt", "weird[1].csv"],
        [],
    )


def test_a_glob_stands_for_the_files_that_match(folder):
    assert names([folder / "*.csv"]) == (["b.csv", "weird[1].csv"], [])


def test_a_file_that_is_named_twice_is_streamed_once(folder):
    assert names([folder / "b.csv", folder / "empty" / ".." / "b.csv", folder / "b*"]) == (
        ["b.csv"],
        [],
    )


def test_a_file_that_is_not_there_is_left_for_its_reader_to_report(folder):
    assert names([folder / "missing.csv"]) == (["missing.csv"], [])


def test_a_loop_of_links_is_left_for_its_reader_to_report(folder):
    (folder / "loop.csv").symlink_to("loop.csv")
    assert names([folder / "loop.csv", folder / "b.csv"]) == (["loop.csv", "b.csv"], [])


def test_a_directory_without_csv_and_a_glob_without_match_are_errors_and_the_rest_goes_on(folder):
    files, errors = names([folder / "empty", folder / "*.parquet", folder / "b.csv"])
    assert files == ["b.csv"]
    assert errors == [
        f"{folder / 'empty'}: holds no .csv file",
        f"{folder / '*.parquet'}: no file matches",
    ]


def test_files_that_appear_later_are_found_by_the_next_look(folder):
    before, _ = names([folder])
    (folder / "c.csv").touch()
    after, _ = names([folder])
    assert set(after) - set(before) == {"c.csv"}
