"""The failure of an OTLP span: whether, and of which kind."""

from __future__ import annotations

from collections.abc import Iterator

from llmlog_tui.formats.otlp_envelope import Attributes, Span
from llmlog_tui.formats.vocabulary import Record, boolean, error_class, error_status, first, text


def has_failed(span: Span) -> bool:
    """Return whether the work of a span failed."""
    about = span.attributes
    return (
        span.failed
        or about.get("langfuse.observation.level") == "ERROR"
        or (span.name.startswith("claude_code.") and boolean(about.get("success")) is False)
        or "error" in (about.get("gen_ai.tool.status"), about.get("tool.status"))
    )


def failure_message(span: Span) -> str | None:
    """Return the whole text of a failure. It is content."""
    about = span.attributes
    stated = span.message or text(
        first(about, "langfuse.observation.status_message", "error.message", "error")
    )
    return stated or next((text(each.get("exception.message")) for each in _exceptions(span)), None)


def _exceptions(span: Span) -> Iterator[Attributes]:
    return (event.attributes for event in span.events if event.name == "exception")


def error_of(span: Span) -> Record:
    """Return error_type and error_status of a span that failed."""
    about = span.attributes
    kinds = [about.get("error.type"), *(each.get("exception.type") for each in _exceptions(span))]
    return {
        "error_type": next((found for kind in kinds if (found := error_class(kind))), None),
        "error_status": error_status(
            about.get("http.response.status_code"),
            about.get("error.code"),
            about.get("status_code"),
            failure_message(span),
        ),
    }
