"""How often the user is told of new alerts, and that they can be silenced."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.conftest import WIDE, Shown, Until, record, toasts, top_row

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.tui.alert_throttle import AlertThrottle
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.overview import OverviewScreen


class Clock:
    """Time that passes when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def alert(rule: str, row: int = 0, *, ongoing: bool = True) -> Alert:
    return Alert(
        rule=rule,
        subject="m",
        ts=None,
        row=row,
        what="",
        evidence="",
        calls=1,
        state="ongoing" if ongoing else "cleared",
        fired_row=row,
        last_ts=None,
        last_row=row,
    )


def test_of_each_rule_one_alert_a_minute_is_told() -> None:
    clock = Clock()
    told = AlertThrottle(clock)
    latency, errors = alert("latency"), alert("error rate")
    assert told.admit([latency, alert("latency", 1), errors]) == [latency, errors]
    clock.now += 59.9
    assert told.admit([alert("latency", 2)]) == []
    clock.now += 0.1
    later = alert("latency", 3)
    assert told.admit([later]) == [later]


def test_of_what_is_over_already_nobody_is_told() -> None:
    told = AlertThrottle(Clock())
    assert told.admit([alert("latency", ongoing=False)]) == []
    assert told.admit([alert("latency")]) == [alert("latency")], "and it does not use the minute up"


def test_nobody_is_told_while_silent() -> None:
    told = AlertThrottle(Clock())
    told.silent = True
    assert told.admit([alert("latency")]) == []
    told.silent = False
    assert told.admit([alert("latency")]) == [alert("latency")]


async def test_the_palette_silences_alerts_and_the_header_says_so(
    tmp_path: Path, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(step=n, system_fingerprint="fp_1") for n in range(20)))
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 20)
        rung: list[bool] = []
        monkeypatch.setattr(app, "bell", lambda: rung.append(True))
        await choose(app, "Silence alerts")
        await until(pilot, lambda: "silent" in top_row(app), "the header says so")
        with log.open("ab") as file:
            file.write(b"".join(record(step=n, system_fingerprint="fp_2") for n in range(20, 40)))
        await shown(pilot, 40)
        await until(pilot, lambda: "▲ 1 alert" in top_row(app), "the alert in the header")
        assert (rung, toasts(app)) == ([], "")
        await choose(app, "Sound alerts")
        await until(pilot, lambda: "silent" not in top_row(app), "the header says no more")


async def choose(app: LogApp, title: str) -> None:
    """Run a command of the palette."""
    assert isinstance(app.screen, OverviewScreen)
    commands = {command.title: command for command in app.get_system_commands(app.screen)}
    commands[title].callback()
