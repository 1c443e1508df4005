"""Hosts of providers, by the names that frameworks and gateways have for them.

As in the vocabulary, an odd value is None.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from llmlog_tui.formats.vocabulary import text

PROVIDER_HOSTS: Final = {
    "openai": "api.openai.com",
    "anthropic": "api.anthropic.com",
    "mistral_ai": "api.mistral.ai",
    "mistral": "api.mistral.ai",
    "mistralai": "api.mistral.ai",
    "groq": "api.groq.com",
    "deepseek": "api.deepseek.com",
    "x_ai": "api.x.ai",
    "xai": "api.x.ai",
    "perplexity": "api.perplexity.ai",
    "cohere": "api.cohere.com",
    "openrouter": "openrouter.ai",
    "together_ai": "api.together.xyz",
    "fireworks_ai": "api.fireworks.ai",
    "cerebras": "api.cerebras.ai",
    "gcp.gemini": "generativelanguage.googleapis.com",
    "gcp.gen_ai": "generativelanguage.googleapis.com",
    "google": "generativelanguage.googleapis.com",
    "gemini": "generativelanguage.googleapis.com",
}
"""Host by the name that instrumentations give a provider; prices resolve by host."""

_NOT_PROVIDERS: Final = frozenset(
    {
        *("strands-agents", "langchain", "langgraph", "llamaindex", "crewai", "autogen", "dspy"),
        *("gcp.vertex.agent", "spring_ai", "semantic_kernel", "microsoft.agent_framework"),
        *("haystack", "smolagents", "openai_agents", "unknown", "none"),
    }
)
"""Frameworks, which instrumentations name where a provider belongs."""

_HOST_OF_MODEL: Final = (
    ("claude-", "api.anthropic.com"),
    ("gemini-", "generativelanguage.googleapis.com"),
    (("gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-"), "api.openai.com"),
)


def provider_host(name: object) -> str | None:
    """Return the host of a provider by its name; unknown names unchanged.

    `openai.responses` (Vercel's kind of API) is openai; names of frameworks are None.
    """
    found = text(name)
    if found is None or found.lower() in _NOT_PROVIDERS:
        return None
    lower = found.lower()
    if lower in PROVIDER_HOSTS:
        return PROVIDER_HOSTS[lower]
    return PROVIDER_HOSTS.get(lower.split(".", 1)[0], found)


def model_host(model: object) -> str | None:
    """Return the host of the only provider of a model, if certain."""
    found = (text(model) or "").lower()
    return next((host for start, host in _HOST_OF_MODEL if found.startswith(start)), None)


def url_host(url: object) -> str | None:
    """Return the host of a URL, or of `host[:port]`."""
    found = text(url)
    if found is None:
        return None
    try:
        return urlsplit(found if "//" in found else f"//{found}").hostname or None
    except ValueError:
        return None


def served_by(host: object, name: object) -> str | None:
    """Return the provider of a call from the server's address and the provider's name.

    The address wins, except for a proxy's: a proxy has no prices, but its provider has.
    """
    address, named = url_host(host), provider_host(name)
    if address is None or (named is not None and _is_proxy(address)):
        return named
    return address


def _is_proxy(host: str) -> bool:
    return (
        host in ("localhost", "::1", "0.0.0.0")  # noqa: S104 - compared with, not bound to
        or host.startswith(("127.", "10.", "192.168."))
        or "." not in host
        or host.endswith((".local", ".internal", ".localhost"))
        or _PROXY.search(host) is not None
    )


_PROXY: Final = re.compile(r"(?:^|[.-])(?:proxy|gateway|litellm|portkey|helicone)(?:[.-]|$)")
