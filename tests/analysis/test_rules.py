"""What a rules file can say, and what is said of one that cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

from llmlog_tui.analysis.alerts.detector import Detector
from llmlog_tui.analysis.alerts.engine import DETECTORS
from llmlog_tui.config.rules import DEFAULT, PriceOverride, RulesError, parse_rules


def test_an_empty_text_is_the_defaults() -> None:
    assert parse_rules("") == DEFAULT


def test_a_section_changes_what_it_names_and_nothing_else() -> None:
    rules = parse_rules("[errors]\nlevel = 0.01\nwindow_calls = 50\n[latency]\nenabled = false\n")
    assert (rules.errors.level, rules.errors.window_calls) == (0.01, 50)
    assert rules.errors.least_rise == DEFAULT.errors.least_rise
    assert (rules.latency.enabled, rules.latency.least_rise) == (False, 0.25)
    assert rules.truncation == DEFAULT.truncation


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_section_may_have_the_name_of_its_rule_on_screen(detector: type[Detector[Any]]) -> None:
    switch = "usd_per_hour = 1" if detector.name == "budget" else "enabled = false"
    for name in (detector.name, detector.name.replace(" ", "_"), detector.config_key):
        assert parse_rules(f'["{name}"]\n{switch}') != DEFAULT
        assert parse_rules(f'["{name}"]\n{switch}') == parse_rules(
            f"[{detector.config_key}]\n{switch}"
        )


def test_everything_can_be_said() -> None:
    rules = parse_rules(
        """
        [fingerprint]
        settled_calls = 5
        [hidden_truncation]
        clear_calls = 10
        [rate_limit]
        least_left = 0.2
        clear_left = 0.5
        [budget]
        usd_per_hour = 2
        [on_alert]
        webhook = "https://example.com/hook?x=1"
        timeout_s = 3
        [prices."api.openai.com/gpt-x"]
        input = 1.25
        output = 10
        [prices.gpt-y]
        input = 1
        output = 2
        cached = 0.1
        cache_write = 1.25
        """
    )
    assert rules.fingerprint.settled_calls == 5
    assert rules.hidden_truncation.clear_calls == 10
    assert (rules.rate_limit.least_left, rules.rate_limit.clear_left) == (0.2, 0.5)
    assert rules.budget.usd_per_hour == 2.0
    assert (rules.on_alert.webhook, rules.on_alert.timeout_s) == ("https://example.com/hook?x=1", 3)
    assert rules.prices == {
        "api.openai.com/gpt-x": PriceOverride(1.25, 10.0),
        "gpt-y": PriceOverride(1.0, 2.0, 0.1, 1.25),
    }


def test_a_command_is_its_words() -> None:
    assert parse_rules('[on_alert]\ncommand = ["a b", "$HOME"]').on_alert.command == (
        "a b",
        "$HOME",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "not TOML: "),
        ("[moon]", "moon: unknown; allowed: budget, error_rate, fingerprint, hidden_cut, "),
        ('["error rate"]\n[errors]', "errors: the section is there twice"),
        ('["error rate"]\nlevle = 1', "error rate.levle: unknown"),
        ("errors = 1", "errors: must be a table, [errors]"),
        ("[errors]\nlevle = 1", "errors.levle: unknown; allowed: clear_windows, enabled, least_"),
        ("[errors]\nlevel = 2", "errors.level: 2 is not a number from 0 to 1"),
        ("[errors]\nlevel = nan", "errors.level: nan is not a number from 0 to 1"),
        ("[errors]\nlevel = true", "errors.level: True is not a number"),
        ("[errors]\nenabled = 1", "errors.enabled: 1 is not true or false"),
        ("[errors]\nwindow_calls = 2", "errors.window_calls: 2 is not a whole number from 5 to"),
        ("[errors]\nwindow_calls = 9.5", "errors.window_calls: 9.5 is not a whole number"),
        ("[budget]\nusd_per_hour = -1", "budget.usd_per_hour: -1 is not a number of dollars"),
        ("[on_alert]\ncommand = 'ls'", "on_alert.command: 'ls' is not a list of words"),
        ("[on_alert]\ncommand = []", "on_alert.command: [] is not a list of words"),
        ("[on_alert]\ncommand = ['ls', 1]", "is not a list of words"),
        ("[on_alert]\nwebhook = 'file:///x'", "'file:///x' is not an http or https URL"),
        ("[on_alert]\nwebhook = 'http://'", "is not an http or https URL"),
        ("[on_alert]\nwebhook = 'http://a:x'", "is not an http or https URL"),
        ("[on_alert]\ncommand=['a']\nwebhook='http://a'", "on_alert: command or webhook, not both"),
        ("[rate_limit]\nleast_left = 0.5", "rate_limit.clear_left: must not be less than"),
        ("[prices]\ngpt-x = 1", "prices.gpt-x: must be a table with input and output"),
        ("[prices.gpt-x]\ninput = 1", "prices.gpt-x.output: missing"),
        ("[prices.gpt-x]\ninput = 1\noutput = 'a'", "prices.gpt-x.output: 'a' is not a number of"),
        ("[prices.gpt-x]\ninptu = 1", "prices.gpt-x.inptu: unknown; allowed: cache_write, cached"),
    ],
)
def test_what_cannot_be_used_names_the_key_and_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(RulesError) as caught:
        parse_rules(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
