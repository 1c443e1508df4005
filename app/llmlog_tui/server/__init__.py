"""Metrics of inference servers: polled from Prometheus endpoints, kept beside the log."""
