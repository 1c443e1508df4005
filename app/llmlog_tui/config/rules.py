"""Alert rules, notifications and prices: dataclasses, and their TOML file."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from llmlog_tui.config.small_file import SmallFileError, read_small


class RulesError(ValueError):
    """An invalid rules file; the message names the key, its value, and the allowed values."""


@dataclass(frozen=True)
class TrendRule:
    """A rule on a share of calls: truncation, errors, retries.

    Windows of `window_calls` calls are judged when they are full. `level` is the probability that a
    stable series ever raises an alert, `least_rise` the minimum rise of the share. An alert is
    cleared by `clear_windows` windows in a row with less than a third of the rise.
    """

    enabled: bool = True
    window_calls: int = 25
    level: float = 0.005
    least_rise: float = 0.05
    clear_windows: int = 2


@dataclass(frozen=True)
class LatencyRule(TrendRule):
    """A rule on the mean of ln(latency_ms); `least_rise` 0.25 is 28% slower."""

    least_rise: float = 0.25


@dataclass(frozen=True)
class FingerprintRule:
    """A change is confirmed by `settled_calls` calls in a row with the new fingerprint."""

    enabled: bool = True
    settled_calls: int = 20
    level: float = 0.001


@dataclass(frozen=True)
class HiddenTruncationRule:
    """Cleared after `clear_calls` calls of the model without hidden truncation."""

    enabled: bool = True
    clear_calls: int = 100


@dataclass(frozen=True)
class RateLimitRule:
    """Fires below the share `least_left` of a limit, clears above `clear_left`."""

    enabled: bool = True
    least_left: float = 0.1
    clear_left: float = 0.25


@dataclass(frozen=True)
class BudgetRule:
    """Maximum cost of an hour of the clock (UTC), in US dollars; None: no limit."""

    usd_per_hour: float | None = None

    @property
    def enabled(self) -> bool:
        return self.usd_per_hour is not None


@dataclass(frozen=True)
class OnAlert:
    """Notifications: a command (words, no shell) with JSON on stdin, or a webhook (POST).

    Each has `timeout_s` seconds, and at most `per_minute` are sent per minute.
    """

    command: tuple[str, ...] = ()
    webhook: str = ""
    timeout_s: float = 10.0
    per_minute: int = 6


@dataclass(frozen=True)
class PriceOverride:
    """US dollars per million tokens; `cached` and `cache_write` default to the input price."""

    input: float
    output: float
    cached: float | None = None
    cache_write: float | None = None


@dataclass(frozen=True)
class Rules:
    """The content of a rules file, and its defaults."""

    fingerprint: FingerprintRule = FingerprintRule()
    truncation: TrendRule = TrendRule()
    hidden_truncation: HiddenTruncationRule = HiddenTruncationRule()
    latency: LatencyRule = LatencyRule()
    errors: TrendRule = TrendRule(least_rise=0.1)
    retries: TrendRule = TrendRule(least_rise=0.3)
    rate_limit: RateLimitRule = RateLimitRule()
    budget: BudgetRule = BudgetRule()
    on_alert: OnAlert = OnAlert()
    prices: Mapping[str, PriceOverride] = field(default_factory=dict)
    """By model, or by provider and model: `gpt-x` or `api.openai.com/gpt-x`."""


DEFAULT: Final = Rules()

RULE_KEYS: Final = tuple(
    section.name for section in fields(Rules) if hasattr(getattr(DEFAULT, section.name), "enabled")
)
"""The sections that configure an alert rule, each with a switch `enabled`."""

_ON_SCREEN: Final = {
    "error_rate": "errors",
    "hidden_cut": "hidden_truncation",
    "retry_storm": "retries",
}
"""Names of rules as the screen has them, if their sections are named otherwise."""

_T = TypeVar("_T")


def parse_rules(text: str) -> Rules:
    try:
        document = tomllib.loads(text)
    except ValueError as error:  # not only TOMLDecodeError: an integer of 5,000 digits
        raise RulesError(f"not TOML: {error}") from error
    except RecursionError:
        raise RulesError("nested too deep") from None
    found: dict[str, Any] = {}
    for written, table in document.items():
        name = _section_named(written)
        if name in found:
            raise RulesError(f"{written}: the section is there twice")
        if not isinstance(table, dict):
            raise RulesError(f"{written}: must be a table, [{written}]")
        found[name] = (
            {model: _price(model, price) for model, price in table.items()}
            if name == "prices"
            else _section(getattr(DEFAULT, name), written, table)
        )
    rules = Rules(**found)
    if rules.rate_limit.clear_left < rules.rate_limit.least_left:
        raise RulesError("rate_limit.clear_left: must not be less than rate_limit.least_left")
    if rules.on_alert.command and rules.on_alert.webhook:
        raise RulesError("on_alert: command or webhook, not both")
    return rules


def _section_named(written: str) -> str:
    """Return the section with this name, its own or that of its rule on screen."""
    name = written.replace(" ", "_")
    name = _ON_SCREEN.get(name, name)
    sections = {section.name: section.name for section in fields(Rules)}
    if name not in sections:
        shown = sections | {section: name for name, section in _ON_SCREEN.items()}
        _check_names([written], list(shown.values()), "")
    return name


def _check_names(table: Iterable[str], allowed: list[str], where: str) -> None:
    for name in table:
        if name not in allowed:
            raise RulesError(f"{where}{name}: unknown; allowed: {', '.join(sorted(allowed))}")


def _section(default: _T, name: str, table: Mapping[str, object]) -> _T:
    _check_names(table, [key.name for key in fields(default)], f"{name}.")  # type: ignore[arg-type]
    values = {key: _value(f"{name}.{key}", key, value) for key, value in table.items()}
    return type(default)(**{**vars(default), **values})


def _price(model: str, table: object) -> PriceOverride:
    where = f"prices.{model}"
    if not isinstance(table, dict):
        raise RulesError(f"{where}: must be a table with input and output, in $ per million tokens")
    _check_names(table, ["input", "output", "cached", "cache_write"], f"{where}.")
    for name in ("input", "output"):
        if name not in table:
            raise RulesError(f"{where}.{name}: missing")
    return PriceOverride(
        **{key: _value(f"{where}.{key}", key, value) for key, value in table.items()}
    )


def _value(where: str, key: str, value: object) -> Any:  # noqa: ANN401 - of the key's type
    allowed, check = _CHECKS[key]
    checked = check(value)
    if checked is None:
        raise RulesError(f"{where}: {value!r} is not {allowed}")
    return checked


def _integer(value: object, least: int, most: int) -> int | None:
    is_valid = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    return value if is_valid and isinstance(value, int) else None


def _number(value: object, least: float, most: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Compared first: an integer may be too large for a float.
    return float(value) if least <= value <= most and math.isfinite(value) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _words(value: object) -> tuple[str, ...] | None:
    is_list = isinstance(value, list) and bool(value) and bool(value[0])
    if not is_list or not isinstance(value, list):
        return None
    fit = all(isinstance(word, str) and "\0" not in word for word in value)
    return tuple(value) if fit else None


def _url(value: object) -> str | None:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return None
    try:
        parts = urlsplit(value)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return value if fits and " " not in value else None


Check = tuple[str, Callable[[object], object]]


def _calls(least: int, most: int) -> Check:
    return f"a whole number from {least} to {most}", lambda value: _integer(value, least, most)


def _share() -> Check:
    return "a number from 0 to 1", lambda value: _number(value, 0, 1)


_DOLLARS: Final[Check] = ("a number of dollars from 0", lambda value: _number(value, 0, 1e9))
_CHECKS: Final[dict[str, Check]] = {
    "enabled": ("true or false", _flag),
    "window_calls": _calls(5, 10_000),
    "clear_windows": _calls(1, 100),
    "settled_calls": _calls(1, 10_000),
    "clear_calls": _calls(1, 1_000_000),
    "per_minute": _calls(1, 600),
    "level": _share(),
    "least_rise": _share(),
    "least_left": _share(),
    "clear_left": _share(),
    "timeout_s": ("a number of seconds from 0.1 to 600", lambda value: _number(value, 0.1, 600)),
    "usd_per_hour": _DOLLARS,
    **dict.fromkeys(("input", "output", "cached", "cache_write"), _DOLLARS),
    "command": ('a list of words, like ["notify-send", "llmlog"]', _words),
    "webhook": ("an http or https URL", _url),
}


def read_rules(path: Path) -> Rules:
    """Read a rules file. Raises RulesError, one line that names the file."""
    try:
        return parse_rules(read_small(path, or_pipe=True).decode())
    except UnicodeDecodeError as error:
        raise RulesError(f"{path}: not UTF-8") from error
    except (SmallFileError, RulesError) as error:
        raise RulesError(f"{path}: {error}") from error
