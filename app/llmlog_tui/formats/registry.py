"""The log formats llmlog reads."""

from __future__ import annotations

from typing import Final

from llmlog_tui.formats import Format
from llmlog_tui.formats.bedrock import BEDROCK
from llmlog_tui.formats.claude_code import CLAUDE_CODE
from llmlog_tui.formats.codex import CODEX, CODEX_EXEC
from llmlog_tui.formats.gemini_cli import GEMINI_CLI
from llmlog_tui.formats.helicone import HELICONE
from llmlog_tui.formats.inspect_ai import INSPECT_AI
from llmlog_tui.formats.langfuse import LANGFUSE
from llmlog_tui.formats.langsmith import LANGSMITH
from llmlog_tui.formats.litellm import LITELLM
from llmlog_tui.formats.mini_swe_agent import MINI_SWE_AGENT
from llmlog_tui.formats.mlflow import MLFLOW
from llmlog_tui.formats.model_responses import MODEL_RESPONSES, OPENAI_BATCH
from llmlog_tui.formats.openrouter import OPENROUTER
from llmlog_tui.formats.otlp_logs import LOGS
from llmlog_tui.formats.otlp_traces import METRICS, TRACES
from llmlog_tui.formats.portkey import PORTKEY
from llmlog_tui.formats.weave import WEAVE
from llmlog_tui.formats.without_calls import LLAMA_CPP, SWE_AGENT, VLLM

FORMATS: Final[tuple[Format, ...]] = (
    TRACES,
    LOGS,
    METRICS,
    CLAUDE_CODE,
    CODEX,
    CODEX_EXEC,
    GEMINI_CLI,
    LITELLM,
    LANGFUSE,
    LANGSMITH,
    HELICONE,
    PORTKEY,
    OPENROUTER,
    BEDROCK,
    MLFLOW,
    WEAVE,
    INSPECT_AI,
    MINI_SWE_AGENT,
    OPENAI_BATCH,
    MODEL_RESPONSES,
    SWE_AGENT,
    VLLM,
    LLAMA_CPP,
)
"""Other tools' formats in order of detection; the first match takes the file."""
