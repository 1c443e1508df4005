"""Logs in a ClickHouse table: address, client, schema, inserts; needs the extra `clickhouse`."""
