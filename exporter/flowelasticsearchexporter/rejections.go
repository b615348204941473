package flowelasticsearchexporter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/bulk"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// maxOriginal is how many bytes are told of a document that was too large.
const maxOriginal = 4096

// rejections are documents that tell of rejected ones.
type rejections struct {
	batch   bulk.Batch
	reasons []string // of each, as metrics have it
}

func (r *rejections) reset() {
	r.batch.Reset()
	clear(r.reasons)
	r.reasons = r.reasons[:0]
}

// addDocument tells of a document that the server will not have.
func (r *rejections) addDocument(encoder *document.Encoder, from *bulk.Batch, e *bulk.Entry) {
	original, message := from.Document(e), e.Result.Reason
	if e.Result.Verdict == bulk.TooLarge && len(original) > maxOriginal {
		original = original[:maxOriginal]
		message = fmt.Sprintf("%s; only its first %d bytes are kept", message, maxOriginal)
	}
	r.add(encoder, &document.Rejection{
		Type: e.Result.Type, Message: message, Original: original,
		Target: document.Target{Stream: e.Stream, ID: e.ID},
	}, e.Record)
}

// addRecord tells of a flow record that cannot be a document.
func (r *rejections) addRecord(encoder *document.Encoder, record plog.LogRecord, cause error, number int) {
	logs := plog.NewLogs()
	record.CopyTo(logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty())
	original, err := new(plog.JSONMarshaler).MarshalLogs(logs)
	if err != nil {
		cause = errors.Join(cause, err)
	}
	rejection := &document.Rejection{Type: document.NotAFlow, Message: cause.Error(), Original: original}
	if value, found := record.Attributes().Get("flow.id"); found {
		if id, err := flow.ParseID(value.AsString()); err == nil {
			rejection.Target.ID = id.String()
		}
	}
	r.add(encoder, rejection, number)
}

func (r *rejections) add(encoder *document.Encoder, rejection *document.Rejection, record int) {
	rejection.Time = time.Now()
	grown, target := encoder.AppendRejection(r.batch.Buffer(), rejection)
	r.batch.Add(grown, target.Stream, target.ID, record)
	r.reasons = append(r.reasons, reason(rejection.Type))
}

// reason is a type of errors as metrics have it: they take no text that anybody may make up.
func reason(kind string) string {
	if kind == "" || len(kind) > 64 {
		return "other"
	}
	for _, c := range kind {
		if (c < 'a' || c > 'z') && c != '_' {
			return "other"
		}
	}
	return kind
}

// bury sends the documents that tell of rejected ones to their data stream. Those that it
// will not have either go to the file, and what cannot be kept anywhere is pushed again, to
// be rejected again: until then nothing is lost.
func (d *delivery) bury(ctx context.Context) {
	batch := &d.rejected.batch
	if len(batch.Entries()) == 0 {
		return
	}
	var report bulk.Report
	if !d.down {
		report = d.sender.Send(ctx, batch)
	}
	for i := range batch.Entries() {
		e, reason := &batch.Entries()[i], d.rejected.reasons[i]
		switch e.Result.Verdict {
		case bulk.Stored, bulk.Duplicate, bulk.Diverted:
			d.buried(ctx, "dead_letter", reason)
		case bulk.Pending, bulk.Busy:
			d.retry(e.Record)
		default:
			if err := d.putAside(batch, e); err != nil {
				d.fail(err)
				d.retry(e.Record)
				continue
			}
			d.buried(ctx, "dead_letter_file", reason)
		}
	}
	d.note(report) // after what fail has said, which tells more
	d.rejected.reset()
}

func (d *delivery) buried(ctx context.Context, outcome, reason string) {
	d.telemetry.Documents.Add(ctx, 1, metric.WithAttributes(attribute.String("outcome", outcome)))
	d.telemetry.Rejected.Add(ctx, 1, metric.WithAttributes(attribute.String("reason", reason)))
}

// putAside writes a document to the file that the data stream would not have.
func (d *delivery) putAside(batch *bulk.Batch, e *bulk.Entry) error {
	if d.file == nil {
		return fmt.Errorf("a document was rejected and %s, which is to tell of it, does not: status %d: %s: see to the data stream, or set dead_letter::file",
			e.Stream, e.Result.Status, e.Result.Type)
	}
	return d.file.Write(batch.Document(e))
}
