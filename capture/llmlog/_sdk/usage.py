"""Token counts: the `usage` of an answer, in whichever shape a server sends it."""

from __future__ import annotations

from typing import Final

from llmlog._foreign import Fields, as_int, attributes


def add_usage(fields: Fields, usage: object) -> None:
    """Add the token counts of chat completions, the Responses API or embeddings."""
    known = attributes(usage)
    for field, names in _COUNTS.items():
        for name in names:
            if (count := as_int(known.get(name))) is not None:
                fields[field] = count
                break
    for field, names in _DETAILS.items():
        for name in names:
            if (count := as_int(attributes(known.get(name)).get(field))) is not None:
                fields[field] = count
                break


# Each field under its name in chat completions, then in the Responses API.
_COUNTS: Final = {
    "prompt_tokens": ("prompt_tokens", "input_tokens"),
    "completion_tokens": ("completion_tokens", "output_tokens"),
    "total_tokens": ("total_tokens",),
}
_DETAILS: Final = {
    "reasoning_tokens": ("completion_tokens_details", "output_tokens_details"),
    "cached_tokens": ("prompt_tokens_details", "input_tokens_details"),
}
