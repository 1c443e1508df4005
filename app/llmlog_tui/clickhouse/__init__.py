"""Client of a ClickHouse server: table addresses, login, queries, errors; extra `clickhouse`."""
