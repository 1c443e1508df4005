"""Import packages that llmlog does not depend on, on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmlog._foreign import Foreign


def import_optional(name: str, requirement: str) -> Foreign:
    """Import a module of an optional package.

    Raises ModuleNotFoundError, saying how to install the `requirement`, if it is missing.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        if error.name != package:
            raise  # of the package's own dependencies
        raise ModuleNotFoundError(
            f'the {package} package is missing: pip install "{requirement}"', name=package
        ) from None
