"""From bytes to a typed frame: sources, follow, parse, store. No Textual in here."""
