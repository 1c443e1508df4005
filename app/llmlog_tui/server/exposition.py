"""Prometheus text -> the quantities of a known server, and all values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from llmlog_tui.server.quantities import KINDS, MAXIMA, Names, canonical

MAX_RAW: Final = 500
"""Maximum number of values that are listed of one answer."""
_MAX_LABEL_CHARS: Final = 40
LARGEST: Final = 1e15
"""Maximum of a value: sums and rates of larger ones would be infinite."""
_PARTS_OF_HISTOGRAMS: Final = ("_bucket", "_created")
"""Endings of values that are of no use in a list."""


class NotPrometheusError(Exception):
    """A text without metrics; the message is one line."""


class Series(Protocol):
    """One value of a metric, as the parser of prometheus_client returns it."""

    @property
    def name(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def value(self) -> float: ...


@dataclass(frozen=True)
class Histogram:
    """Observations up to each bound (seconds -> number), their sum and their number."""

    bounds: Mapping[float, float]
    total: float
    count: float

    def since(self, before: Histogram) -> Histogram:
        """Return the observations since an earlier state; all of them after a restart."""
        if before.count > self.count:
            return self
        bounds = {le: max(0.0, n - before.bounds.get(le, 0.0)) for le, n in self.bounds.items()}
        return Histogram(bounds, self.total - before.total, self.count - before.count)

    def quantile(self, share: float) -> float | None:
        """Return a quantile in seconds, interpolated within its bucket; None without any."""
        wanted, below, low = self.count * share, 0.0, 0.0
        if self.count <= 0:
            return None
        for bound in sorted(self.bounds):
            reached = self.bounds[bound]
            if reached >= wanted and reached > below:
                if math.isinf(bound):
                    return low  # as Prometheus: the highest bound there is
                return low + (bound - low) * (wanted - below) / (reached - below)
            below, low = max(below, reached), bound
        return low

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count > 0 else None


NO_OBSERVATIONS: Final = Histogram({}, 0.0, 0.0)


@dataclass(frozen=True)
class Reading:
    """What a server answered: its `kind` (empty if unknown), and quantities by their names.

    `raw` has the first MAX_RAW values as text and number, those of histograms as sum and count.
    """

    kind: str = ""
    gauges: Mapping[str, float] = field(default_factory=dict)
    counters: Mapping[str, float] = field(default_factory=dict)
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    raw: tuple[tuple[str, float], ...] = ()


def reading(values: Iterable[Series]) -> Reading:
    """Return the quantities among the values of one answer."""
    by_name: dict[str, list[Series]] = {}
    for value in values:
        if not math.isnan(_float(value)):
            by_name.setdefault(canonical(value.name), []).append(value)
    raw = tuple(
        (_text(value), _float(value))
        for each in by_name.values()
        for value in each
        if not value.name.endswith(_PARTS_OF_HISTOGRAMS)
    )[:MAX_RAW]
    kind = next((kind for kind in KINDS if kind.is_in(by_name)), None)
    if kind is None:
        return Reading(raw=raw)
    return Reading(
        kind.name,
        gauges=_numbers(kind.gauges, by_name),
        counters=_numbers(kind.counters, by_name),
        histograms=_histograms(kind.histograms, by_name),
        raw=raw,
    )


def _numbers(names: Names, by_name: Mapping[str, list[Series]]) -> dict[str, float]:
    found = {}
    for quantity, candidates in names.items():
        values = _values(candidates, by_name)
        if values:
            found[quantity] = max(values) if quantity in MAXIMA else sum(values)
    return found


def _values(candidates: Iterable[str], by_name: Mapping[str, list[Series]]) -> list[float]:
    """Return the plausible values of the first metric that is there."""
    found = (by_name[canonical(name)] for name in candidates if canonical(name) in by_name)
    series = next(found, [])
    return [float(value.value) for value in series if 0 <= value.value <= LARGEST]


def _histograms(names: Names, by_name: Mapping[str, list[Series]]) -> dict[str, Histogram]:
    found = {}
    for quantity, candidates in names.items():
        name = next((name for name in candidates if f"{canonical(name)}_count" in by_name), None)
        if name is None:
            continue
        bounds: dict[float, float] = {}
        for bucket in by_name.get(f"{canonical(name)}_bucket", ()):
            bound = _bound(bucket.labels.get("le", ""))
            if bound is not None and abs(bucket.value) <= LARGEST:
                bounds[bound] = bounds.get(bound, 0.0) + bucket.value
        total = sum(_values([f"{name}_sum"], by_name))
        found[quantity] = Histogram(bounds, total, sum(_values([f"{name}_count"], by_name)))
    return found


def _float(value: Series) -> float:
    """Return the number, infinity for an integer too large for a float."""
    try:
        return float(value.value)
    except OverflowError:
        return math.inf


def _bound(text: str) -> float | None:
    try:
        bound = float(text)
    except ValueError:
        return None
    return None if math.isnan(bound) else bound


def _text(value: Series) -> str:
    """Return a value's name and labels, shortened: `name{model="…"}`."""
    labels = ",".join(f'{name}="{text[:_MAX_LABEL_CHARS]}"' for name, text in value.labels.items())
    shown = f"{value.name}{{{labels}}}" if labels else value.name
    return shown[: 4 * _MAX_LABEL_CHARS]
