"""Questions about traces and sessions: timeline, replay, diff."""
