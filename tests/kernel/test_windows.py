"""Every window of the year, at the instants where it opens and closes, in several zones and years.

The expected instants are written as UTC offsets that were looked up, not computed by the code under test.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certification.kernel.errors import WindowClosed
from certification.kernel.windows import (
    Window,
    WindowState,
    calendar_for,
    civil,
    require_open,
    spoken,
)

INSTANT = timedelta(microseconds=1)
ZONES = [
    "America/Chicago",
    "America/Havana",
    "Europe/Berlin",
    "Pacific/Auckland",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Pacific/Kiritimati",
]
YEARS = [2021, 2027, 2028, 2031, 2037]


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def windows_of(first_year: int, zone: str) -> list[tuple[str, Window, tuple[date, date]]]:
    """Every window with its name and the civil days it opens on and closes before."""
    calendar = calendar_for(first_year, zone)
    days = (date(first_year - 1, 11, 1), date(first_year, 2, 1))
    return [
        ("registration", calendar.registration, days),
        *(
            (
                f"submission {year.number}",
                year.submission,
                (date(first_year + year.number - 1, 5, 1), date(first_year + year.number - 1, 6, 16)),
            )
            for year in calendar.years
        ),
    ]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("first_year", YEARS)
def test_every_window_admits_its_first_instant_and_not_the_one_it_closes_at(
    first_year: int, zone: str
) -> None:
    checked = 0
    for name, window, (first_day, day_after) in windows_of(first_year, zone):
        assert window.state(window.opens - INSTANT) is WindowState.BEFORE, name
        assert window.state(window.opens) is WindowState.OPEN, name
        assert window.state(window.closes - INSTANT) is WindowState.OPEN, name
        assert window.state(window.closes) is WindowState.AFTER, name
        # People see the midnights: the first instant is on the first day, the last one on the last day.
        assert window.opens.astimezone(ZoneInfo(zone)).date() == first_day, name
        assert (window.opens - INSTANT).astimezone(ZoneInfo(zone)).date() < first_day, name
        assert (window.closes - INSTANT).astimezone(ZoneInfo(zone)).date() == day_after - timedelta(days=1)
        assert window.closes.astimezone(ZoneInfo(zone)).date() == day_after, name
        checked += 1
    assert checked == 4


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("first_year", YEARS)
def test_scores_come_out_at_nine_on_31_october_of_each_year(first_year: int, zone: str) -> None:
    for offset, year in enumerate(calendar_for(first_year, zone).years):
        shown = year.release_at.astimezone(ZoneInfo(zone))
        assert (shown.date(), shown.time()) == (date(first_year + offset, 10, 31), time(9))
        assert year.number == offset + 1


def test_the_windows_of_a_cohort_follow_each_other() -> None:
    calendar = calendar_for(2027, "America/Chicago")
    instants = [calendar.registration.opens, calendar.registration.closes]
    for year in calendar.years:
        instants += [year.submission.opens, year.submission.closes, year.release_at]
    assert instants == sorted(set(instants))


class TestKnownInstants:
    """Instants worked out by hand from the published changes of clocks."""

    def test_chicago_registers_on_the_day_its_clocks_go_back(self) -> None:
        """On 1 Nov 2026 clocks go back at 02:00; at midnight summer time (UTC-5) still holds."""
        assert calendar_for(2027, "America/Chicago").registration == Window(
            utc(2026, 11, 1, 5), utc(2027, 2, 1, 6)
        )

    def test_chicago_submits_in_summer_time(self) -> None:
        assert calendar_for(2027, "America/Chicago").years[0].submission == Window(
            utc(2027, 5, 1, 5), utc(2027, 6, 16, 5)
        )

    def test_chicago_releases_in_summer_time(self) -> None:
        assert [year.release_at for year in calendar_for(2027, "America/Chicago").years] == [
            utc(2027, 10, 31, 14),
            utc(2028, 10, 31, 14),
            utc(2029, 10, 31, 14),
        ]

    def test_berlin_releases_after_its_clocks_went_back_that_night(self) -> None:
        """On 31 Oct 2027 clocks go back at 03:00; at nine winter time (UTC+1) holds."""
        years = calendar_for(2027, "Europe/Berlin").years
        assert years[0].release_at == utc(2027, 10, 31, 8)
        assert years[1].release_at == utc(2028, 10, 31, 8)
        assert calendar_for(2026, "Europe/Berlin").years[0].release_at == utc(2026, 10, 31, 8)

    def test_auckland_registers_in_summer_and_submits_in_winter_time(self) -> None:
        calendar = calendar_for(2027, "Pacific/Auckland")
        assert calendar.registration == Window(utc(2026, 10, 31, 11), utc(2027, 1, 31, 11))
        assert calendar.years[0].submission == Window(utc(2027, 4, 30, 12), utc(2027, 6, 15, 12))

    def test_havana_opens_at_the_first_of_two_midnights(self) -> None:
        """On 1 Nov 2026 Havana's clocks go from 01:00 back to 00:00: midnight comes twice."""
        opens = calendar_for(2027, "America/Havana").registration.opens
        assert opens == utc(2026, 11, 1, 4)
        shown = [
            moment.astimezone(ZoneInfo("America/Havana")) for moment in (opens, opens + timedelta(hours=1))
        ]
        assert [moment.time() for moment in shown] == [time(0), time(0)]


