package flowaggregationprocessor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

const (
	// noteEvery is how often the ledger is written: so old is its count at a crash, at most.
	noteEvery = time.Second
	// ledgerKey is its key in the storage.
	ledgerKey = "ledger"
)

// ledger has in a storage extension how many records are in memory, so that the next start
// can tell what a crash took. Until it is opened with a storage it does nothing.
type ledger struct {
	client storage.Client
	logger *zap.Logger
	// written is what the storage has, failing whether the last try to change that failed.
	written page
	failing bool

	mu sync.Mutex
	// untold is what a crash took and no record has told of yet.
	untold held
	// observer is that of all records so far, observed that there were any; it is empty
	// where they differ.
	observer flow.Observer
	observed bool
}

// page is what the storage has.
type page struct {
	Held   held `json:"held"`
	Untold held `json:"untold"`
}

// held is records in memory.
type held struct {
	Records uint64 `json:"records"`
	// From is before the end of the first, To after that of the last, in nanoseconds since
	// the Unix epoch.
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// Host, Node and Cluster are the observer, where all have the same.
	Host    string `json:"host,omitempty"`
	Node    string `json:"node,omitempty"`
	Cluster string `json:"cluster,omitempty"`
}

// open opens the ledger of a component. What the instance before held when it ended is
// untold.
func (l *ledger) open(ctx context.Context, host component.Host, store *component.ID, self component.ID) error {
	if store == nil {
		return nil
	}
	extension, ok := host.GetExtensions()[*store]
	if !ok {
		return fmt.Errorf("storage: there is no extension %s: add it to service::extensions", store)
	}
	opener, ok := extension.(storage.Extension)
	if !ok {
		return fmt.Errorf("storage: extension %s does not store: name one that does, such as file_storage", store)
	}
	client, err := opener.GetClient(ctx, component.KindProcessor, self, "")
	if err != nil {
		return fmt.Errorf("storage: open %s: %w: a processor that has a storage can be in one pipeline only", store, err)
	}
	text, err := client.Get(ctx, ledgerKey)
	if err != nil {
		return errors.Join(fmt.Errorf("storage: read %s: %w", store, err), client.Close(ctx))
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &l.written); err != nil {
			l.logger.Warn("whether a crash took records is not known: the ledger cannot be read", zap.Error(err))
		}
	}
	l.client = client
	l.untold = l.written.Untold.and(l.written.Held)
	return nil
}

// and is what two crashes took.
func (h held) and(other held) held {
	switch {
	case h.Records == 0:
		return other
	case other.Records == 0:
		return h
	}
	sum := held{Records: h.Records + other.Records, From: min(h.From, other.From), To: max(h.To, other.To)}
	if h.Host == other.Host && h.Node == other.Node && h.Cluster == other.Cluster {
		sum.Host, sum.Node, sum.Cluster = h.Host, h.Node, h.Cluster
	}
	return sum
}

// loss is the record that tells of h.
func (h held) loss(id flow.ID) flow.Loss {
	return flow.Loss{
		ID: id, Start: h.From, End: h.To, Stage: flow.StageCrash, Unit: flow.UnitRecords, Count: h.Records,
		Observer: flow.Observer{Host: known(h.Host), Node: known(h.Node), Cluster: known(h.Cluster)},
	}
}

// known is a name that is not known if it is empty, as none of an observer is.
func known(name string) flow.Name {
	if name == "" {
		return flow.Name{}
	}
	return flow.Intern(name)
}

// observe takes in who observed records.
func (l *ledger) observe(resource pcommon.Map) {
	if l.client == nil {
		return
	}
	observer := flow.ObserverOf(resource)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.observed:
		l.observer, l.observed = observer, true
	case l.observer != observer:
		l.observer = flow.Observer{}
	}
}

// told notes that a record has told of what was untold.
func (l *ledger) told() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.untold = held{}
}

// write writes how many records are in memory, and when the first of them ended at the
// earliest. One goroutine at a time writes.
func (l *ledger) write(ctx context.Context, records uint64, from int64, now time.Time) {
	if l.client == nil {
		return
	}
	next := l.page(records, from, now)
	if next == l.written {
		return
	}
	text, err := json.Marshal(next)
	if err == nil {
		err = l.client.Set(ctx, ledgerKey, text)
	}
	switch {
	case err == nil:
		l.written = next
	case !l.failing:
		l.logger.Warn("what a crash would take is not noted: see to the storage", zap.Error(err))
	}
	l.failing = err != nil
}

func (l *ledger) page(records uint64, from int64, now time.Time) page {
	l.mu.Lock()
	defer l.mu.Unlock()
	if records == 0 {
		return page{Untold: l.untold}
	}
	return page{Untold: l.untold, Held: held{
		Records: records, From: from, To: max(from, now.UnixNano()),
		Host: l.observer.Host.String(), Node: l.observer.Node.String(), Cluster: l.observer.Cluster.String(),
	}}
}

// close closes the ledger.
func (l *ledger) close(ctx context.Context) error {
	if l.client == nil {
		return nil
	}
	err := l.client.Close(ctx)
	l.client = nil
	return err
}
