package flowstoreextension

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/collector/component/componentstatus"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowstoreextension/internal/duckdb"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// handle is the store that other components hold: it exists before the database
// is open and after it was closed, and watches how writing goes.
type handle struct {
	mu     sync.RWMutex
	store  *duckdb.Store
	report func(*componentstatus.Event)

	// failing is set while writes fail; its own lock keeps reports in order.
	statusMu sync.Mutex
	failing  bool
}

func (h *handle) open(store *duckdb.Store, report func(*componentstatus.Event)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.store, h.report = store, report
}

func (h *handle) close() error {
	h.mu.Lock()
	store := h.store
	h.store = nil
	h.mu.Unlock()
	if store == nil {
		return nil
	}
	return store.Close()
}

func (h *handle) get() (*duckdb.Store, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.store == nil {
		return nil, flowstore.ErrClosed
	}
	return h.store, nil
}

// Write implements flowstore.Writer.
func (h *handle) Write(ctx context.Context, batch *flow.Batch) error {
	store, err := h.get()
	if err != nil {
		return err
	}
	err = store.Write(ctx, batch)
	if ctx.Err() == nil && !errors.Is(err, flowstore.ErrClosed) {
		h.wrote(err)
	}
	return err
}

// wrote reports the component's status when it changes.
func (h *handle) wrote(err error) {
	h.statusMu.Lock()
	defer h.statusMu.Unlock()
	if failing := err != nil; failing != h.failing {
		h.failing = failing
		if failing {
			h.report(componentstatus.NewRecoverableErrorEvent(err))
		} else {
			h.report(componentstatus.NewEvent(componentstatus.StatusOK))
		}
	}
}

// Flows implements flowstore.Reader.
func (h *handle) Flows(ctx context.Context, q flowstore.FlowsQuery) (flowstore.FlowsPage, error) {
	store, err := h.get()
	if err != nil {
		return flowstore.FlowsPage{}, err
	}
	return store.Flows(ctx, q)
}

// Groups implements flowstore.Reader.
func (h *handle) Groups(ctx context.Context, q flowstore.GroupsQuery) (flowstore.Groups, error) {
	store, err := h.get()
	if err != nil {
		return flowstore.Groups{}, err
	}
	return store.Groups(ctx, q)
}

// Histogram implements flowstore.Reader.
func (h *handle) Histogram(ctx context.Context, q flowstore.HistogramQuery) ([]flowstore.Bucket, error) {
	store, err := h.get()
	if err != nil {
		return nil, err
	}
	return store.Histogram(ctx, q)
}

// Values implements flowstore.Reader.
func (h *handle) Values(ctx context.Context, q flowstore.ValuesQuery) ([]flowstore.ValueCount, error) {
	store, err := h.get()
	if err != nil {
		return nil, err
	}
	return store.Values(ctx, q)
}

// Losses implements flowstore.Reader.
func (h *handle) Losses(ctx context.Context, r flowstore.Range) ([]flow.Loss, error) {
	store, err := h.get()
	if err != nil {
		return nil, err
	}
	return store.Losses(ctx, r)
}

// Agents implements flowstore.Reader.
func (h *handle) Agents(ctx context.Context, since int64) ([][]flow.Agent, error) {
	store, err := h.get()
	if err != nil {
		return nil, err
	}
	return store.Agents(ctx, since)
}

// Stats implements flowstore.Reader.
func (h *handle) Stats(ctx context.Context) (flowstore.Stats, error) {
	store, err := h.get()
	if err != nil {
		return flowstore.Stats{}, err
	}
	return store.Stats(ctx)
}

// Watch implements flowstore.Watcher; without an open database it ends at once.
func (h *handle) Watch(ctx context.Context) <-chan flowstore.Event {
	store, err := h.get()
	if err != nil {
		events := make(chan flowstore.Event)
		close(events)
		return events
	}
	return store.Watch(ctx)
}