class TestCivil:
    def test_a_skipped_midnight_is_the_instant_the_day_begins(self) -> None:
        """On 14 Mar 2027 Havana's clocks jump from 00:00 to 01:00."""
        assert civil(date(2027, 3, 14), "America/Havana") == utc(2027, 3, 14, 5)
        assert civil(date(2027, 4, 30), "Africa/Cairo") == utc(2027, 4, 29, 22)

    def test_a_skipped_time_is_what_unchanged_clocks_would_have_reached(self) -> None:
        assert civil(date(2027, 3, 14), "America/Chicago", time(2, 30)) == utc(2027, 3, 14, 8, 30)

    def test_a_repeated_time_is_its_first_occurrence(self) -> None:
        assert civil(date(2026, 11, 1), "America/Chicago", time(1, 30)) == utc(2026, 11, 1, 6, 30)
        assert civil(date(2027, 10, 31), "Europe/Berlin", time(2, 30)) == utc(2027, 10, 31, 0, 30)

    def test_an_unknown_zone_is_an_error(self) -> None:
        with pytest.raises(KeyError):
            civil(date(2027, 1, 1), "America/Atlantis")

    @given(st.dates(date(2017, 1, 1), date(2037, 12, 31)), st.sampled_from(ZONES))
    def test_the_first_instant_of_a_day_lies_on_that_day(self, day: date, zone: str) -> None:
        first = civil(day, zone)
        assert first.astimezone(ZoneInfo(zone)).date() == day
        assert (first - INSTANT).astimezone(ZoneInfo(zone)).date() == day - timedelta(days=1)


class TestWindow:
    def test_a_naive_instant_is_refused(self) -> None:
        with pytest.raises(ValueError, match="aware"):
            Window(datetime(2027, 5, 1), utc(2027, 6, 16))

    @pytest.mark.parametrize("closes", [utc(2027, 5, 1), utc(2027, 4, 30)])
    def test_a_window_that_admits_nothing_is_refused(self, closes: datetime) -> None:
        with pytest.raises(ValueError, match="after"):
            Window(utc(2027, 5, 1), closes)

    def test_grace_moves_the_end_alone(self) -> None:
        window = Window(utc(2027, 5, 1), utc(2027, 6, 16))
        late = window.with_grace(15)
        assert late.opens == window.opens
        assert late.contains(window.closes)
        assert late.contains(window.closes + timedelta(minutes=15) - INSTANT)
        assert not late.contains(window.closes + timedelta(minutes=15))
        assert window.with_grace(0) == window

    def test_the_same_instant_in_another_zone_is_judged_alike(self) -> None:
        window = Window(utc(2027, 5, 1, 5), utc(2027, 6, 16, 5))
        last = (window.closes - INSTANT).astimezone(ZoneInfo("Asia/Kolkata"))
        assert window.contains(last)
        assert not window.contains(last + INSTANT)

    @given(st.data())
    def test_an_instant_is_before_in_or_after_and_never_two_of_them(self, data: st.DataObject) -> None:
        moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
        opens = data.draw(moments)
        closes = opens + data.draw(st.timedeltas(INSTANT, timedelta(days=400)))
        now = data.draw(
            st.one_of(moments, st.sampled_from([opens, closes, opens - INSTANT, closes - INSTANT]))
        )
        window = Window(opens, closes)
        assert window.contains(now) == (opens <= now < closes)
        assert (window.state(now) is WindowState.BEFORE) == (now < opens)
        assert (window.state(now) is WindowState.AFTER) == (now >= closes)


class TestRequireOpen:
    WINDOW = Window(utc(2027, 5, 1, 5), utc(2027, 6, 16, 5))
    ZONE = "America/Chicago"

    def ask(self, now: datetime) -> None:
        require_open(self.WINDOW, now, what="Submission of Entry 1", zone=self.ZONE)

    def test_inside_it_says_nothing(self) -> None:
        self.ask(self.WINDOW.opens)
        self.ask(self.WINDOW.closes - INSTANT)

    def test_too_early_it_names_the_first_minute(self) -> None:
        with pytest.raises(WindowClosed) as refusal:
            self.ask(self.WINDOW.opens - INSTANT)
        assert refusal.value.message == (
            "Submission of Entry 1 opens on 1 May 2027, 00:00 CDT. Please come back then."
        )

    def test_too_late_it_names_the_last_minute(self) -> None:
        with pytest.raises(WindowClosed) as refusal:
            self.ask(self.WINDOW.closes)
        assert "closed on 15 June 2027, 23:59 CDT." in refusal.value.message
        assert "Nothing was changed." in refusal.value.message


@pytest.mark.parametrize(
    ("instant", "zone", "ending", "said"),
    [
        (utc(2027, 2, 1, 6), "America/Chicago", True, "31 January 2027, 23:59 CST"),
        (utc(2027, 2, 1, 6), "America/Chicago", False, "1 February 2027, 00:00 CST"),
        (utc(2026, 11, 1, 5), "America/Chicago", False, "1 November 2026, 00:00 CDT"),
        (utc(2027, 10, 31, 14), "Europe/Berlin", False, "31 October 2027, 15:00 CET"),
        (utc(2027, 6, 16, 5), "Pacific/Auckland", True, "16 June 2027, 16:59 NZST"),
    ],
)
def test_an_instant_is_said_as_clocks_there_show_it(
    instant: datetime, zone: str, *, ending: bool, said: str
) -> None:
    assert spoken(instant, zone, ending=ending) == said
