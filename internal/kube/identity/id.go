package identity

import "crypto/sha256"

// ID is what a pod or a container is known by, whatever form it is written in: a UID
// with dashes or without, the hash of a static pod's manifest, the id of a container.
// The zero ID is of nothing.
type ID [32]byte

// IDOf reads a UID or a container's id; what has not 32 or 64 hexadecimal digits, as UIDs
// need not have, becomes a hash. Empty text is the zero ID.
func IDOf(s string) ID {
	var id ID
	if s == "" {
		return id
	}
	digits := 0
	for i := range len(s) {
		n := nibble(s[i])
		switch {
		case s[i] == '-':
			continue
		case n == notHex || digits == 2*len(id):
			return sha256.Sum256([]byte(s))
		}
		id[digits/2] |= n << (4 * (1 - digits%2))
		digits++
	}
	if digits != len(id) && digits != 2*len(id) {
		return sha256.Sum256([]byte(s))
	}
	return id
}

const notHex = 0xff

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	default:
		return notHex
	}
}

// Known reports whether id is of anything.
func (id ID) Known() bool { return id != ID{} }

func (id ID) spread() uint64 { return mix(id[:16]) }
