"""llmlog writes one JSON line for each LLM call or tool execution of an application."""

from llmlog._core import Clock
from llmlog._files import prune
from llmlog._guard import CaptureWarning
from llmlog._session import Session, session
from llmlog._trace import Span, ToolRun, Trace
from llmlog.logged_chat import logged_chat

__all__ = [
    "CaptureWarning",
    "Clock",
    "Session",
    "Span",
    "ToolRun",
    "Trace",
    "logged_chat",
    "prune",
    "session",
]
