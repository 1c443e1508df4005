"""The dashboard in a browser of the same machine."""

from typing import Final

VIEWER: Final = "LLMLOG_WEB_VIEWER"
"""Environment variable that is set in the process of a viewer."""
