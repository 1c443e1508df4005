"""A format made up for tests: two objects make one call, and a file may end between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from llmlog_tui.formats import FormatWithoutCalls, Found, Item, LogState, Record


class PairConverter:
    """`{"pair": "a", "tokens": 3}` twice is a call; `{"pair": 1}` is broken."""

    def __init__(self, log: LogState) -> None:
        self.lost: Counter[str] = Counter()
        self._seen: dict[str, int] = log.setdefault("seen", {})
        self._open: dict[str, tuple[int, Item]] = {}

    def feed(self, line: int, item: Item) -> list[Found]:
        name = item.get("pair")
        if name == "raise":
            raise ValueError(name)
        if not isinstance(name, str):
            self.lost["pair"] += 1
            return []
        if name not in self._open:
            self._open[name] = (line, item)
            return []
        return [self._found(name)]

    def flush(self) -> list[Found]:
        return [self._found(name) for name in list(self._open)]

    def _found(self, name: str) -> Found:
        line, item = self._open.pop(name)
        self._seen[name] = self._seen.get(name, 0) + 1
        record = {
            "event": "chat_completion",
            "trace_id": name,
            "step": self._seen[name] - 1,
            "prompt_tokens": item.get("tokens"),
        }
        return Found(line, record)


class Pairs:
    name = "Pairs"
    calls = True

    def detect(self, items: Sequence[Item]) -> bool:
        return any("pair" in item for item in items)

    def converter(self, log: LogState) -> PairConverter:
        return PairConverter(log)

    def content(self, item: Item, record: Record) -> Record:
        return {"input": item["text"]} if item.get("pair") == record["trace_id"] else {}


class Figures(FormatWithoutCalls):
    name = "Figures"
    hint = "open the calls"

    def detect(self, items: Sequence[Item]) -> bool:
        return any("figures" in item for item in items)

    def detect_text(self, lines: Sequence[str]) -> bool:
        return any(line.startswith("figure ") for line in lines)


FORMATS = (Pairs(), Figures())
