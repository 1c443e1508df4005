"""Summaries built from several answers: stats, KPIs, trends, bundles."""
