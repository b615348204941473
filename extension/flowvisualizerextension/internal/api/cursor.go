package api

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// A cursor is opaque to clients. Its first byte is a version, so that a change
// of what follows is an error instead of a wrong page.
const (
	cursorVersion = 1
	cursorSize    = 1 + 8 + 4 + 4 + 8
)

func formatCursor(c flowstore.Cursor) string {
	buf := make([]byte, 0, cursorSize)
	buf = append(buf, cursorVersion)
	buf = binary.BigEndian.AppendUint64(buf, uint64(c.End))
	buf = binary.BigEndian.AppendUint32(buf, c.ID.Node)
	buf = binary.BigEndian.AppendUint32(buf, c.ID.Epoch)
	buf = binary.BigEndian.AppendUint64(buf, c.ID.Counter)
	return base64.RawURLEncoding.EncodeToString(buf)
}

func parseCursor(s string) (flowstore.Cursor, error) {
	if s == "" {
		return flowstore.Cursor{}, nil
	}
	buf, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(buf) != cursorSize || buf[0] != cursorVersion {
		return flowstore.Cursor{}, badParameter("cursor", "%q is not a cursor: use next of the page before, or leave it out to start at the newest", s)
	}
	return flowstore.Cursor{
		End: int64(binary.BigEndian.Uint64(buf[1:])),
		ID: flow.ID{
			Node:    binary.BigEndian.Uint32(buf[9:]),
			Epoch:   binary.BigEndian.Uint32(buf[13:]),
			Counter: binary.BigEndian.Uint64(buf[17:]),
		},
	}, nil
}
