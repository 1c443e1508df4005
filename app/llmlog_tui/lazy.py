"""Submodules imported on first use, so that the first frame comes sooner."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType


def lazy_submodules(package: str, *names: str) -> Callable[[str], ModuleType]:
    """Return the `__getattr__` of a package whose submodules `names` are imported on first use."""

    def load(name: str) -> ModuleType:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return import_module(f"{package}.{name}")

    return load
