// Package duckdb keeps flow records in an embedded DuckDB database.
package duckdb
