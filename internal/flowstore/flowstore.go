// Package flowstore is the contract between those who keep flow records and
// those who write or read them: exporters write, the Flow Visualizer reads, and
// neither knows which store answers. Every store passes the suite in
// internal/flowstore/flowstoretest.
package flowstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

// Store keeps records and tells of them. All methods are safe for concurrent use.
type Store interface {
	Writer
	Source
}

// Source is what those need who look at records. All methods are safe for concurrent
// use.
type Source interface {
	Reader
	Watcher
}

// CallerSource is a Source that may answer by who asks.
type CallerSource interface {
	Source
	// AsCaller reports whether it asks where the records are with the login in the
	// context's client.Info, so that each sees what they may, and who has none is not let in.
	AsCaller() bool
}

// AsCaller reports whether s decides by who asks what they see.
func AsCaller(s Source) bool {
	c, ok := s.(CallerSource)
	return ok && c.AsCaller()
}

// Writer takes records in.
type Writer interface {
	// Write stores the batch as a whole or not at all. When it returns nil the
	// records survive a crash of the process. A record with an ID that is stored
	// already is passed over, so a batch may be written again after an error or
	// a restart without counting anything twice. A record without an ID gets one
	// from the store, so it is always new. Text that is not UTF-8 is kept with
	// U+FFFD in place of what is not. The batch stays the caller's.
	//
	// ErrFull and ErrClosed are wrapped where they apply; any other error may go
	// away by itself.
	Write(ctx context.Context, batch *flow.Batch) error
}

// Reader answers questions about what is stored. Every method returns the
// context's error soon after the context is done.
type Reader interface {
	// Flows returns records in order of their end, newest first; among those of one end
	// in an order that the store keeps to. Paging visits every record once that was
	// stored before the first page and not deleted since.
	Flows(ctx context.Context, q FlowsQuery) (FlowsPage, error)
	// Groups adds records up by the values of some fields.
	Groups(ctx context.Context, q GroupsQuery) (Groups, error)
	// Histogram adds records up by time.
	Histogram(ctx context.Context, q HistogramQuery) ([]Bucket, error)
	// Values lists the values of a field, the most frequent first.
	Values(ctx context.Context, q ValuesQuery) ([]ValueCount, error)
	// Losses lists the losses that overlap the range, newest end first, then by ID,
	// smallest first.
	Losses(ctx context.Context, r Range) ([]flow.Loss, error)
	// Agents returns for each observer of whom there are signs of life since a time, in
	// nanoseconds since the Unix epoch, the newest of them, at most two, the newest first;
	// observers go by host, node, cluster. It is asked often, and of most signs nothing is
	// asked but how old they are.
	Agents(ctx context.Context, since int64) ([][]flow.Agent, error)
	// Stats describes the store itself.
	Stats(ctx context.Context) (Stats, error)
}

// Watcher tells of records as they are stored.
type Watcher interface {
	// Watch returns a channel on which every record arrives that is stored from now
	// on, once and soon after, in batches of the store's making, until ctx is done or
	// the store closes; then the channel is closed. A watcher that does not keep up
	// misses batches and is told how many records that were by the next Event. The
	// batches are shared: readers must not change them.
	Watch(ctx context.Context) <-chan Event
}

// Event is a batch of records that were stored.
type Event struct {
	Batch *flow.Batch
	// Missed counts records that were stored since the last event but not sent.
	Missed int
}

// The errors that callers tell apart.
var (
	// ErrFull: the store's disk or its own limit has no room. Writing again later
	// may succeed; until then nothing is stored.
	ErrFull = errors.New("the store is full")
	// ErrClosed: the store is not open, or no longer.
	ErrClosed = errors.New("the store is closed")
	// ErrQuery: the question cannot be answered as asked; asking again is no use.
	ErrQuery = errors.New("bad query")
	// ErrUnauthenticated: who asks did not say who they are, or not so that the store
	// believes it.
	ErrUnauthenticated = errors.New("the store does not know who asks")
	// ErrForbidden: who asks may not see what they ask for.
	ErrForbidden = errors.New("the store does not let them see this")
	// ErrUnavailable: the store's server cannot be reached, or has too much to do. Asking
	// again later may succeed.
	ErrUnavailable = errors.New("the store cannot be asked now")
)

// Range is the time [From, To), in nanoseconds since the Unix epoch. A record
// lies in it when its end does.
type Range struct{ From, To int64 }

// View says which reports of a connection are looked at.
type View uint8

// The views. Once takes each connection once, by (*flow.Flow).CountsOnce.
const (
	Once View = iota
	AllReports
	SourceReports
	DestinationReports
	ForwardReports
)

// ParseView reads a view by the name that the HTTP API gives it.
func ParseView(s string) (View, error) {
	switch s {
	case "", "once":
		return Once, nil
	case "all":
		return AllReports, nil
	case "source":
		return SourceReports, nil
	case "destination":
		return DestinationReports, nil
	case "forward":
		return ForwardReports, nil
	default:
		return 0, fmt.Errorf("unknown reporter %q: use once, source, destination, forward or all", s)
	}
}

