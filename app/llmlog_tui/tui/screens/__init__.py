"""Whole screens: which panes stand where."""
