"""Bytes to rows: every odd byte costs its own row and no other, in bounded memory."""

import pytest

from workers.sources.csv_rows import MAX_ROW_BYTES, MAX_ROW_LINES, RowSplitter


def split(data, width=2, block_bytes=None):
    """(row, line) pairs and rejected lines of all of `data`, fed in blocks."""
    splitter = RowSplitter(width, first_line=1)
    size = block_bytes or max(1, len(data))
    found, rejected = [], []
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    for block, last in [(block, False) for block in blocks] + [(b"", True)]:
        rows = splitter.feed(block, last=last)
        found += [(row, line) for row, line in zip(rows.rows, rows.lines, strict=True) if row]
        rejected += [line for line, _ in rows.rejections]
    return found, rejected


GOOD = {
    "plain lines": (b"a,b\nc,d\n", [(["a", "b"], 1), (["c", "d"], 2)]),
    "no newline at the end": (b"a,b\nc,d", [(["a", "b"], 1), (["c", "d"], 2)]),
    "CRLF": (b"a,b\r\nc,d\r\n", [(["a", "b"], 1), (["c", "d"], 2)]),
    "empty lines": (b"a,b\n\n\r\nc,d\n\n", [(["a", "b"], 1), (["c", "d"], 4)]),
    "a quoted comma": (b'"a,1",b\n', [(["a,1", "b"], 1)]),
    "a doubled quote": (b'"a ""1""",b\n', [(['a "1"', "b"], 1)]),
    "a quoted newline": (b'"a\n1",b\nc,d\n', [(["a\n1", "b"], 1), (["c", "d"], 3)]),
    "a quoted newline, CRLF": (b'"a\r\n1",b\r\nc,d\r\n', [(["a\r\n1", "b"], 1), (["c", "d"], 3)]),
    "several quoted newlines": (b'"a\n\n1","b\n2"\nc,d', [(["a\n\n1", "b\n2"], 1),
                                                        (["c", "d"], 5)]),
    "a quote inside an unquoted field": (b'a"1,b\nc,d\n', [(['a"1', "b"], 1), (["c", "d"], 2)]),
    "text that is not ASCII": ("ä,漢\n".encode(), [(["ä", "漢"], 1)]),
    "a line separator of Unicode": ("a\u2028b,\x0bc\n".encode(), [(["a\u2028b", "\x0bc"], 1)]),
    "fewer fields": (b"a\nc,d\n", [(["a"], 1), (["c", "d"], 2)]),
    "nothing": (b"", []),
}  # fmt: skip


@pytest.mark.parametrize("block_bytes", [None, 1, 3, 7])
@pytest.mark.parametrize("name", GOOD)
def test_rows_do_not_depend_on_how_the_bytes_arrive(name, block_bytes):
    data, expected = GOOD[name]
    assert split(data, block_bytes=block_bytes) == (expected, [])


BAD = {
    "a byte that is not UTF-8": b"\xff,x\n",
    "a NUL byte": b"a\0,x\n",
    "a stray quote at a field's start": b'"a,x\n',
    "a stray quote at the last field": b'x,"y\n',
    "text after a closing quote": b'"a"x,y\n',
    "a carriage return in a field": b"a\rb,x\n",
    "a long line": b"x" * (MAX_ROW_BYTES + 1) + b",y\n",
    "a field of 1 MB": b"x" * 1_000_000 + b",y\n",
    "a quoted field of 1 MB": b'"' + b"x" * 1_000_000 + b'",y\n',
    "1 MB of NUL": b"\0" * 1_000_000 + b"\n",
    "1 MB of quotes": b'"' * 1_000_001 + b"\n",
}


@pytest.mark.parametrize("block_bytes", [None, 5_000])
@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_costs_itself_only(name, block_bytes):
    before = b"".join(b"%d,b\n" % n for n in range(150))
    after = b"".join(b"%d,a\n" % n for n in range(150))
    found, rejected = split(before + BAD[name] + after, block_bytes=block_bytes)
    assert rejected == [151]
    assert [line for _, line in found] == [*range(1, 151), *range(152, 302)]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_last_line_is_rejected_without_a_newline_too(name):
    found, rejected = split(b"a,b\n" + BAD[name].rstrip(b"\n"), block_bytes=50_000)
    assert found == [(["a", "b"], 1)]
    assert rejected == [2]


def test_two_stray_quotes_do_not_take_the_rows_between_them():
    data = b'1,a\n"2,a\n3,a\n4,a\n"5,a\n6,a\n'
    found, rejected = split(data)
    assert [row[0] for row, _ in found] == ["1", "3", "4", "6"]
    assert rejected == [2, 5]


def test_a_stray_quote_among_quoted_rows_costs_one_row():
    rows = [b'"%d","x"\n' % n for n in range(300)]
    rows[10] = b'"10",""x"\n'
    found, rejected = split(b"".join(rows))
    assert rejected == [11]
    assert len(found) == 299


@pytest.mark.parametrize(("lines", "fits"), [(MAX_ROW_LINES, True), (MAX_ROW_LINES + 1, False)])
def test_a_row_may_span_a_bounded_number_of_lines(lines, fits):
    data = b'"' + b"\n".join([b"x"] * lines) + b'",y\n'
    found, rejected = split(data)
    assert (len(found[0][0]) == 2) is fits
    assert bool(rejected) is not fits


def test_a_row_over_several_lines_is_bounded_in_bytes():
    line = b"x" * 1000 + b"\n"
    found, rejected = split(b'"' + line * 70 + b'",y\nlast,row\n')
    assert found[-1] == (["last", "row"], 72)
    assert 1 in rejected


@pytest.mark.parametrize(
    "data", [b"x" * 4_000_000, b'a,"\n' + b"x" * 4_000_000, b'"\n' * 50 + b"\0" * 4_000_000]
)
def test_what_is_held_back_is_bounded_without_newlines(data):
    splitter = RowSplitter(2, first_line=1)
    for at in range(0, len(data), 100_000):
        splitter.feed(data[at : at + 100_000], last=False)
        assert len(splitter._carry) <= MAX_ROW_BYTES


def test_a_line_that_never_ends_is_rejected_once():
    found, rejected = split(b"a,b\n" + b"x" * 3_000_000, block_bytes=100_000)
    assert found == [(["a", "b"], 1)]
    assert rejected == [2]
