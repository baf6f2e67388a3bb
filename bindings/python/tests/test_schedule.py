"""Schedules, and times between the two languages."""

from datetime import datetime, timedelta, timezone

import pytest

import routines

UTC = timezone.utc


def test_next_is_in_the_zone_of_the_schedule():
    schedule = routines.Schedule("7 2 * * 1-5", time_zone="Europe/Berlin")
    friday = datetime(2026, 7, 3, 12, tzinfo=UTC)
    found = schedule.next(friday)
    assert found == datetime(2026, 7, 6, 0, 7, tzinfo=UTC)
    assert (found.hour, str(found.tzinfo)) == (2, "Europe/Berlin")
    assert schedule.previous(friday) == datetime(2026, 7, 3, 0, 7, tzinfo=UTC)
    assert schedule.describe() == "weekdays at 02:07 in Europe/Berlin"
    assert schedule.next() > datetime.now(UTC)


def test_between_has_its_start_and_not_its_end():
    schedule = routines.Schedule("0 * * * *")
    start = datetime(2026, 1, 5, tzinfo=UTC)
    found = schedule.between(start, start + timedelta(hours=3))
    assert found == [start + timedelta(hours=hour) for hour in range(3)]
    assert schedule.between(start, start + timedelta(hours=3), limit=1) == [start]
    assert schedule.between(start, start) == []


def test_never_is_none():
    february = routines.Schedule("0 0 30 2 *")
    assert february.next() is february.previous() is None
    assert february.between(datetime(2026, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)) == []


def test_what_is_wrong_is_told():
    with pytest.raises(routines.InvalidError, match="has no time zone"):
        routines.Schedule("@daily").next(datetime(2026, 1, 1))
    for cron, zone in (("61 * * * *", "UTC"), ("@daily", "Mars/Olympus")):
        with pytest.raises(routines.InvalidError):
            routines.Schedule(cron, time_zone=zone)
    with pytest.raises(routines.InvalidError):
        routines.Schedule("@daily").next(datetime(1600, 1, 1, tzinfo=UTC))
    assert routines.Schedule("@daily") == routines.Schedule("@daily", time_zone="UTC")
