"""Receiver of OTLP over HTTP: an instrumented program's spans and log records.

They are written to a log.
"""
