package aggregate

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/idset"
)

// Options are how an Aggregator works.
type Options struct {
	// Classes are the kinds of records, at most 255.
	Classes []Class
	// Interval is the length of a window; windows are aligned to the clock.
	Interval time.Duration
	// Delay is how long after its end a window waits for records that are late, Jitter by
	// how much more this instance waits, so that not all do at once.
	Delay, Jitter time.Duration
	// Memory is about how many bytes the windows may take.
	Memory int
	// MaxWindows is how many windows are kept; beyond, the oldest are made one.
	MaxWindows int
	// MaxGroups is how many groups of a window have it passed on early; 0 is no such
	// number.
	MaxGroups int
	// MaxIDs is how many runs of ids are remembered, to know a record that comes twice; 0
	// remembers none.
	MaxIDs int
	// Now is the clock.
	Now func() time.Time
}

// Record is what a classifier sees of a record.
type Record struct {
	w *Window
	r *row
	// Log, Scope and Resource are the record as it came.
	Log      plog.LogRecord
	Scope    plog.ScopeLogs
	Resource plog.ResourceLogs
}

// Text returns the value of a dimension that holds text, or "".
func (r *Record) Text(d Dimension) string {
	if !r.r.has.has(int(d)) {
		return ""
	}
	return r.r.values[d].Str()
}

// Window is the start of the window that the record is for.
func (r *Record) Window() int64 { return r.w.Start }

// Dimension is an attribute by which records can be told apart.
type Dimension int

// Added counts what became of records.
type Added struct {
	// Records were added, Duplicates had been before, Sampled were left out by chance.
	Records, Duplicates, Sampled int
	// Late ended before a window that was passed on already.
	Late int
	// Unread have an attribute of the wrong type; they are in Unreadable.
	Unread int
}

// Aggregator merges records. It is safe for concurrent use.
type Aggregator struct {
	options Options
	plans   plans
	schema  *schema
	origins *Plan // what tells origins of connections apart

	mu      sync.Mutex
	windows []*Window // by their start
	reader  reader
	row     row
	record  Record
	ids     *idset.Set
	made    uint32 // windows
	// passed is the end of the latest window that was passed on.
	passed int64
	// pressure is by how many stages new windows are coarser.
	pressure int
	// total is the size of the windows.
	total int
	// taken are the windows that were not yet let go of, inFlight is their size.
	taken    []*Window
	inFlight int
	// foldAt is the size at which room is made.
	foldAt int
	folds  uint64
	joins  uint64
}

// New returns an Aggregator without classes; Configure has to follow.
func New(keys Keys) *Aggregator {
	s := newSchema()
	a := &Aggregator{schema: s, plans: plans{s, keys}}
	a.origins = plans{s, Keys{true, true}}.level(flow.LevelAll)
	return a
}

// Configure sets how a works, before the first record.
func (a *Aggregator) Configure(options Options) {
	a.options = options
	a.reader.schema = a.schema
	a.ids = idset.New()
	a.foldAt = options.Memory
}

// Dimension returns the dimension of an attribute of the registry.
func (a *Aggregator) Dimension(name string) Dimension { return Dimension(a.schema.dimension(name)) }

// Level returns the chain of a level: the level, the coarser ones, the overflow.
func (a *Aggregator) Level(level flow.Level) []*Plan {
	var chain []*Plan
	for l := level; l <= flow.LevelServices; l++ {
		chain = append(chain, a.plans.level(l))
	}
	return append(chain, a.plans.overflow())
}

// Keys returns the chain of a list of attributes.
func (a *Aggregator) Keys(names []string) []*Plan {
	keys, overflow := a.plans.of(names), a.plans.overflow()
	chain := []*Plan{keys}
	if coarse := a.plans.within(keys, a.plans.level(flow.LevelServices)); coarse.inKey != keys.inKey {
		chain = append(chain, coarse)
	}
	return append(chain, a.plans.within(overflow, keys))
}

