"""`manage.py deadletters`: what it shows, what it does, and what it refuses to do."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

import workers.dead_letters
from apps.mq.publisher import MAX_MESSAGE_BYTES
from apps.telemetry.models import DeadLetter
from tests.integration.letters import make_letters
from tests.queue_contents import waiting_messages
from workers.management.commands import deadletters

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments):
    """What the command writes to standard output."""
    output = io.StringIO()
    call_command("deadletters", *map(str, arguments), stdout=output)
    return output.getvalue()


def refused(*arguments):
    """The exit code and text of a command that fails."""
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return caught.value.returncode, str(caught.value)


def left():
    return [bytes(letter.value) for letter in DeadLetter.objects.order_by("pk")]


def aged(letter, days):
    DeadLetter.objects.filter(pk=letter.pk).update(
        buried_at=datetime.now(UTC) - timedelta(days=days)
    )


def test_list_shows_the_newest_first_and_counts_the_reasons_of_all(cluster_id):
    old, new = make_letters(cluster_id, [b"a", b"b"])
    aged(old, 1)
    make_letters(cluster_id, [b"c"], reason="power_draw: too much")
    lines = run("list", "--limit", "2").splitlines()
    assert "power_draw" in lines[0]
    assert f"{new.pk} " in lines[1]
    assert lines[3:] == [
        "3 dead letters, by reason:",
        "        2  not JSON",
        "        1  power_draw: too much",
    ]


def test_list_filters_by_cluster_reason_and_time(cluster_id):
    old, _ = make_letters(cluster_id, [b"a", b"b"])
    aged(old, 2)
    make_letters("other", [b"c"], reason="Power_draw: too much")
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M}"
    for arguments, count in [
        (("--cluster", cluster_id), 2),
        (("--reason", "power"), 1),
        (("--since", yesterday), 2),
        (("--since", yesterday, "--cluster", cluster_id), 1),
        (("--cluster", "unknown"), 0),
    ]:
        assert f"\n{count} dead letters" in run("list", *arguments)


def test_list_as_json_is_one_object_per_line_and_nothing_else(cluster_id):
    (letter,) = make_letters(cluster_id, [b"\x1b[2J"])
    (line,) = run("list", "--json").splitlines()
    buried_at = letter.buried_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    assert json.loads(line) == {
        "id": letter.pk, "cluster": cluster_id, "buried_at": buried_at, "key": letter.key,
        "bytes": 4, "reason": "not JSON",
    }  # fmt: skip


def test_an_empty_list_says_so(cluster_id):
    assert "0 dead letters" in run("list")


def test_show_shows_everything_and_does_nothing_to_the_terminal(cluster_id):
    (letter,) = make_letters(cluster_id, [b'{"x": "\x1b[2J\xff"}'], reason="bad \x1b[2J")
    text = run("show", letter.pk)
    assert letter.key in text
    assert r'{"x": "\x1b[2J\xff"}' in text
    assert "\x1b" not in text


@pytest.mark.parametrize("action", ["show", "requeue", "delete"])
def test_an_unknown_id_is_refused_and_nothing_is_done(cluster_id, action):
    (letter,) = make_letters(cluster_id, [b"a"])
    ids = [letter.pk + 1] if action == "show" else [letter.pk, letter.pk + 1]
    code, text = refused(action, *ids)
    assert code == 1
    assert str(letter.pk + 1) in text
    assert left() == [b"a"]


@pytest.mark.parametrize("action", ["requeue", "delete"])
@pytest.mark.parametrize(
    "arguments", [(), ("--reason", "x"), ("1", "--all"), ("1", "--cluster", "x")]
)
def test_what_does_not_say_clearly_which_letters_is_refused(cluster_id, action, arguments):
    make_letters(cluster_id, [b"a"])
    assert refused(action, *arguments)[0] == 2
    assert left() == [b"a"]


@pytest.mark.parametrize("arguments", [["show", "x"], ["list", "--since", "soon"], ["bury"], []])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(CommandError):
        run(*arguments)


def test_requeue_publishes_the_letters_of_these_ids(etcd_endpoints, cluster_id):
    first, second, _ = make_letters(cluster_id, [b"a", b"b", b"c"])
    assert "2 of 2 dead letters were published again" in run("requeue", first.pk, second.pk)
    assert [value for _, value in waiting_messages(etcd_endpoints, cluster_id)] == [b"a", b"b"]
    assert left() == [b"c"]


def test_requeue_all_publishes_what_the_filters_leave(etcd_endpoints, cluster_id):
    make_letters(cluster_id, [b"a", b"b"])
    make_letters(cluster_id, [b"c"], reason="other")
    run("requeue", "--all", "--reason", "JSON")
    assert len(waiting_messages(etcd_endpoints, cluster_id)) == 2
    assert left() == [b"c"]


def test_requeue_without_etcd_says_so_and_deletes_nothing(cluster_id, settings, monkeypatch):
    monkeypatch.setattr(workers.dead_letters, "PATIENCE_S", 0.5)
    settings.ETCD_ENDPOINTS = ["127.0.0.1:1"]
    make_letters(cluster_id, [b"a"])
    code, text = refused("requeue", "--all")
    assert code == 4
    assert "0 of 1" in text
    assert "ETCD_ENDPOINTS" in text
    assert left() == [b"a"]


def test_a_letter_too_large_for_etcd_is_reported(cluster_id):
    make_letters(cluster_id, [b"x" * (MAX_MESSAGE_BYTES + 1), b"a"])
    code, text = refused("requeue", "--all")
    assert code == 1
    assert "1 are too large" in text
    assert len(left()) == 1


def test_delete_takes_ids_without_asking(cluster_id):
    first, _ = make_letters(cluster_id, [b"a", b"b"])
    assert "1 dead letters were deleted" in run("delete", first.pk)
    assert left() == [b"b"]


@pytest.mark.parametrize(("answer", "remaining"), [("y", []), ("", [b"a"]), ("n", [b"a"])])
def test_delete_all_asks_first(cluster_id, monkeypatch, answer, remaining):
    make_letters(cluster_id, [b"a"])
    questions = []

    def ask(question):
        questions.append(question)
        return answer

    monkeypatch.setattr("builtins.input", ask)
    if remaining:
        assert refused("delete", "--all")[0] == 3
    else:
        run("delete", "--all")
    assert "Delete 1 dead letters" in questions[0]
    assert left() == remaining


def test_delete_all_without_anybody_to_confirm_deletes_nothing(cluster_id, monkeypatch):
    make_letters(cluster_id, [b"a"])
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert refused("delete", "--all")[0] == 3
    assert left() == [b"a"]


def test_delete_all_spares_what_is_buried_after_the_question(cluster_id, monkeypatch):
    make_letters(cluster_id, [b"a"])

    def answer(_question):
        make_letters(cluster_id, [b"later"], reason="another")
        return "y"

    monkeypatch.setattr("builtins.input", answer)
    run("delete", "--all")
    assert left() == [b"later"]


def test_delete_all_with_no_input_deletes_what_the_filters_leave(cluster_id):
    make_letters(cluster_id, [b"a"])
    make_letters("other", [b"b"])
    run("delete", "--all", "--no-input", "--cluster", "other")
    assert left() == [b"a"]


def test_every_exit_code_is_in_the_help():
    for code in (deadletters.DONE, deadletters.FAILED, deadletters.WRONG_ARGUMENTS,
                 deadletters.STOPPED, deadletters.QUEUE_REFUSED):  # fmt: skip
        assert f"\n  {code}  " in deadletters.EPILOG
