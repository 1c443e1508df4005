"""Token counts and cost of an answer, in any server's shape and place."""

from __future__ import annotations

from typing import Final

from llmlog._foreign import Fields, as_cost, as_count, as_int, attributes, set_known

_NAMES: Final = {
    "prompt": ("prompt_tokens", "promptTokens", "promptTokenCount", "prompt_token_count"),
    "input": ("input_tokens", "inputTokens"),
    "completion": (
        "completion_tokens",
        "output_tokens",
        "completionTokens",
        "outputTokens",
        "candidatesTokenCount",
        "candidates_token_count",
        "predicted_n",  # llama.cpp
    ),
    "total": ("total_tokens", "totalTokens", "totalTokenCount", "total_token_count"),
    "reasoning": (
        "reasoning_tokens",
        "reasoningTokens",
        "thinking_tokens",
        "thoughtsTokenCount",
        "thoughts_token_count",
    ),
    "cached": (
        "cached_tokens",
        "cache_read_tokens",
        "num_cached_tokens",
        "prompt_cache_hit_tokens",  # DeepSeek
        "cached_prompt_tokens",
        "cachedContentTokenCount",
        "cached_content_token_count",
        "cache_n",  # llama.cpp
    ),
    "written": ("cache_write_tokens", "cache_creation_tokens"),
    "read_beside": ("cache_read_input_tokens", "cacheReadInputTokens"),
    "written_beside": ("cache_creation_input_tokens", "cacheWriteInputTokens"),
    "processed": ("prompt_n",),  # llama.cpp: the prompt without its cached part
}
"""Count -> servers' names for it, in the usage or one level below."""

_COUNT_OF_NAME: Final = {name: count for count, names in _NAMES.items() for name in names}
_ONLY_AT_TOP: Final = frozenset({"prompt", "input", "completion", "total", "processed"})
"""Counts whose names, nested, mean a part, such as one modality's."""

_COSTS: Final = ("cost", "total_cost", "estimated_cost", "cost_usd", "total_cost_usd")
_ABOUT_COST: Final = frozenset((*_COSTS, "cost_in_usd_ticks", "is_byok"))
_TICKS_PER_USD: Final = 10_000_000_000
_OTHER_SOURCES: Final = ("timings", "usageMetadata", "usage_metadata")
"""Members of an answer or chunk that hold counts, besides `usage`."""
_RARE: Final = frozenset((*_OTHER_SOURCES, "x_groq", "provider_metadata", "cost", "response_cost"))


