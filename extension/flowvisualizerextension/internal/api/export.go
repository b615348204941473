package api

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

const (
	contentTypeCSV    = "text/csv"
	contentTypeNDJSON = "application/x-ndjson"

	defaultExport = 100_000
	maxExport     = 10_000_000
	// exportPage keeps an export's memory to a few megabytes.
	exportPage = 2000
)

// recordWriter writes records in one format.
type recordWriter interface {
	begin() error
	// page writes records and passes on what it has buffered.
	page(flows []flow.Flow) error
}

func (h *Handler) flowsCSV(w http.ResponseWriter, r *http.Request, p params) error {
	return h.export(w, r, p, contentTypeCSV+"; charset=utf-8", "csv", newCSV(w))
}

func (h *Handler) flowsNDJSON(w http.ResponseWriter, r *http.Request, p params) error {
	return h.export(w, r, p, contentTypeNDJSON, "ndjson", &ndjsonWriter{w: w})
}

// export streams the records page by page. Once the answer has begun an error
// can only be shown by breaking the connection off.
func (h *Handler) export(w http.ResponseWriter, r *http.Request, p params, contentType, extension string, out recordWriter) error {
	q, err := p.flowsQuery(defaultExport, maxExport)
	if err != nil {
		return err
	}
	left := q.Limit
	page, err := h.exportPage(r.Context(), &q, left)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="flows-%s.%s"`, p.now.UTC().Format("20060102T150405Z"), extension))
	if r.Method == http.MethodHead {
		return nil
	}
	rc := http.NewResponseController(w)
	if err := out.begin(); err != nil {
		return nil //nolint:nilerr // the client is gone
	}
	for {
		extendWrite(rc)
		if out.page(page.Flows) != nil || rc.Flush() != nil {
			return nil
		}
		left -= len(page.Flows)
		if left <= 0 || page.Next.IsZero() {
			return nil
		}
		q.After = page.Next
		if page, err = h.exportPage(r.Context(), &q, left); err != nil {
			if r.Context().Err() == nil {
				h.logger.Error("An export of flows was broken off.", zap.Error(err))
			}
			panic(http.ErrAbortHandler)
		}
	}
}

// exportPage asks for the next page of at most left records.
func (h *Handler) exportPage(ctx context.Context, q *flowstore.FlowsQuery, left int) (page flowstore.FlowsPage, err error) {
	q.Limit = min(left, exportPage)
	err = h.ask(ctx, func(ctx context.Context) (err error) {
		page, err = h.store.Flows(ctx, *q)
		return err
	})
	return page, err
}

// extendWrite gives the client writeGrace from now on. Without it the server's
// write timeout, which covers a whole answer, would end long ones. A writer
// without deadlines, as in tests, has nothing to extend.
func extendWrite(rc *http.ResponseController) { _ = rc.SetWriteDeadline(time.Now().Add(writeGrace)) }

type ndjsonWriter struct {
	w   io.Writer
	buf []byte
}

func (n *ndjsonWriter) begin() error { return nil }

func (n *ndjsonWriter) page(flows []flow.Flow) error {
	n.buf = n.buf[:0]
	for i := range flows {
		n.buf = append(appendFlow(n.buf, &flows[i]), '\n')
	}
	_, err := n.w.Write(n.buf)
	return err
}

// csvWriter writes a column for every attribute, also for those that no record
// has, so that files can be joined.
type csvWriter struct {
	w   *csv.Writer
	row []string
}

func newCSV(w io.Writer) *csvWriter {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return &csvWriter{w: out, row: make([]string, len(flow.Flows.Fields()))}
}

func (c *csvWriter) begin() error {
	for i, f := range flow.Flows.Fields() {
		c.row[i] = f.Name
	}
	return c.w.Write(c.row)
}

func (c *csvWriter) page(flows []flow.Flow) error {
	fields := flow.Flows.Fields()
	for i := range flows {
		for column := range fields {
			c.row[column] = cell(fields[column].Get(&flows[i]))
		}
		if err := c.w.Write(c.row); err != nil {
			return err
		}
	}
	c.w.Flush()
	return c.w.Error()
}

// cell prints v for a spreadsheet. Names of processes and the like come from
// whoever runs them; a spreadsheet would run one that looks like a formula, so
// those get an apostrophe in front.
func cell(v flow.Value) string {
	if v.Type == flow.Time {
		return printTime(v.Int)
	}
	s := v.String()
	if v.Type != flow.Keyword && v.Type != flow.Keywords && v.Type != flow.Map || s == "" {
		return s
	}
	switch s[0] {
	case '=', '+', '-', '@', '\t', '\r', '\n':
		return "'" + s
	default:
		return s
	}
}
