"""Key dispatch, garbage collection and shutdown of the running App."""
