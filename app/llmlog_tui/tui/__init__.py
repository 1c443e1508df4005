"""The dashboard: renders results of analysis, computes none outside `workers`."""
