"""Alert rules, and the engine that runs them over incoming calls."""
