//go:build linux

package flowdocuments

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

// PutTemplates puts the templates of the options, but for replicas: the server is alone.
func PutTemplates(tb testing.TB, client *elasticsearch.Client, o schema.Options) {
	tb.Helper()
	none := 0
	o.Replicas = &none
	templates, err := schema.Templates(&o)
	if err != nil {
		tb.Fatal(err)
	}
	for _, t := range templates {
		if err := client.Do(tb.Context(), http.MethodPut, t.Path, string(t.Body), nil); err != nil {
			tb.Fatal(err)
		}
	}
}

// Encode makes the documents of log records, in their order, up to the first of which none
// can be made.
func Encode(encoder *document.Encoder, logs plog.Logs, each func(target document.Target, doc []byte)) error {
	for _, resource := range logs.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				doc, target, err := encoder.Append(nil, resource.Resource(), record)
				if err != nil {
					return err
				}
				each(target, doc)
			}
		}
	}
	return nil
}

// Bulk is a request that creates documents; the zero Bulk has none.
type Bulk struct{ body bytes.Buffer }

// Add adds a document.
func (b *Bulk) Add(target document.Target, doc []byte) {
	fmt.Fprintf(&b.body, `{"create":{"_index":%q`, target.Stream)
	if target.ID != "" {
		fmt.Fprintf(&b.body, `,"_id":%q`, target.ID)
	}
	fmt.Fprintf(&b.body, "}}\n%s\n", doc)
}

// Len is the length of the body in bytes.
func (b *Bulk) Len() int { return b.body.Len() }

// Send sends the request, after which searches find the documents. An error is an
// *elasticsearch.StatusError of the first document that was not created, or why there was
// no answer.
func (b *Bulk) Send(ctx context.Context, client *elasticsearch.Client) error {
	var answer struct {
		Items []map[string]struct {
			Status int
			Error  json.RawMessage
		}
	}
	if err := client.Do(ctx, http.MethodPost, "/_bulk?require_data_stream=true&refresh=true", b.body.String(), &answer); err != nil {
		return err
	}
	for _, item := range answer.Items {
		if created := item["create"]; created.Status != http.StatusCreated {
			return &elasticsearch.StatusError{Status: created.Status, Body: string(created.Error)}
		}
	}
	return nil
}
