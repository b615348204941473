package document

import (
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// NotAFlow is the Type of a rejection by Append.
const NotAFlow = "not_a_flow"

// Rejection is a document that Elasticsearch refused, or a log record that Append did.
type Rejection struct {
	// Time is when it was refused.
	Time time.Time
	// Type and Message say why: the type and the reason of Elasticsearch's error, or NotAFlow
	// and the error of Append.
	Type, Message string
	// Target is where the document was meant to go; zero for a log record.
	Target Target
	// Original is the document, or the log record in a form that people can read.
	Original []byte
}

// AppendRejection appends the document of a rejection to dst and returns it with where it goes:
// the stream of rejected documents. It has the _id of the document that was refused, so that
// telling of it again does no harm.
func (e *Encoder) AppendRejection(dst []byte, r *Rejection) ([]byte, Target) {
	dst = append(dst, `{"@timestamp":"`...)
	dst = append(appendTime(dst, r.Time.UnixNano()), `",`...)
	for _, f := range [...]struct{ key, value string }{
		{schema.RejectedErrorType, r.Type}, {schema.RejectedMessage, r.Message}, {schema.RejectedOriginal, string(r.Original)},
		{schema.RejectedStream, r.Target.Stream}, {schema.RejectedID, r.Target.ID},
	} {
		if f.value != "" {
			dst = append(appendString(dst, f.key), ':')
			dst = append(appendString(dst, f.value), ',')
		}
	}
	return append(dst, e.rejected.constants...), Target{Stream: e.rejected.stream, ID: r.Target.ID}
}
