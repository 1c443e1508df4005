"""Threads that read, analyse and write; the only code of the TUI that touches polars."""
