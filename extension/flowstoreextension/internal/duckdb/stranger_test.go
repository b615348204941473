package duckdb

import (
	"database/sql"
	"strings"
	"time"
)

// readAsStranger reads a few columns of the view that is meant for people.
func readAsStranger(file string) (string, error) {
	db, err := sql.Open("duckdb", file+"?access_mode=read_only")
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	rows, err := db.Query(`SELECT "flow.id", "source.address", "flow.end" FROM flows`)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for rows.Next() {
		var (
			id      string
			address sql.NullString
			end     time.Time
		)
		if err := rows.Scan(&id, &address, &end); err != nil {
			return "", err
		}
		out.WriteString(id + "|" + address.String + "|" + end.UTC().Format(time.RFC3339Nano) + "\n")
	}
	return out.String(), rows.Err()
}
