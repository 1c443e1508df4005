"""Check for the packages of an optional dependency group, before anything imports them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence


def has_extra(command: str, modules: Sequence[str], extra: str) -> bool:
    """Return whether an extra is installed; if not, print how to install it."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        print(  # noqa: T201 - the command's voice
            f"{command} needs {', '.join(missing)}: pip install 'llmlog[{extra}]'", file=sys.stderr
        )
    return not missing
