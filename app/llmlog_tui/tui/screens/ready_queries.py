"""Queries that the SQL view offers: the first is in the editor at the start."""

from __future__ import annotations

from typing import Final

READY_QUERIES: Final = {
    "calls, time and tokens per model": """\
select coalesce(model, requested_model) as model, count(*) as calls,
       round(avg(latency_ms)) as avg_ms,
       sum(reasoning_tokens) as reasoning_tokens, sum(completion_tokens) as out_tokens
from calls group by 1 order by calls desc""",
    "the slowest calls, and how much of each was reasoning": """\
select trace_id, span_id, coalesce(model, requested_model) as model,
       latency_ms, reasoning_tokens, completion_tokens
from calls order by latency_ms desc limit 100""",
    "failures by kind": """\
select error_type, error_status, coalesce(model, requested_model) as model,
       count(*) as calls
from calls where status = 'error' group by 1, 2, 3 order by calls desc""",
    "answers that were cut off, the newest first": """\
select trace_id, span_id, step, model, finish_reason, stream_end,
       max_tokens, completion_tokens
from calls where finish_reason = 'length' or stream_end = 'truncated'
order by ts desc""",
    "calls, failures and p95 latency per minute": """\
select date_trunc('minute', ts) as minute, count(*) as calls,
       sum(case when status = 'error' then 1 else 0 end) as errors,
       round(quantile_cont(latency_ms, 0.95)) as p95_ms
from calls group by 1 order by 1""",
    "latency over time, by model": """\
select ts, coalesce(model, requested_model) as model, latency_ms, trace_id, span_id
from calls order by ts""",
    "what each hour of the day costs": """\
select date_part('hour', ts) as hour, count(*) as calls, sum(cost_usd) as cost_usd
from calls group by 1 order by 1""",
    "the columns of calls": "describe calls",
}
"""Title -> query."""