// Add merges the flow records among logs, which it does not change and does not hold on
// to. class returns the class of a record. Records that cannot be read are copied to
// unreadable.
func (a *Aggregator) Add(logs plog.Logs, class func(*Record) int, unreadable func(plog.ResourceLogs, plog.ScopeLogs, plog.LogRecord)) (added Added) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.options.Now()
	for _, rl := range logs.ResourceLogs().All() {
		observed := false
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if lr.EventName() != flow.EventFlow {
					continue
				}
				if !observed { // a resource of other records need not be known
					a.reader.observer(rl.Resource().Attributes())
					observed = true
				}
				a.record.Log, a.record.Scope, a.record.Resource = lr, sl, rl
				if !a.add(now, class, &added) {
					added.Unread++
					unreadable(rl, sl, lr)
				}
			}
		}
	}
	a.record = Record{}
	clear(a.row.values[:])
	clear(a.reader.resource)
	return added
}

// add merges a.record and reports whether it could be read.
func (a *Aggregator) add(now time.Time, class func(*Record) int, added *Added) bool {
	lr, r := a.record.Log, &a.row
	w := a.window(int64(lr.Timestamp()), now)
	a.reader.of(w)
	a.reader.begin(r)
	if a.reader.record(lr.Attributes(), r) != nil {
		return false
	}
	if a.options.MaxIDs > 0 && !r.id.IsZero() && !a.ids.Add(r.id, w.End) {
		added.Duplicates++
		return true
	}
	a.record.w, a.record.r = w, r
	c, before := class(&a.record), w.size()
	read := a.merge(w, c, r, added)
	a.grown(w.size() - before)
	return read
}

// merge merges a row into its window as of a class, and reports whether it could be read.
func (a *Aggregator) merge(w *Window, class int, r *row, added *Added) bool {
	c, stage := &a.options.Classes[class], w.stages[class]
	if a.reader.symbols(r, c.Chain[stage].dropped) != nil {
		return false
	}
	if w.End <= a.passed {
		added.Late++
	}
	if records := a.schema.records; r.measures[records] == 0 {
		w.set(r, records, 1)
	}
	var from origin
	follows := w.follows(r)
	if follows || c.Sample > 1 {
		from = w.originOf(a.origins, r)
	}
	if c.Sample > 1 && !w.sampled(from, c.Sample, r) {
		added.Sampled++
		return true
	}
	added.Records++
	w.records++
	if stage > 0 {
		w.fold(r)
	}
	g := w.find(class, stage, r)
	if follows {
		open := w.connections(from, g, r)
		g = w.put(g, class, stage, r)
		w.note(from, g, open)
	} else {
		w.put(g, class, stage, r)
	}
	return true
}

// grown notes that the windows grew by some bytes, and makes room if that is too much.
func (a *Aggregator) grown(bytes int) {
	if a.total += bytes; a.total+a.inFlight > a.foldAt {
		a.makeRoom()
	}
}

// window returns the window of a time, which is made if there is none.
func (a *Aggregator) window(at int64, now time.Time) *Window {
	if at <= 0 {
		at = now.UnixNano()
	}
	if w := a.reader.window; w != nil && w.Start < at && at <= w.End {
		return w
	}
	for _, w := range a.windows {
		if w.Start < at && at <= w.End {
			return w
		}
	}
	if len(a.windows) >= a.options.MaxWindows {
		a.join()
	}
	interval := int64(a.options.Interval)
	stages := make([]int, len(a.options.Classes))
	for c := range stages {
		stages[c] = min(a.pressure, len(a.options.Classes[c].Chain)-2)
	}
	w := newWindow(a, (at-1)/interval*interval, stages)
	w.due = now.Add(a.waits(time.Duration(w.End - now.UnixNano())))
	a.windows = append(a.windows, w)
	slices.SortFunc(a.windows, func(v, w *Window) int { return cmp.Compare(v.Start, w.Start) })
	a.total += w.size()
	return w
}

// waits is how long a window waits that ends in a time from now. One of the past gathers
// for as long as a window waits for what is late, and one of the future, where a clock is
// wrong, not for longer than one that has just begun.
func (a *Aggregator) waits(end time.Duration) time.Duration {
	least := a.options.Delay
	return min(max(end+a.options.Delay+a.options.Jitter, least), a.options.Interval+a.options.Delay+a.options.Jitter)
}

