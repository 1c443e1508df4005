"""What is kept on disk: settings, rules, memory and bookmarks."""
