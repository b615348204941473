// Package bytesize reads numbers of bytes of a configuration.
package bytesize

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes that is written with a unit: 2GiB, 500MB, 4096.
type Size uint64

// units are ordered so that String finds the largest binary unit first.
var units = []struct {
	name  string
	bytes uint64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1},
}

// UnmarshalText reads a whole number with an optional unit; case and a space
// between them do not matter.
func (s *Size) UnmarshalText(text []byte) error {
	number := strings.TrimSpace(string(text))
	factor := uint64(1)
	for _, unit := range units {
		if n := len(number) - len(unit.name); n > 0 && strings.EqualFold(number[n:], unit.name) {
			number, factor = strings.TrimSpace(number[:n]), unit.bytes
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || n > math.MaxInt64/factor {
		return fmt.Errorf("%q is not a size: write a whole number with a unit, like 2GiB, 500MB or 4096", text)
	}
	*s = Size(n * factor)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String prints the size with the largest binary unit that leaves it whole.
func (s Size) String() string {
	for _, unit := range units[:4] {
		if s != 0 && uint64(s)%unit.bytes == 0 {
			return strconv.FormatUint(uint64(s)/unit.bytes, 10) + unit.name
		}
	}
	return strconv.FormatUint(uint64(s), 10) + "B"
}
