"""Alert rules, one module each, and the engine that runs them over incoming calls."""
