"""Which time the history page looks at, in the days and hours of whoever looks. Pure functions."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from apehost_core.history.charts import Bucket, bucket_for, time_zones

PeriodName = Literal["24h", "7d", "30d", "90d", "all", "custom"]
PERIODS: dict[PeriodName, str] = {
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "all": "All",
    "custom": "Dates",
}
_DAYS: dict[PeriodName, int] = {"7d": 7, "30d": 30, "90d": 90}
_HOURS_AS_BARS = 48
_FEWEST_BARS = 7
_MOST_POINTS = 48
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2200, 1, 1)
_WIDTHS: dict[Bucket, timedelta] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=31),
}


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time.

    Attributes:
        after: Its start (inclusive), UTC; None has no start.
        before: Its end (exclusive), UTC; None has no end.
    """

    after: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dates:
    """The first and the last day that a person chose; None where none is chosen."""

    first: date | None = None
    last: date | None = None


def period(name: PeriodName, dates: Dates, now: datetime, zone: str) -> Period:
    """Return the stretch of a name: whole days with today the last, or 24 hours with this one the last.

    Args:
        name: Which.
        dates: What "custom" goes by.
        now: With its zone.
        zone: Where days begin, an IANA name.
    """
    if name == "all":
        return Period()
    if name == "custom":
        first, last = (
            None if day is None else min(max(day, _FIRST_DAY), _LAST_DAY) for day in (dates.first, dates.last)
        )
        if first is not None and last is not None and last < first:  # whichever was chosen first, both are meant
            first, last = last, first
        return Period(_midnight(first, zone), _midnight(last and _later(last, 1), zone))
    if name == "24h":
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return Period(hour - timedelta(hours=23), hour + timedelta(hours=1))
    today = now.astimezone(ZoneInfo(zone)).date()
    return Period(_midnight(_later(today, 1 - _DAYS[name]), zone), _midnight(_later(today, 1), zone))


def earlier(this: Period, zone: str) -> Period | None:
    """Return the stretch of the same length right before; None where one without an end or a start has none."""
    if this.after is None or this.before is None or this.before <= this.after:
        return None
    start, end = (at.astimezone(ZoneInfo(zone)) for at in (this.after, this.before))
    if start.time() == end.time() == time.min:  # whole days stay whole where a clock is changed in between
        return Period(_midnight(_later(start.date(), (start.date() - end.date()).days), zone), this.after)
    return Period(this.after - (this.before - this.after), this.after)


def bucket(this: Period, first: datetime | None, last: datetime | None) -> Bucket:
    """Return what charts over that time draw a point for: hours of up to two days, then days, weeks or months.

    Args:
        this: The time that is looked at.
        first: When the first call began; None when there is none.
        last: When the last call began; None when there is none.
    """
    start, end = this.after or first, this.before or last
    if start is None or end is None:
        return "day"
    if end - start <= timedelta(hours=_HOURS_AS_BARS):
        return "hour"
    found = bucket_for(start, end)
    return "day" if found == "hour" else found


def coarser(narrow: Bucket, start: datetime, end: datetime) -> Bucket:
    """Return the bucket with which several lines are still told apart: that one, or the next that has few points."""
    buckets = list(_WIDTHS)
    for found in buckets[buckets.index(narrow) :]:
        if end - start <= _MOST_POINTS * _WIDTHS[found]:
            return found
    return buckets[-1]


def covered(
    this: Period, wide: Bucket, first: datetime | None, last: datetime | None, zone: str
) -> tuple[datetime, datetime]:
    """Return what an axis of times covers, on the zone's clock and without it: from the first call of the time on.

    Args:
        this: The time that is looked at.
        wide: How long the time of one bar is; some have room at least.
        first: When the first call on record began; None when there is none.
        last: When the last call on record began; None when there is none.
        zone: An IANA name.
    """
    now = last or datetime.now(UTC)
    end = _clock(this.before or now + _WIDTHS[wide], zone)
    start = _clock(max((at for at in (this.after, first) if at is not None), default=now), zone)
    start = min(start, end - _FEWEST_BARS * _WIDTHS[wide])
    return (start if wide == "hour" else start.replace(hour=0)), end


def in_words(this: Period, zone: str) -> str:
    """Return a stretch as people say it: "1 Nov 2026 to 25 Nov 2026", "from 3 Mar 2026, 04:00", "all time"."""
    start = None if this.after is None else _said(this.after.astimezone(ZoneInfo(zone)))
    end = None if this.before is None else _said((this.before - timedelta(minutes=1)).astimezone(ZoneInfo(zone)))
    if start and end:
        return f"{start} to {end}" if start != end else start
    if start:
        return f"from {start}"
    return f"until {end}" if end else "all time"


def known_zone(name: str | None) -> str:
    """Return the time zone that a browser names; UTC where it names none, or one that is not known here."""
    return name if name in time_zones() else "UTC"


def _clock(at: datetime, zone: str) -> datetime:
    """Return the hour of a time on the zone's clock, without the zone."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, minute=0, second=0, microsecond=0)


def _midnight(day: date | None, zone: str) -> datetime | None:
    return None if day is None else datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)


def _later(day: date, days: int) -> date:
    return day + timedelta(days=days)


def _said(at: datetime) -> str:
    whole = at.time() in (time.min, time(23, 59))
    return f"{at.day} {at:%b %Y}" if whole else f"{at.day} {at:%b %Y, %H:%M}"
