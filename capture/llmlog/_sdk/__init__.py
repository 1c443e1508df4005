"""Record the calls of the openai SDK's clients, by subclassing the client's own class."""
