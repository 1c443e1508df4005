"""The `llmlog` command and the logs it is given, as its own tests have them."""

from __future__ import annotations

from tests.commands.conftest import llmlog, written

__all__ = ["llmlog", "written"]
