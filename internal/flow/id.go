package flow

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ID names one record for good: it is given when the record is made and kept
// through queues, gateways and retries, so that a store can tell a retry from a
// new record. Its parts go from coarse to fine, which lets a column store or an
// index share prefixes.
type ID struct {
	// Node is a hash of the observer's name and machine id.
	Node uint32
	// Epoch is when the agent started, in seconds since the Unix epoch.
	Epoch uint32
	// Counter counts the records of one epoch from 1.
	Counter uint64
}

// IsZero reports whether no ID was given.
func (id ID) IsZero() bool { return id == ID{} }

// String prints the ID as three hexadecimal numbers with hyphens between, or ""
// when it is zero.
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	buf := make([]byte, 0, 34)
	buf = strconv.AppendUint(buf, uint64(id.Node), 16)
	buf = append(buf, '-')
	buf = strconv.AppendUint(buf, uint64(id.Epoch), 16)
	buf = append(buf, '-')
	buf = strconv.AppendUint(buf, id.Counter, 16)
	return string(buf)
}

// ParseID is the inverse of String.
func ParseID(s string) (ID, error) {
	if s == "" {
		return ID{}, nil
	}
	node, rest, _ := strings.Cut(s, "-")
	epoch, counter, _ := strings.Cut(rest, "-")
	n, ok1 := parseHex(node, math.MaxUint32)
	e, ok2 := parseHex(epoch, math.MaxUint32)
	c, ok3 := parseHex(counter, math.MaxUint64)
	if !ok1 || !ok2 || !ok3 {
		return ID{}, fmt.Errorf("parse flow id %q: want node-epoch-counter in hexadecimal", s)
	}
	return ID{Node: uint32(n), Epoch: uint32(e), Counter: c}, nil
}

// parseHex reads a number of up to most, which has all bits set. It takes little more than half the time of
// strconv.ParseUint, and every record that is stored or sent has an id.
func parseHex(s string, most uint64) (n uint64, ok bool) {
	for i := range len(s) {
		digit := s[i]
		switch {
		case digit >= '0' && digit <= '9':
			digit -= '0'
		case digit >= 'a' && digit <= 'f':
			digit -= 'a' - 10
		case digit >= 'A' && digit <= 'F':
			digit -= 'A' - 10
		default:
			return 0, false
		}
		if n > most>>4 {
			return 0, false
		}
		n = n<<4 | uint64(digit)
	}
	return n, s != ""
}
