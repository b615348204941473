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
	d := draft{buf: append(dst, e.rejected.root.open...), in: e.rejected.root}
	for i := range e.rejected.fields {
		f := &e.rejected.fields[i]
		switch value := r.value(e.rejected.paths[i]); {
		case f.made == constantly:
			d.enter(f.in)
		case f.made == timestamp:
			d.time(f, r.Time.UnixNano())
		case value != "":
			d.buf = appendString(d.begin(f), value)
		}
	}
	d.close(e.rejected.root)
	return d.buf, Target{Stream: e.rejected.stream, ID: r.Target.ID}
}

// value is that of a field, or "" where it has none.
func (r *Rejection) value(path string) string {
	switch path {
	case schema.RejectedErrorType:
		return r.Type
	case schema.RejectedMessage:
		return r.Message
	case schema.RejectedOriginal:
		return string(r.Original)
	case schema.RejectedStream:
		return r.Target.Stream
	case schema.RejectedID:
		return r.Target.ID
	default:
		return ""
	}
}
