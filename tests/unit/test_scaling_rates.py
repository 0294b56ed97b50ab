"""Rates out of what members tell of themselves now and then."""

from apps.mq.statistics import GAP_S, Member, Rates


def members(**stored: tuple[int, int]) -> dict[str, dict[str, Member]]:
    """By name: (records stored, revision at which it was told)."""
    told = {name: Member({"stored": n}, revision) for name, (n, revision) in stored.items()}
    return {"collector": told}


def test_a_rate_takes_two_tellings():
    rates = Rates("collector", "stored")
    rates.note(members(a=(0, 1)), 100.0)
    rates.note(members(a=(0, 1)), 101.0)
    assert rates.per_s() is None
    rates.note(members(a=(300, 2)), 103.0)
    assert rates.per_s() == 100.0


def test_without_members_it_is_zero():
    rates = Rates("collector", "stored")
    rates.note({}, 0.0)
    assert rates.per_s() == 0.0


def test_looks_between_two_tellings_do_not_dilute_it():
    rates = Rates("collector", "stored")
    rates.note(members(a=(0, 1)), 0.0)
    rates.note(members(a=(400, 2)), 4.0)
    for look in range(5, 8):
        rates.note(members(a=(400, 2)), float(look))
    assert rates.per_s() == 100.0


def test_a_telling_of_the_same_count_is_one_of_standing_still():
    rates = Rates("collector", "stored")
    for revision, at in enumerate((0.0, 3.0, 6.0, 9.0, 12.0, 15.0)):
        rates.note(members(a=(500 if at else 0, revision)), at)
    assert rates.per_s() == 0.0


def test_members_add_up_and_one_that_is_gone_counts_no_more():
    rates = Rates("collector", "stored")
    rates.note(members(a=(0, 1), b=(50, 2)), 0.0)
    rates.note(members(a=(100, 3), b=(250, 4)), 2.0)
    assert rates.per_s() == 150.0
    rates.note(members(a=(200, 5)), 4.0)
    assert rates.per_s() == 50.0


def test_after_a_long_time_without_a_look_it_starts_anew():
    rates = Rates("collector", "stored")
    rates.note(members(a=(0, 1)), 0.0)
    rates.note(members(a=(100, 2)), 1.0 + GAP_S + 1)
    assert rates.per_s() is None
