"""Redaction of secrets and personal data, by rules for text and for names."""
