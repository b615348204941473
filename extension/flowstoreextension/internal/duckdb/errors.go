package duckdb

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	driver "github.com/duckdb/duckdb-go/v2"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// errNewer marks a file that this build must not write.
var errNewer = errors.New("the file was written by a newer build")

// holder finds the pid in DuckDB's own complaint about a lock.
var holder = regexp.MustCompile(`PID (\d+)`)

// openError says what stands in the way of opening the file, and the cure.
func (s *Store) openError(err error) error {
	text := err.Error()
	switch {
	case errors.Is(err, errNewer):
		return fmt.Errorf("open store %s: %w", s.File(), err)
	case strings.Contains(text, "Could not set lock"):
		pid := ""
		if match := holder.FindStringSubmatch(text); match != nil {
			pid = match[1]
		}
		return inUse(s.File(), pid)
	case isFull(err):
		return fmt.Errorf("open store %s: %w: make room on the file system: %w", s.File(), flowstore.ErrFull, err)
	case isDamage(err):
		return fmt.Errorf("open store %s: the file is damaged: move it away to begin a new one, or put back a copy: %w", s.File(), err)
	default:
		return fmt.Errorf("open store %s: %w", s.File(), err)
	}
}

// failed wraps an error of the open database.
func (s *Store) failed(verb string, err error) error {
	switch {
	case isFull(err):
		return fmt.Errorf("%s store %s: %w: make room on the file system, or lower max_size: %w", verb, s.File(), flowstore.ErrFull, err)
	default:
		return fmt.Errorf("%s store %s: %w", verb, s.File(), err)
	}
}

// isFull tells a full disk by the text of the operating system's error, which is
// all that DuckDB passes on.
func isFull(err error) bool {
	text := err.Error()
	return strings.Contains(text, "No space left on device") || strings.Contains(text, "Disk quota exceeded")
}

// isDamage tells a file that DuckDB cannot make sense of.
func isDamage(err error) bool {
	var duck *driver.Error
	if !errors.As(err, &duck) {
		return false
	}
	switch duck.Type {
	case driver.ErrorTypeSerialization, driver.ErrorTypeInternal, driver.ErrorTypeFatal:
		return true
	default:
		return strings.Contains(duck.Msg, "not a valid DuckDB database") ||
			strings.Contains(duck.Msg, "Corrupt") || strings.Contains(duck.Msg, "checksum") ||
			strings.Contains(duck.Msg, "Failure while replaying WAL") ||
			strings.Contains(duck.Msg, "Could not read")
	}
}

// isFatal tells that DuckDB refuses all further work on the open file.
func isFatal(err error) bool {
	var duck *driver.Error
	return errors.As(err, &duck) &&
		(duck.Type == driver.ErrorTypeFatal || duck.Type == driver.ErrorTypeInternal || strings.Contains(duck.Msg, "database has been invalidated"))
}
