"""Ship records to a ClickHouse database: its DDL, and inserts that are safe to repeat."""
