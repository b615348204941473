package flowelasticsearchextension

import (
	"context"
	"errors"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/recycle"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// recyclingTelemetry is about what is kept and what is deleted.
type recyclingTelemetry struct {
	indices, bytes, documents metric.Int64Counter // deleted
	rolledOver, failed        metric.Int64Counter

	state                                      metric.Int64ObservableGauge
	keptBytes, keptIndices, wouldGo, wouldFree metric.Int64ObservableGauge
	oldest, disk                               metric.Float64ObservableGauge

	last atomic.Pointer[recycleState] // nil before the first round
}

// recycleState is that of a server when it was last looked at.
type recycleState struct {
	succeeded bool
	// seen is false if the server could not be looked at.
	seen    bool
	picture recycle.Picture
	would   []recycle.Step
}

func newRecyclingTelemetry(meter metric.Meter) (*recyclingTelemetry, error) {
	t := &recyclingTelemetry{}
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	counter := func(name, unit, about string) metric.Int64Counter {
		c, err := meter.Int64Counter("otelcol_flow_elasticsearch_"+name, metric.WithUnit(unit), metric.WithDescription(about))
		note(err)
		return c
	}
	gauge := func(name, unit, about string) metric.Int64ObservableGauge {
		g, err := meter.Int64ObservableGauge("otelcol_flow_elasticsearch_"+name, metric.WithUnit(unit), metric.WithDescription(about))
		note(err)
		return g
	}
	fraction := func(name, unit, about string) metric.Float64ObservableGauge {
		g, err := meter.Float64ObservableGauge("otelcol_flow_elasticsearch_"+name, metric.WithUnit(unit), metric.WithDescription(about))
		note(err)
		return g
	}
	t.indices = counter("recycled_indices", "{index}", "Indices deleted.")
	t.bytes = counter("recycled_bytes", "By", "Bytes of the indices deleted, copies included.")
	t.documents = counter("recycled_documents", "{document}", "Documents of the indices deleted.")
	t.rolledOver = counter("recycle_rollovers", "{rollover}", "Data streams that began a new index, so that the old one can go.")
	t.failed = counter("recycle_failures", "{failure}", "Rounds of recycling that ended with an error, or beyond a limit.")
	t.state = gauge("recycle_state", "1", "1 if the last round succeeded and all limits are kept, else 0.")
	t.keptBytes = gauge("kept_bytes", "By", "Bytes of the data streams, copies included.")
	t.keptIndices = gauge("kept_indices", "{index}", "Backing indices of the data streams.")
	t.wouldGo = gauge("recycle_dry_run_indices", "{index}", "Indices that the last round would have deleted but for the dry run.")
	t.wouldFree = gauge("recycle_dry_run_bytes", "By", "Bytes of the indices that the last round would have deleted but for the dry run.")
	t.oldest = fraction("oldest_index_age", "s", "How long ago the oldest index began: no document is older.")
	t.disk = fraction("disk_use", "1", "Share of a node's disk that is used.")
	return t, errors.Join(errs...)
}

func (t *recyclingTelemetry) observed() []metric.Observable {
	return []metric.Observable{t.state, t.keptBytes, t.keptIndices, t.wouldGo, t.wouldFree, t.oldest, t.disk}
}

func (t *recyclingTelemetry) forget() { t.last.Store(nil) }

// round takes what a round did; trouble is what keeps the limits from being kept.
func (t *recyclingTelemetry) round(result *recycle.Result, trouble error, dryRun bool) {
	ctx := context.Background()
	for _, s := range result.Deleted {
		of := metric.WithAttributes(classOf(s.Class), attribute.String("reason", string(s.Reason)))
		t.indices.Add(ctx, 1, of)
		t.bytes.Add(ctx, s.Index.Size(), of)
		t.documents.Add(ctx, s.Index.Documents, of)
	}
	for _, s := range result.RolledOver {
		t.rolledOver.Add(ctx, 1, metric.WithAttributes(classOf(s.Class), attribute.String("reason", string(s.Reason))))
	}
	if trouble != nil {
		t.failed.Add(ctx, 1)
	}
	state := &recycleState{succeeded: trouble == nil, seen: !result.Picture.Now.IsZero(), picture: result.Picture}
	if dryRun {
		state.would = result.Plan.Delete
	}
	t.last.Store(state)
}

// observe tells of the last round. Streams and disks are left out if it could not see them.
func (t *recyclingTelemetry) observe(o metric.Observer) {
	last := t.last.Load()
	if last == nil {
		return
	}
	o.ObserveInt64(t.state, oneIf(last.succeeded))
	if !last.seen {
		return
	}
	for _, n := range last.picture.Nodes {
		o.ObserveFloat64(t.disk, float64(n.Used)/float64(n.Total), metric.WithAttributes(attribute.String("node", n.Name)))
	}
	for _, class := range schema.Classes() {
		t.observeClass(o, last, class)
	}
}

func (t *recyclingTelemetry) observeClass(o metric.Observer, last *recycleState, class schema.Class) {
	of := metric.WithAttributes(classOf(class))
	var kept recycle.Usage
	for _, s := range last.picture.Streams {
		if s.Class == class {
			kept.Add(&s)
		}
	}
	o.ObserveInt64(t.keptBytes, kept.Bytes, of)
	o.ObserveInt64(t.keptIndices, kept.Indices, of)
	if !kept.Oldest.IsZero() {
		o.ObserveFloat64(t.oldest, last.picture.Now.Sub(kept.Oldest).Seconds(), of)
	}
	var indices, bytes int64
	for _, s := range last.would {
		if s.Class == class {
			indices++
			bytes += s.Index.Size()
		}
	}
	o.ObserveInt64(t.wouldGo, indices, of)
	o.ObserveInt64(t.wouldFree, bytes, of)
}

func classOf(c schema.Class) attribute.KeyValue { return attribute.String("class", c.String()) }
