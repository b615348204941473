package reader

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// place is after a document in the order of flows: by the end, newest first, then by the
// sequence number that the shard gave the document, then by index. Two documents can share
// all of these where an index has several shards, so IDs has those that were passed. Nothing
// in it changes while a document exists, so a place needs no view that is kept open.
type place struct {
	End   int64
	Seq   int64
	Index string
	IDs   []string
}

const (
	// maxShards is how many shards of one index may have a document in one place.
	maxShards = 64
	maxIndex  = 255 // bytes, Elasticsearch's own limit
	maxID     = 512 // as well
)

func (p *place) isZero() bool { return p.Index == "" }

// body is the search for documents from p on: first those that p has passed, which are in IDs.
func (p *place) body(end string, query object, size int) object {
	body := object{
		"size": size, "query": query, "track_total_hits": false,
		"sort": []object{
			{end: object{"order": "desc", "format": "strict_date_optional_time_nanos"}},
			{"_seq_no": "asc"},
			{"_index": "asc"},
		},
	}
	if !p.isZero() {
		body["search_after"] = []any{timeText(p.End), p.Seq, justBefore(p.Index)}
	}
	return body
}

// justBefore is less than name, and no name of an index lies between.
func justBefore(name string) string {
	last, size := utf8.DecodeLastRuneInString(name)
	rest := name[:len(name)-size]
	if last == 0 {
		return rest
	}
	return rest + string(last-1) + string(utf8.MaxRune)
}

// placeOf is where one document is.
func placeOf(h *hit) (place, error) {
	p := place{Index: h.Index, IDs: []string{h.ID}}
	var end string
	if len(h.Sort) != 3 || json.Unmarshal(h.Sort[0], &end) != nil || json.Unmarshal(h.Sort[1], &p.Seq) != nil {
		return place{}, fmt.Errorf("%w: %s is sorted by %s", errAnswer, h.ID, h.Sort)
	}
	at, err := time.Parse(time.RFC3339Nano, end)
	if err != nil {
		return place{}, fmt.Errorf("%w: %w", errAnswer, err)
	}
	p.End = at.UnixNano()
	return p, nil
}

// errAnswer is for what Elasticsearch was not asked for.
var errAnswer = fmt.Errorf("%w: Elasticsearch's answer cannot be read", flowstore.ErrUnavailable)

// with reports whether one document shares the place.
func (p *place) with(one place) bool {
	return one.End == p.End && one.Seq == p.Seq && one.Index == p.Index
}

// passed reports whether one document that was found from p on is one of those that p has
// passed.
func (p *place) passed(one place) bool { return p.with(one) && slices.Contains(p.IDs, one.IDs[0]) }

// move goes on to the place of one document.
func (p *place) move(one place) {
	if p.with(one) {
		p.IDs = append(p.IDs, one.IDs[0])
		return
	}
	*p = one
}

func (p *place) cursor() flowstore.Cursor {
	text, err := json.Marshal(p)
	if err != nil { // numbers and text always marshal
		panic(err)
	}
	return flowstore.Cursor(base64.RawURLEncoding.EncodeToString(text))
}

// parsePlace reads a cursor, which a stranger may have made: any place is as good as another.
func parsePlace(c flowstore.Cursor) (place, error) {
	var p place
	if c.IsZero() {
		return p, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil || json.Unmarshal(text, &p) != nil {
		return place{}, flowstore.ErrCursor
	}
	tooLong := func(id string) bool { return len(id) > maxID }
	if p.End < 0 || p.Seq < 0 || p.Index == "" || len(p.Index) > maxIndex || len(p.IDs) > maxShards || slices.ContainsFunc(p.IDs, tooLong) {
		return place{}, flowstore.ErrCursor
	}
	return p, nil
}
