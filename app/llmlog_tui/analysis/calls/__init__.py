"""Questions about single calls: speed, cost, truncation, lookup."""
