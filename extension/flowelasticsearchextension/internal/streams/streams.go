// Package streams finds the data streams of an Elasticsearch and has them begin new
// indices. It needs no more of the server than the smallest distribution has.
package streams

import (
	"context"
	"net/http"
	"net/url"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/request"
)

// What the requests need, to name it where it is missing.
const (
	ViewMetadata = "the index privilege view_index_metadata"
	rollover     = "the index privileges monitor and manage_follow_index"
)

// Stream is a data stream.
type Stream struct {
	Name string
	// Indices are its backing indices; the last one is written to. There is at least one.
	Indices []string
}

// Written is the index that is written to.
func (s *Stream) Written() string { return s.Indices[len(s.Indices)-1] }

// Find finds the data streams of a name or a pattern.
func Find(ctx context.Context, transport esapi.Transport, pattern string) ([]Stream, error) {
	var answer struct {
		Streams []struct {
			Name    string
			Indices []string `json:"backing_indices"`
		} `json:"data_streams"`
	}
	err := request.Do(ctx, transport, request.Request{
		Method: http.MethodGet, Path: "/_resolve/index/" + url.PathEscape(pattern),
		What: "find data streams " + pattern, Privilege: ViewMetadata,
	}, &answer)
	if request.HasStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var streams []Stream
	for _, s := range answer.Streams {
		if len(s.Indices) > 0 {
			streams = append(streams, Stream(s))
		}
	}
	return streams, nil
}

// RollOver has a data stream start a new index, unless the one it has is empty, and
// tells whether it has done so. A lazy rollover, with the next document, would not do:
// when that comes, the disk may be fuller than it was when it was asked for.
func RollOver(ctx context.Context, transport esapi.Transport, name string) (bool, error) {
	var answer struct {
		Done bool `json:"rolled_over"`
	}
	err := request.Do(ctx, transport, request.Request{
		Method: http.MethodPost, Path: "/" + url.PathEscape(name) + "/_rollover", Body: []byte(`{"conditions":{"max_docs":1}}`),
		What: "roll over " + name, Privilege: rollover,
	}, &answer)
	return answer.Done, err
}
