package reader

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/request"
)

// answer is that of a search.
type answer struct {
	PIT    string `json:"pit_id"`
	Shards struct {
		Total int `json:"total"`
	} `json:"_shards"`
	Hits struct {
		Total struct {
			Value uint64 `json:"value"`
		} `json:"total"`
		Hits []hit `json:"hits"`
	} `json:"hits"`
	Aggregations map[string]json.RawMessage `json:"aggregations"`
}

// hit is a document that was found.
type hit struct {
	Index  string                      `json:"_index"`
	ID     string                      `json:"_id"`
	SeqNo  int64                       `json:"_seq_no"`
	Source jsontext.Value              `json:"_source"`
	Sort   []jsontext.Value            `json:"sort"`
	Fields map[string][]jsontext.Value `json:"fields"`
}

// do asks and decodes the answer into into, unless that is nil. It reads the answer as it
// comes and only once: most of it are documents, which are left for a document.Decoder.
func (r *Reader) do(ctx context.Context, req request.Request, into any) error {
	return r.ask(ctx, req, func(body io.Reader) error {
		if into == nil {
			_, err := io.Copy(io.Discard, body)
			return err
		}
		return jsonv2.UnmarshalRead(body, into, asWritten)
	})
}

// decodeAnswer decodes a part of an answer that was left as it is.
func decodeAnswer(text []byte, into any) error {
	if err := jsonv2.Unmarshal(text, into, asWritten); err != nil {
		return fmt.Errorf("%w: %w", errAnswer, err)
	}
	return nil
}

// asWritten leaves out a check of Elasticsearch's own answers: whether an object has a name
// twice.
var asWritten = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// decode reads a document. What cannot be read of it is not known of the record.
func decode[T any](r *Reader, decoder *document.Decoder[T], h *hit, record *T) {
	if err := decoder.Decode(h.ID, h.Source, record); err != nil {
		r.options.Logger.Debug("a document cannot be read whole", zap.String("index", h.Index), zap.String("id", h.ID), zap.Error(err))
	}
}
