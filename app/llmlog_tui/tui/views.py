"""The views by name."""

from __future__ import annotations

from typing import Final

VIEWS: Final = {
    "overview": "Overview",
    "calls": "Calls",
    "trends": "Trends",
    "alerts": "Alerts",
    "sql": "SQL",
}
"""In the order of their digits, and what their tabs and the help call them."""
