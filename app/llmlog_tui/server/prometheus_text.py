"""Prometheus text to a reading, by prometheus_client's parser; needs the extra `server`."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from llmlog_tui.server.exposition import NotPrometheusError, Reading, reading


def parse(body: bytes) -> Reading:
    """Return the reading of a Prometheus text. Raises NotPrometheusError."""
    try:
        families = text_string_to_metric_families(body.decode())
        values = [sample for family in families for sample in family.samples]
    except Exception as error:  # the parser raises whatever a line makes it stumble over
        raise NotPrometheusError("the answer is not Prometheus text") from error
    if not values:
        raise NotPrometheusError("the answer has no metrics")
    return reading(values)
