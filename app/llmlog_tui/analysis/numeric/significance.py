"""Significance tests: p-values for a difference between two samples."""

from __future__ import annotations

import math

import polars as pl


def mann_whitney(before: pl.Series, after: pl.Series) -> float | None:
    """Return the two-sided p-value of the Mann-Whitney U test.

    Normal approximation of U with midranks, tie correction and continuity correction; None if a
    sample is empty. Nulls are ignored. Source: Mann and Whitney 1947; Hollander, Wolfe and
    Chicken, Nonparametric Statistical Methods, 3rd ed., 4.1.
    """
    before, after = before.drop_nulls(), after.drop_nulls()
    m, n = len(before), len(after)
    if not m or not n:
        return None
    both = pl.concat([before.cast(pl.Float64), after.cast(pl.Float64)])
    u = float(both.rank("average").tail(n).sum()) - n * (n + 1) / 2
    of_ties = both.value_counts().to_series(1).cast(pl.Float64)
    ties = float((of_ties**3 - of_ties).sum())
    variance = m * n / 12 * ((m + n + 1) - ties / ((m + n) * (m + n - 1)))
    if variance <= 0:
        return 1.0
    away = max(0.0, abs(u - m * n / 2) - 0.5)
    return math.erfc(away / math.sqrt(2 * variance))


def batch_means_t(
    rise: float, variance: float, before: int, after: int, level: float = 1.0
) -> float:
    """Return the one-sided p-value of the t-test for a mean higher by `rise`.

    1 where even the normal distribution, which is cheaper and gives less, is not below `level`.
    `variance` is that of the `before` values alone (at least 2): the newer sample is too small for
    a variance of its own. Source: NIST/SEMATECH e-Handbook of Statistical Methods, 7.3.1.
    """
    if variance <= 0:
        return 0.0 if rise > 0 else 1.0
    t = rise / math.sqrt(variance * (1 / before + 1 / after))
    return 1.0 if math.erfc(t / math.sqrt(2)) / 2 >= level else _tail_of_t(t, before - 1)


def _tail_of_t(t: float, freedom: int) -> float:
    """Return P(T > t) for integer degrees of freedom.

    Source: Abramowitz and Stegun, 26.7.3 and 26.7.4.
    """
    freedom = min(freedom, 200)  # above, t is nearly normal; the cap errs to a larger p
    theta = math.atan(t / math.sqrt(freedom))
    cosine = math.cos(theta)
    term = cosine if freedom % 2 else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(3 if freedom % 2 else 2, freedom - 1, 2):
        term *= cosine**2 * (k - 1) / k
        total += term
    inside = math.sin(theta) * total
    if freedom % 2:
        inside = 2 / math.pi * (theta + inside)
    return max(0.0, (1 - inside) / 2)


def fisher_exact_greater(hits_before: int, calls_before: int, hits: int, calls: int) -> float:
    """Return the one-sided p-value of Fisher's exact test, from 0 to 1.

    The probability that at least `hits` of all hits fall among the last `calls` if their order is
    random; exact for low counts too. Source: Fisher 1935, The Design of
    Experiments, II.
    """
    total, all_hits = calls_before + calls, hits_before + hits
    norm = _log_choose(total, calls)
    return min(
        1.0,
        sum(
            math.exp(_log_choose(all_hits, k) + _log_choose(total - all_hits, calls - k) - norm)
            for k in range(max(hits, calls - (total - all_hits)), min(calls, all_hits) + 1)
        ),
    )


def two_proportion_z(hits_before: int, calls_before: int, hits: int, calls: int) -> float:
    """Return the one-sided p-value of the pooled two-proportion z-test.

    Too small at low counts. Source: NIST/SEMATECH e-Handbook of Statistical Methods, 7.3.3.
    """
    pooled = (hits_before + hits) / (calls_before + calls)
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / calls_before + 1 / calls))
    if deviation == 0:
        return 1.0
    return math.erfc((hits / calls - hits_before / calls_before) / deviation / math.sqrt(2)) / 2


def fisher_exact_two_sided(hits_before: int, calls_before: int, hits: int, calls: int) -> float:
    """Return the two-sided p-value of Fisher's exact test: twice the smaller tail."""
    rise = fisher_exact_greater(hits_before, calls_before, hits, calls)
    fall = fisher_exact_greater(hits, calls, hits_before, calls_before)
    return min(1.0, 2 * min(rise, fall))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
