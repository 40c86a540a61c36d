"""Which time the history page looks at."""

from datetime import UTC, date, datetime, timedelta

import pytest

from apehost_core.history.charts import Bucket
from apehost_ui.history_periods import Dates, Period, bucket, coarser, covered, earlier, in_words, known_zone, period

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 3, 30, 10, 20, tzinfo=UTC)
"""The day after clocks were put forward in Berlin."""
NO_DATES = Dates()


def test_days_are_whole_days_of_the_zone() -> None:
    """Seven days are today and the six before, from midnight to midnight on the clock of whoever looks."""
    found = period("7d", NO_DATES, NOW, BERLIN)
    assert Period(datetime(2026, 3, 23, 23, tzinfo=UTC), datetime(2026, 3, 30, 22, tzinfo=UTC)) == found


def test_a_day_is_24_hours_that_end_with_this_one() -> None:
    """The last 24 hours are whole hours, this one included."""
    found = period("24h", NO_DATES, NOW, BERLIN)
    assert Period(datetime(2026, 3, 29, 11, tzinfo=UTC), datetime(2026, 3, 30, 11, tzinfo=UTC)) == found


def test_dates_include_their_last_day() -> None:
    """From one day to the same day is that day; a date that is not chosen leaves its end open."""
    day = date(2026, 7, 1)
    assert timedelta(days=1) == _length(period("custom", Dates(day, day), NOW, BERLIN))
    assert Period(datetime(2026, 6, 30, 22, tzinfo=UTC), None) == period("custom", Dates(day), NOW, BERLIN)
    assert Period() == period("custom", NO_DATES, NOW, BERLIN)
    later = date(2026, 7, 9)
    assert period("custom", Dates(day, later), NOW, BERLIN) == period("custom", Dates(later, day), NOW, BERLIN)


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_first_and_the_last_of_all_days_can_be_chosen(day: date) -> None:
    """Dates at the ends of the calendar are days as any other, as far as times go."""
    found = period("custom", Dates(day, day), NOW, "Pacific/Kiritimati")
    assert timedelta(days=1) == _length(found)
    assert in_words(found, "Pacific/Kiritimati") in ("1 Jan 1970", "1 Jan 2200")


def test_the_time_before_has_as_many_days() -> None:
    """Whole days stay whole days where clocks are changed; hours stay hours; time without an end has none before."""
    week = period("7d", NO_DATES, NOW, BERLIN)
    assert Period(datetime(2026, 3, 16, 23, tzinfo=UTC), week.after) == earlier(week, BERLIN)
    hours = period("24h", NO_DATES, NOW, BERLIN)
    assert Period(datetime(2026, 3, 28, 11, tzinfo=UTC), hours.after) == earlier(hours, BERLIN)
    assert earlier(Period(), BERLIN) is None
    assert earlier(Period(after=NOW), BERLIN) is None
    assert earlier(Period(after=NOW, before=NOW), BERLIN) is None


@pytest.mark.parametrize(("days", "expected"), [(1, "hour"), (7, "day"), (90, "day"), (1000, "week"), (9000, "month")])
def test_the_longer_the_time_the_wider_a_bar(days: int, expected: str) -> None:
    """Hours of a day or two, then days, weeks and months; without a start, the first call is it."""
    assert expected == bucket(Period(NOW - timedelta(days=days), NOW), None, None)
    assert expected == bucket(Period(), NOW - timedelta(days=days), NOW)


@pytest.mark.parametrize(
    ("narrow", "days", "expected"),
    [("hour", 1, "hour"), ("day", 30, "day"), ("day", 90, "week"), ("week", 1000, "month"), ("month", 9000, "month")],
)
def test_several_lines_have_fewer_points(narrow: Bucket, days: int, expected: Bucket) -> None:
    """Where lines lie over each other, a point is of the first longer time that leaves few of them."""
    assert expected == coarser(narrow, NOW - timedelta(days=days), NOW)


def test_axes_begin_with_the_first_call() -> None:
    """An axis leaves out the days before anything was recorded, but has room for seven bars."""
    long_ago, lately = NOW - timedelta(days=20), NOW - timedelta(hours=1)
    month = period("30d", NO_DATES, NOW, BERLIN)
    found = [covered(month, "day", first, NOW, BERLIN) for first in (long_ago, lately)]
    assert [("2026-03-10", "2026-03-31"), ("2026-03-24", "2026-03-31")] == [
        (f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}") for start, end in found
    ]
    assert all(at.tzinfo is None and at.hour == 0 for pair in found for at in pair)


def test_times_are_said_in_words() -> None:
    """A stretch is said by its first and its last day, hours only where it has them."""
    assert in_words(period("7d", NO_DATES, NOW, BERLIN), BERLIN) == "24 Mar 2026 to 30 Mar 2026"
    assert in_words(period("custom", Dates(date(2026, 7, 1), date(2026, 7, 1)), NOW, BERLIN), BERLIN) == "1 Jul 2026"
    assert in_words(period("24h", NO_DATES, NOW, "UTC"), "UTC") == "29 Mar 2026, 11:00 to 30 Mar 2026, 10:59"
    assert in_words(Period(after=NOW), "UTC") == "from 30 Mar 2026, 10:20"
    assert in_words(Period(), "UTC") == "all time"


@pytest.mark.parametrize("name", [None, "", "Etc/Unknown", "../../etc/passwd", "Europe\0Berlin"])
def test_zones_that_are_not_known_are_utc(name: str | None) -> None:
    """What a browser calls its zone is never trusted."""
    assert known_zone(name) == "UTC"
    assert known_zone(BERLIN) == BERLIN


def _length(found: Period) -> timedelta:
    assert found.after is not None
    assert found.before is not None
    return found.before - found.after
