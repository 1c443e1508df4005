"""llmlog writes one JSON line for each LLM call or tool execution of an application."""

from llmlog.files import prune
from llmlog.guard import CaptureWarning
from llmlog.lesson import logged_chat
from llmlog.sessions import Clock, Session, session
from llmlog.tools import Span, ToolRun
from llmlog.traces import Trace

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
