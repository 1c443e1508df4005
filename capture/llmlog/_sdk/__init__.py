"""Record the calls of the openai and the anthropic package's clients."""

from llmlog._sdk.client import wrap

__all__ = ["wrap"]
