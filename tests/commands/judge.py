"""`llmlog stats --json` once more, in SQL: DuckDB as the judge.

`python -m tests.commands.judge FILE` prints it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb

_COLUMNS = {
    **dict.fromkeys(
        ("ts", "event", "session_id", "trace_id", "status", "model", "provider", "finish_reason"),
        "VARCHAR",
    ),
    **dict.fromkeys(("requested_model", "error_type", "tool_name", "error"), "VARCHAR"),
    **dict.fromkeys(("latency_ms", "tokens_per_sec"), "DOUBLE"),
    **dict.fromkeys(
        ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "error_status"),
        "BIGINT",
    ),
    **dict.fromkeys(("cache_write_tokens", "max_tokens"), "BIGINT"),
    "tool_args_ok": "BOOLEAN",
    "stream_end": "VARCHAR",
}
_KEYS = {
    "model": "coalesce(model, requested_model)",
    "session": "session_id",
    "trace": "trace_id",
    "provider": "provider",
    "hour": "strftime(started, '%Y-%m-%dT%H:00:00Z')",
}
_RECORDS = """
    create table records as select *,
        coalesce(
            try_cast(ts as timestamp), make_timestamp((try_cast(ts as double) * 1e6)::bigint)
        ) as started,
        case
            when event in ('chat_completion', 'response', 'embedding', 'tool_call', 'span')
                then event
            when event is null and tool_name is not null then 'tool_call'
            when coalesce(model, requested_model, finish_reason) is not null
                or coalesce(prompt_tokens, completion_tokens) is not null then 'chat_completion'
            when event is not null and trace_id is not null then event
            when tool_name is not null then 'tool_call'
            when trace_id is not null and latency_ms is not null then 'chat_completion'
        end as kind,
        coalesce(
            status,
            if(error is not null or error_type is not null or error_status >= 400, 'error', 'ok')
        ) = 'error' as failed
    from read_json($path, format = 'newline_delimited', columns = $columns)
"""
# USD per million tokens at api.openai.com, as its price page has them
_PRICES = """
    create table prices as select * from (values
        ('gpt-5', 1.25::double, 0.125::double, 10.0::double), ('gpt-5-mini', 0.25, 0.025, 2.0),
        ('gpt-4.1-mini', 0.4, 0.1, 1.6), ('gpt-oss-120b', 0.039, 0.039, 0.18),
        ('text-embedding-3-small', 0.02, 0.02, 0.0),
        ('gpt-5-2026-08-07', 1.25, 0.125, 10.0), ('gpt-5-mini-2026-08-07', 0.25, 0.025, 2.0)
    ) as _(name, fresh, cached, answered)
"""
_CALLS = """
    create table calls as select records.*, records.rowid as nth,
        coalesce(
            tokens_per_sec, if(latency_ms > 0, completion_tokens / (latency_ms / 1000), null)
        ) as speed,
        (
            (prompt_tokens - least(coalesce(cached_tokens, 0), prompt_tokens)) * fresh
            + least(coalesce(cached_tokens, 0), prompt_tokens) * cached
            + coalesce(completion_tokens, if(kind = 'embedding', 0, null)) * answered
        ) / 1e6 as cost
    from records left join prices
        on name = coalesce(model, requested_model) and provider = 'api.openai.com'
    where kind in ('chat_completion', 'response', 'embedding')
"""
_TOTALS = """
    select count(*) as records, count(distinct session_id) as sessions,
        count(distinct trace_id) as traces,
        count(*) filter (kind = 'tool_call') as tools,
        count(*) filter (
            failed and kind in ('chat_completion', 'response', 'embedding', 'tool_call')
        ) as errors,
        strftime(min(started), '%Y-%m-%dT%H:%M:%S.%fZ') as first_ts,
        strftime(max(started), '%Y-%m-%dT%H:%M:%S.%fZ') as last_ts
    from records
"""
_TOKENS = """
    sum(prompt_tokens)::bigint as prompt_tokens,
    sum(completion_tokens)::bigint as completion_tokens,
    sum(reasoning_tokens)::bigint as reasoning_tokens,
    sum(cached_tokens)::bigint as cached_tokens,
    sum(cache_write_tokens)::bigint as cache_write_tokens
"""
_HIDDEN = """
    count(*) filter (
        coalesce(finish_reason <> 'length', true) and not failed and (
            coalesce(max_tokens > 0 and completion_tokens >= max_tokens, false)
            or coalesce(not tool_args_ok, false) or coalesce(stream_end = 'truncated', false)
        )
    ) as hidden_cut
"""
_OF_CALLS = f"""
    select count(*) as calls, count(*) - count(cost) as unpriced_calls, {_TOKENS}, {_HIDDEN},
        sum(cost) as cost_usd
    from calls
"""  # noqa: S608 - our own words
_SLOW = """
    select count(*) filter (latency_ms > $over) as calls,
        count(*) filter (latency_ms > $over and reasoning_tokens / completion_tokens > 0.5)
            as mostly_reasoning
    from calls
"""
_GROUPS = """
    select {key} as key, count(*) as calls, count(*) filter (failed) as errors,
        count(*) filter (finish_reason = 'length') as truncated, {hidden},
        quantile_cont(latency_ms, 0.50) as p50_ms, quantile_cont(latency_ms, 0.95) as p95_ms,
        quantile_cont(latency_ms, 0.99) as p99_ms,
        quantile_cont(speed, 0.5) as tokens_per_sec_p50, {tokens}, sum(cost) as cost_usd
    from calls group by all order by calls desc, min(nth)
"""


def judged(path: Path, by: str = "model", over_ms: float = 500.0) -> dict[str, Any]:
    """What `llmlog stats PATH --json` must print of a log without bad lines or blanks."""
    with duckdb.connect() as db:

        def rows(sql: str, **values: object) -> list[dict[str, Any]]:
            found = db.execute(sql, values)
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

        rows(_RECORDS, path=str(path), columns=_COLUMNS)
        foreign = len(rows("delete from records where kind is null returning 1"))
        rows(_PRICES)
        rows(_CALLS)
        totals, of_calls = rows(_TOTALS)[0], rows(_OF_CALLS)[0]
        calls, unpriced = of_calls.pop("calls"), of_calls.pop("unpriced_calls")
        hidden = of_calls.pop("hidden_cut")
        slow = rows(_SLOW, over=over_ms)[0]
        groups = rows(_GROUPS.format(key=_KEYS[by], tokens=_TOKENS, hidden=_HIDDEN))
    for group in groups:
        del group["cache_write_tokens"]
    return {
        "files": [str(path)],
        "records": totals["records"],
        "blanks": 0,
        "skipped": {"foreign": foreign} if foreign else {},
        "nulled": {},
        "sessions": totals["sessions"],
        "traces": totals["traces"],
        "calls": calls,
        **{name: totals[name] for name in ("tools", "errors", "first_ts", "last_ts")},
        **of_calls,
        "unpriced_calls": unpriced,
        "slow": {"over_ms": over_ms, **slow},
        "hidden_cut": hidden,
        "groups": groups,
        "format": "llmlog",
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(judged(Path(sys.argv[1]))) + "\n")
