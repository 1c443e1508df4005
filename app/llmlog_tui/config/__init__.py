"""Files on disk: settings, rules, memory and bookmarks."""