// join makes the two oldest windows one.
func (a *Aggregator) join() {
	into, from := a.windows[1], a.windows[0]
	if into.Len() < from.Len() {
		into, from = from, into
	}
	into.absorb(from)
	into.Start, into.End = a.windows[0].Start, a.windows[1].End
	if from.due.Before(into.due) {
		into.due = from.due
	}
	a.windows = slices.Delete(a.windows, 0, 2)
	a.windows = slices.Insert(a.windows, 0, into)
	a.reader.of(nil)
	a.joins++
	a.sum()
}

// sum counts anew what the windows take.
func (a *Aggregator) sum() {
	a.total = 0
	for _, w := range a.windows {
		a.total += w.size()
	}
}

// makeRoom makes the class with most groups of the largest window coarser, until a quarter
// of the memory is free. What cannot be made coarser stays, and its window is full.
func (a *Aggregator) makeRoom() {
	for {
		w := slices.MaxFunc(a.windows, func(v, w *Window) int { return cmp.Compare(v.size(), w.size()) })
		stages, ok := w.coarser()
		w.full = !ok
		a.replace(w, w.rebuilt(a, stages))
		a.folds++
		if a.total+a.inFlight <= a.options.Memory*3/4 || !ok {
			break
		}
	}
	a.foldAt = max(a.options.Memory, a.total+a.inFlight+a.options.Memory/8)
}

func (a *Aggregator) replace(w, by *Window) {
	a.windows[slices.Index(a.windows, w)] = by
	a.reader.of(nil)
	a.sum()
}

// Take returns the windows that are due, or all of them. They take memory until they are
// given to Done.
func (a *Aggregator) Take(all bool) []*Window {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.options.Now()
	var taken []*Window
	a.windows = slices.DeleteFunc(a.windows, func(w *Window) bool {
		early := a.options.MaxGroups > 0 && w.Len() >= a.options.MaxGroups
		if !all && !early && now.Before(w.due) {
			return false
		}
		schema := *a.schema // which grows while the window is written
		w.schema = &schema
		taken = append(taken, w)
		a.taken = append(a.taken, w)
		a.inFlight += w.size()
		if !early {
			a.passed = max(a.passed, w.End)
		}
		return true
	})
	if len(taken) > 0 {
		a.reader.of(nil)
		a.sum()
		a.foldAt = max(a.options.Memory, a.foldAt)
		a.ids.Forget(now.Add(-rememberIDs).UnixNano(), a.options.MaxIDs)
	}
	return taken
}

// rememberIDs is for how long ids are remembered: longer than senders try again.
const rememberIDs = 15 * time.Minute

// Done lets go of a window that was taken.
func (a *Aggregator) Done(w *Window) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.taken = slices.DeleteFunc(a.taken, func(t *Window) bool { return t == w })
	a.inFlight -= w.size()
	a.foldAt = a.options.Memory
}

// SetPressure has new windows be coarser by as many stages.
func (a *Aggregator) SetPressure(stages int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pressure = stages
}

// State is how an Aggregator is doing.
type State struct {
	// Windows and Groups are open, Memory is about what they and what is in flight take, in
	// bytes. Pressure is by how many stages new windows are coarser.
	Windows, Groups, Memory, Pressure int
	// Folds counts how often memory was short, Joined how many windows became one with
	// another, Unknown attributes that there was no room for.
	Folds, Joined, Unknown uint64
	// Records is how many are in memory, in flight or not; they ended after From.
	Records uint64
	From    int64
}

// State returns how a is doing.
func (a *Aggregator) State() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := State{Windows: len(a.windows), Memory: a.total + a.inFlight, Pressure: a.pressure, Folds: a.folds, Joined: a.joins, Unknown: a.reader.unknown}
	for _, w := range a.windows {
		s.Groups += w.Len()
	}
	for _, w := range slices.Concat(a.taken, a.windows) {
		if s.Records == 0 || w.Start < s.From {
			s.From = w.Start
		}
		s.Records += w.records
	}
	return s
}
