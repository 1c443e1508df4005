"""Statistics and numeric containers that know nothing of calls."""
