"""Text and glyphs built from analysis results."""
