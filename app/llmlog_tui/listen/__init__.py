"""Receiver of OTLP over HTTP: spans and log records of any instrumented program, as a log."""
