"""SQL predicates and queries over records, and their completion."""
