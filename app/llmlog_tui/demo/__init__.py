"""An agent with no key and no network, through the real openai SDK and the real capture library."""
