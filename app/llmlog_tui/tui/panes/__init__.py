"""Panes: each renders one immutable value and posts what the user did."""