// Includes reports whether the view takes f.
func (v View) Includes(f *flow.Flow) bool {
	switch v {
	case AllReports:
		return true
	case SourceReports:
		return f.Reporter == flow.ReporterSource
	case DestinationReports:
		return f.Reporter == flow.ReporterDestination
	case ForwardReports:
		return f.Reporter == flow.ReporterForward
	default:
		return f.CountsOnce()
	}
}

// Selection picks the records that a query is about.
type Selection struct {
	Range  Range
	Filter filter.Expr // nil matches every record
	View   View
}

// Includes reports whether the selection takes f; it is the definition that
// stores are tested against.
func (s *Selection) Includes(f *flow.Flow) bool {
	return f.End >= s.Range.From && f.End < s.Range.To && s.View.Includes(f) &&
		(s.Filter == nil || s.Filter.Match(f))
}

// FlowsQuery asks for records.
type FlowsQuery struct {
	Selection
	// Limit is the page's size, from 1 to MaxPage.
	Limit int
	// After is Next of the page before this one; the zero Cursor starts at the newest.
	After Cursor
}

// Check returns an ErrQuery for a page of no possible size.
func (q *FlowsQuery) Check() error {
	if q.Limit < 1 || q.Limit > MaxPage {
		return fmt.Errorf("%w: the limit is %d: use 1 to %d", ErrQuery, q.Limit, MaxPage)
	}
	return nil
}

// MaxPage is the most records that one FlowsQuery returns.
const MaxPage = 10_000

// FlowsPage is a page of records.
type FlowsPage struct {
	// Flows are at most as many as were asked for; fewer do not mean that it is the last
	// page.
	Flows []flow.Flow
	// Next continues after the page; it is zero when nothing follows.
	Next Cursor
}

// GroupsQuery asks for sums.
type GroupsQuery struct {
	Selection
	// By names the dimensions to group by, in the order of the key; a field of
	// another role is ErrQuery. None makes one group of everything, also of nothing.
	// A list is one value, so that no record is in two groups.
	By []*flow.Field[flow.Flow]
	// Sort is what the largest groups are chosen by; the zero Sort is bytes.
	Sort Sort
	// Limit is how many groups are returned, at least 1.
	Limit int
}

// Sort orders groups, largest first; ties go by key, smallest first, an absent
// value before any other.
type Sort struct {
	Measure Measure
	// Counter is the field to sort by when Measure is MeasureCounter.
	Counter *flow.Field[flow.Flow]
}

// Measure is something that groups can be ordered by.
type Measure uint8

// The measures. Bytes and packets add both sides; connections are those started,
// because one that lasts is seen in the record of every interval.
const (
	MeasureBytes Measure = iota
	MeasurePackets
	MeasureConnections
	MeasureDenied
	MeasureCounter
)

// Groups is the answer to a GroupsQuery.
type Groups struct {
	Groups []Group
	// Total adds up all groups, also those beyond the limit; its Key is empty.
	Total Group
	// Count is how many groups there are, also beyond the limit.
	Count int
}

// Group is the sum of the records that share a key.
type Group struct {
	// Key has one Value for each field of the query's By; not Present where the
	// records lack the attribute.
	Key []flow.Value
	// Records is how many there were.
	Records uint64
	// Sum adds the records' counters up, as (*flow.Flow).Merge does; only its
	// counters, Start, End and the extremes of its TCP mean anything. Start and End may
	// be cut to the millisecond, and counters above 2^53 to 16 digits. Connections.Open is
	// not summed.
	Sum flow.Flow
	// Denied adds Connections.Seen of the denied records.
	Denied uint64
}

// HistogramQuery asks for sums over time.
type HistogramQuery struct {
	Selection
	// Step is the width of a bucket in nanoseconds. Buckets are aligned to it;
	// the range is widened to whole buckets, of which there are at most MaxBuckets;
	// each of them is returned, also when it is empty.
	Step int64
}

// MaxBuckets is the most buckets that one HistogramQuery returns.
const MaxBuckets = 5000

// Bucket sums the records whose end lies in [Start, Start+Step).
type Bucket struct {
	Start           int64
	Allowed, Denied BucketSum
	// Lost counts the losses of any unit that ended in the bucket.
	Lost uint64
}

// BucketSum is one verdict's share of a bucket; what was not denied was allowed.
// Connections are those started, or those seen where denied.
type BucketSum struct{ Records, Connections, Bytes uint64 }

// ValuesQuery asks which values a field takes; values that are as frequent as
// each other go by value, smallest first. Those of a list count one by one, as
// keywords.
type ValuesQuery struct {
	Selection
	// Field is a dimension; a field of another role is ErrQuery.
	Field *flow.Field[flow.Flow]
	// Prefix is what the printed values must start with, without regard to the
	// case of ASCII letters.
	Prefix string
	// Limit is how many values are returned, at least 1.
	Limit int
}

// ValueCount is a value with the number of records that have it.
type ValueCount struct {
	Value   flow.Value
	Records uint64
}

// Stats describes a store. A zero limit means none.
type Stats struct {
	// Kind names the backend, Location where it keeps its data.
	Kind, Location string
	Bytes          uint64
	MaxBytes       uint64
	// MaxAge is how long records are kept, in nanoseconds.
	MaxAge int64
	// Records counts the flow records, Oldest and Newest their ends; zero when
	// there are none.
	Records        uint64
	Oldest, Newest int64
}