class Usage:
    """Counts of one answer, merged from every place and chunk that tells them."""

    __slots__ = ("_cost", "_counts")

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._cost: float | None = None

    def read(self, known: Fields) -> bool:
        """Add the counts of an answer or chunk; False if it has none."""
        has_usage = (usage := known.get("usage")) is not None
        if has_usage:
            self.add(usage)
        # One look, as nearly all chunks of a stream have none of them.
        if not _RARE.isdisjoint(known):
            self._read_rare(known)
        return has_usage

    def _read_rare(self, known: Fields) -> None:
        for name in _OTHER_SOURCES:
            self.add(known.get(name))
        # Groq's streams, and gateways that report the price beside the counts.
        self.add(attributes(known.get("x_groq")).get("usage"))
        self._add_cost(attributes(attributes(known.get("provider_metadata")).get("gateway")))
        self._keep_cost(as_cost(known.get("response_cost")) or as_cost(known.get("cost")))

    def add(self, usage: object) -> None:
        """Add one usage object, of which no count replaces a greater one."""
        known = attributes(usage)
        for name, value in known.items():
            if value is None:
                continue
            if (count := _COUNT_OF_NAME.get(name)) is not None:
                self._keep(count, value)
            elif not isinstance(value, (int, float, str)):
                self._add_details(name, attributes(value))
        if not _ABOUT_COST.isdisjoint(known):
            self._add_cost(known)

    def _add_details(self, name: str, details: Fields) -> None:
        if name == "cache_creation":  # Anthropic: tokens written, per time to live
            counts = [as_count(value) or 0 for value in details.values()]
            self._keep("written_beside", sum(counts))
        for detail, value in details.items():
            count = _COUNT_OF_NAME.get(detail)
            if count is not None and count not in _ONLY_AT_TOP:
                self._keep(count, value)

    def _keep(self, count: str, value: object) -> None:
        number = as_int(value)
        # Later chunks may bring placeholders, such as zeros, or only some of the counts.
        if number is not None and number >= self._counts.get(count, 0):
            self._counts[count] = number

    def _add_cost(self, known: Fields) -> None:
        for name in _COSTS:
            if (cost := known.get(name)) is not None:
                # Perplexity itemises its cost.
                cost = cost if as_cost(cost) is not None else attributes(cost).get("total_cost")
                self._keep_cost(as_cost(cost))
        if (ticks := as_cost(known.get("cost_in_usd_ticks"))) is not None:  # xAI
            self._keep_cost(ticks / _TICKS_PER_USD)
        if known.get("is_byok") is True:  # OpenRouter: its fee; the provider bills the remainder
            upstream = attributes(known.get("cost_details")).get("upstream_inference_cost")
            self._keep_cost((as_cost(known.get("cost")) or 0) + (as_cost(upstream) or 0))

    def _keep_cost(self, cost: float | None) -> None:
        if cost is not None and cost >= (self._cost or 0):
            self._cost = cost

    def add_fields(self, fields: Fields) -> None:
        """Add the counts to a record's `fields`, in OpenAI's meaning of them."""
        if self._cost is not None:
            fields["reported_cost_usd"] = self._cost
        counts = self._counts
        if not counts:
            return
        cached = _most(counts.get("cached"), counts.get("read_beside"))
        written = _most(counts.get("written"), counts.get("written_beside"))
        prompt = self._prompt((cached or 0) + (written or 0))
        completion = self._completion(prompt)
        total = counts.get("total")
        if prompt is not None and completion is not None:
            # A total of the server's counts less where its prompt leaves the cached part out.
            total = max(total or 0, prompt + completion)
        set_known(
            fields,
            prompt_tokens=prompt,
            completion_tokens=completion,
            total_tokens=total,
            reasoning_tokens=counts.get("reasoning"),
            cached_tokens=cached,
            cache_write_tokens=written,
        )

    def _prompt(self, cache: int) -> int | None:
        """Return the prompt's tokens, including `cache`: those read from and written to it."""
        counts = self._counts
        prompt = counts.get("prompt")
        if prompt is None and (processed := counts.get("processed")) is not None:
            return processed + counts.get("cached", 0)
        given = counts.get("input") if prompt is None else prompt
        if given is None or not cache:
            return given
        # A count that includes the cache is no less than it.
        if cache > given:
            return given + cache
        beside = counts.get("read_beside", 0) + counts.get("written_beside", 0)
        sum_without = given + counts.get("completion", 0)
        total = counts.get("total")
        if total == sum_without + cache:
            return given + cache
        # Anthropic's input_tokens are those beside the cache, and it sends no total.
        is_disjoint = prompt is None and beside > 0 and total != sum_without
        return given + cache if is_disjoint else given

    def _completion(self, prompt: int | None) -> int | None:
        """Return the completion's tokens, including those of reasoning."""
        counts = self._counts
        completion, reasoning = counts.get("completion"), counts.get("reasoning", 0)
        if completion is None:
            return None
        if reasoning > completion:
            return completion + reasoning
        total = counts.get("total")
        if total is None or prompt is None:
            return completion
        # The total tells whether tokens were generated that the completion leaves out.
        beside = total - prompt - completion
        return completion + beside if beside > 0 and reasoning in (0, beside) else completion


def _most(first: int | None, second: int | None) -> int | None:
    return second if first is None else first if second is None else max(first, second)
