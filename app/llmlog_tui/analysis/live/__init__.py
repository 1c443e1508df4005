"""Incremental analysis of a growing log."""
