"""Simulated agent that needs no key and no network, recorded through the real openai SDK."""
