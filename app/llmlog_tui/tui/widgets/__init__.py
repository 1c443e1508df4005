"""Widgets that know nothing of logs."""
