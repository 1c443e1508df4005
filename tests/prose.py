"""Prose checker: banned constructions and long summaries in docstrings, comments and texts.

`python tests/prose.py` prints the violations.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_SUMMARY_WORDS = 15
"""Maximum words in the first line of a docstring."""

LONG_SUMMARY = "long summary"
"""Rule id of a docstring whose first line exceeds MAX_SUMMARY_WORDS."""

BANNED = {
    "what is": r"what (?:is|was)",
    "whom": r"whom",
    "those that": r"those (?:that|which|who)",
    "that which": r"that which",
    "so many": r"(?:so|as) (?:many|much)(?! (?:\w+ ){0,3}as\b)",
    "how many": r"(?:for|of|by) how (?:many|much|long)|how manieth",
    "anew": r"anew",
    "no more": r"no more(?! than)",
    "one has": r"(?:as|at|by|how|if|near|since|what|when|where|which|while) one (?:can|has|is|may)",
    "somebody": r"(?:any|every|no|some)body",
    "as far as": r"as far as",
    "let go of": r"let(?:s|ting)? go of",
    "another one": r"another one",
    "goes on": r"(?:go|goes|going|gone|went) on",
    "stands": r"(?:standing|stands|stood)(?! for)",
    "says": r"(?:said|says|told)",
}
"""Rule id -> regular expression of a construction that prose does not use, in any case."""

_PATTERNS = {
    rule: re.compile(r"\b(?:" + pattern.replace(" ", r"\s+") + r")\b", re.IGNORECASE)
    for rule, pattern in BANNED.items()
}
_DIRECTIVE = re.compile(r"#\s*(?:noqa|type:|pyright:|!)")


@dataclass(frozen=True)
class Prose:
    """A piece of text for readers, and where it begins; a docstring has a summary line."""

    file: str
    line: int
    text: str
    is_docstring: bool = False


@dataclass(frozen=True)
class Violation:
    """One breach of a rule, at the line that contains it."""

    file: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {self.text}"


def files(root: Path) -> list[Path]:
    """Return the files whose prose is checked, relative to `root`."""
    sources = [path for top in ("app", "capture") for path in sorted((root / top).rglob("*.py"))]
    pages = [root / "README.md", *sorted((root / ".github").rglob("*.md"))]
    return [path.relative_to(root) for path in [*sources, *pages]]


def violations(root: Path) -> list[Violation]:
    """Return every violation in app/, capture/, README.md and .github/."""
    found: list[Violation] = []
    for path in files(root):
        name, text = str(path), (root / path).read_text(encoding="utf-8")
        is_source = path.suffix == ".py"
        for prose in prose_in(name, text) if is_source else [Prose(name, 1, text)]:
            found += check(prose)
    return found


def check(prose: Prose) -> Iterator[Violation]:
    """Yield the violations in one text."""
    lines = prose.text.splitlines() or [""]
    for rule, pattern in _PATTERNS.items():
        for match in pattern.finditer(prose.text):
            at = prose.text.count("\n", 0, match.start())
            yield Violation(prose.file, prose.line + at, rule, lines[at].strip())
    if prose.is_docstring and len(lines[0].split()) > MAX_SUMMARY_WORDS:
        yield Violation(prose.file, prose.line, LONG_SUMMARY, lines[0].strip())


def prose_in(file: str, source: str) -> Iterator[Prose]:
    """Yield a module's docstrings, its constants' too, its string literals and its comments."""
    yield from _strings(file, ast.parse(source))
    yield from _comments(file, source)


def _strings(file: str, node: ast.AST) -> Iterator[Prose]:
    inner = list(ast.iter_child_nodes(node))
    match node:
        case ast.Expr(value=ast.Constant(value=str() as text)):
            yield Prose(file, node.lineno, text, is_docstring=True)
            return
        case ast.Constant(value=str() as text) if " " in text:
            yield Prose(file, node.lineno, text)
        case ast.JoinedStr():
            yield Prose(file, node.lineno, _literal_text(node))
            inner = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
    for child in inner:
        yield from _strings(file, child)


def _literal_text(joined: ast.JoinedStr) -> str:
    """Return an f-string with `…` for each of its values."""
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else "…" for part in joined.values
    )


def _comments(file: str, source: str) -> Iterator[Prose]:
    """Yield the comments, successive lines as one text."""
    first, block = 0, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or _DIRECTIVE.match(token.string):
            continue
        if block and token.start[0] != first + len(block):
            yield Prose(file, first, "\n".join(block))
            block.clear()
        if not block:
            first = token.start[0]
        block.append(token.string.lstrip("#"))
    if block:
        yield Prose(file, first, "\n".join(block))


if __name__ == "__main__":
    repository = Path(__file__).parent.parent
    sys.stdout.writelines(f"{violation}\n" for violation in violations(repository))
