package flowstore

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Cursor is a place in the order of a store's records, as text that only the store can
// read: printable ASCII of at most MaxCursor bytes. The zero Cursor is the beginning. It
// may have been in strangers' hands: a store that cannot read one returns ErrCursor, and
// shows nobody what it would not show without.
type Cursor string

// MaxCursor is the length of the longest Cursor in bytes.
const MaxCursor = 4096

// IsZero reports whether c is the beginning.
func (c Cursor) IsZero() bool { return c == "" }

// ErrCursor is the error for a Cursor that is not the store's; it is an ErrQuery.
var ErrCursor = fmt.Errorf("%w: the cursor is not one of this store: use that of the page before, or begin at the newest", ErrQuery)

// Place is after the record with this end and ID, in an order by end, newest first, and
// then by ID, smallest first. Stores that keep that order make their cursors of it.
type Place struct {
	End int64
	ID  flow.ID
}

const (
	placeVersion = 1 // the first byte, so that a change of what follows is an error, not a wrong page
	placeSize    = 1 + 8 + 4 + 4 + 8
)

// Cursor prints p.
func (p Place) Cursor() Cursor {
	buf := make([]byte, 0, placeSize)
	buf = append(buf, placeVersion)
	buf = binary.BigEndian.AppendUint64(buf, uint64(p.End))
	buf = binary.BigEndian.AppendUint32(buf, p.ID.Node)
	buf = binary.BigEndian.AppendUint32(buf, p.ID.Epoch)
	buf = binary.BigEndian.AppendUint64(buf, p.ID.Counter)
	return Cursor(base64.RawURLEncoding.EncodeToString(buf))
}

// Place is the inverse of Place.Cursor, for a Cursor that is not zero.
func (c Cursor) Place() (Place, error) {
	buf, err := base64.RawURLEncoding.Strict().DecodeString(string(c))
	if err != nil || len(buf) != placeSize || buf[0] != placeVersion {
		return Place{}, ErrCursor
	}
	p := Place{
		End: int64(binary.BigEndian.Uint64(buf[1:])),
		ID: flow.ID{
			Node:    binary.BigEndian.Uint32(buf[9:]),
			Epoch:   binary.BigEndian.Uint32(buf[13:]),
			Counter: binary.BigEndian.Uint64(buf[17:]),
		},
	}
	if p.Cursor() != c { // the decoder passes over ends of lines
		return Place{}, ErrCursor
	}
	return p, nil
}
