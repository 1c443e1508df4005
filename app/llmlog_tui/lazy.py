"""Submodules imported on first use, so that the first frame comes sooner."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType


def lazy_submodules(package: str, *names: str) -> Callable[[str], ModuleType]:
    """Return the `__getattr__` of a package whose submodules `names` are imported on first use."""

    def load(name: str) -> ModuleType:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return import_module(f"{package}.{name}")

    return load


def defer_package(name: str) -> None:
    """Run a package's `__init__` at first use of its attributes, not of its submodules.

    Nothing is changed if it was imported before; without it, importing its submodules fails.
    """
    spec = None if name in sys.modules else find_spec(name)
    if spec is None or spec.loader is None:
        return
    loader, package = spec.loader, module_from_spec(spec)

    def load(attribute: str) -> object:
        if find_spec(f"{name}.{attribute}") is not None:
            return import_module(f"{name}.{attribute}")
        del package.__dict__["__getattr__"]
        loader.exec_module(package)
        return getattr(package, attribute)

    package.__dict__["__getattr__"] = load
    sys.modules.setdefault(name, package)
