//go:build linux

package probe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// DropsOptions are those of the drops engine.
type DropsOptions struct {
	// MaxFlows is how many flows the kernel tells apart in one interval.
	MaxFlows int
}

// maxCoarseDrops is how many flows are told apart by their destination, when there
// are more than MaxFlows.
const maxCoarseDrops = 4096

// drops is the Source of the drops engine. A sweep takes the kernel's tables and
// leaves empty ones in their place.
type drops struct {
	objects bpf.DropsObjects
	reject  bpf.DropsRejectObjects
	reasons dropReasons
	places  *dropPlaces
	tables  [bpf.DropsDropTableDROP_TABLES]*ebpf.MapSpec
	// current are the tables that programs add to. They are kept here, because to open what
	// a map of maps holds takes CAP_SYS_ADMIN.
	current [bpf.DropsDropTableDROP_TABLES]*ebpf.Map
	links   []io.Closer

	queue queue
	told  [maxDropReasons]bpf.DropsDropSum // of what found no room

	// sweeping is held by a sweep, and by Close to wait for it.
	sweeping sync.Mutex
	closed   bool
}

func openDrops(opts Options) (_ Source, err error) {
	d := &drops{queue: newQueue()}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if d.reasons, err = readDropReasons(); err != nil {
		return nil, err
	}
	if err := d.load(opts); err != nil {
		return nil, fmt.Errorf("load drops programs: %w", err)
	}
	for table := range d.tables {
		if _, err := d.replace(table); err != nil {
			return nil, err
		}
	}
	if !opts.Scope.Everything() {
		if d.places, err = openDropPlaces(opts, d.objects.DropOthers); err != nil {
			return nil, err
		}
	}
	return d, d.attach()
}

func (d *drops) load(opts Options) error {
	objects := []object{{bpf.LoadDrops, &d.objects}}
	lacking, err := missingType(&btf.Typedef{}, "btf_trace_icmp_send")
	if err != nil {
		return err
	}
	if !lacking {
		objects = append(objects, object{bpf.LoadDropsReject, &d.reject})
	}
	arguments, err := tracepointArguments("kfree_skb")
	if err != nil {
		return err
	}
	err = load(objects, opts, func(spec *ebpf.CollectionSpec) error {
		if d.tables[0] == nil {
			inner := spec.Maps[bpf.DropsMapDropTables].InnerMap
			for table, entries := range []int{opts.Drops.MaxFlows, maxCoarseDrops} {
				d.tables[table] = inner.Copy()
				d.tables[table].MaxEntries = uint32(entries)
			}
		}
		if rules, ok := spec.Variables[bpf.DropsVarDropRules]; ok {
			return errors.Join(rules.Set(d.reasons.rules()), spec.Variables[bpf.DropsVarHasSocket].Set(arguments > 3))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return opts.Filter.store(d.objects.FilterAddresses, d.objects.FilterPorts)
}

// attach begins with the program that notes what is dropped next.
func (d *drops) attach() error {
	for _, hook := range []struct {
		program    *ebpf.Program
		tracepoint string
	}{{d.reject.DropReject, "icmp_send"}, {d.objects.DropPacket, "kfree_skb"}} {
		if hook.program == nil {
			continue
		}
		attached, err := link.AttachTracing(link.TracingOptions{Program: hook.program})
		if err != nil {
			return fmt.Errorf("attach to tracepoint %s: %w", hook.tracepoint, err)
		}
		d.links = append(d.links, attached)
	}
	return nil
}

// replace puts an empty table in place of one and returns that, to which no program
// adds any more: the kernel waits for those that run before it returns. It is nil at first.
func (d *drops) replace(table int) (old *ebpf.Map, err error) {
	fresh, err := ebpf.NewMap(d.tables[table])
	if err != nil {
		return nil, fmt.Errorf("make a table of drops: %w", err)
	}
	if err := d.objects.DropTables.Put(uint32(table), fresh); err != nil {
		return nil, errors.Join(fmt.Errorf("replace the table of drops: %w", err), fresh.Close())
	}
	old, d.current[table] = d.current[table], fresh
	return old, nil
}

func (d *drops) Read(events []Event) (int, error) { return d.queue.read(events) }

// Sweep tells what was dropped since the last one.
func (d *drops) Sweep(uint32) (SweepResult, error) {
	d.sweeping.Lock()
	defer d.sweeping.Unlock()
	if d.closed {
		return SweepResult{}, os.ErrClosed
	}
	events, err := d.collect()
	d.queue.deliver(events)
	return SweepResult{}, err
}

func (d *drops) collect() ([]Event, error) {
	var news bool
	if err := d.objects.DropNews.Get(&news); err != nil {
		return nil, fmt.Errorf("look for drops: %w", err)
	}
	if !news {
		// Numbers of namespaces are used again: what was another's may be one's own.
		return nil, d.places.look()
	}
	if err := d.objects.DropNews.Set(false); err != nil {
		return nil, fmt.Errorf("look for drops: %w", err)
	}
	var events []Event
	for table := range d.tables {
		old, err := d.replace(table)
		if err != nil {
			return events, err
		}
		looked := d.places.look() // after the last of them was dropped
		events, err = d.read(events, old)
		if err := errors.Join(looked, err, old.Close()); err != nil {
			return events, err
		}
	}
	return d.collectRest(events)
}

// read appends what a table holds that is in scope.
func (d *drops) read(events []Event, table *ebpf.Map) ([]Event, error) {
	var (
		cursor ebpf.MapBatchCursor
		keys   = make([]bpf.DropsDropKey, readAtOnce)
		flows  = make([]bpf.DropsDropFlow, readAtOnce)
	)
	for {
		n, err := table.BatchLookup(&cursor, keys, flows, nil)
		for i := range n {
			if d.places.own(&keys[i], &flows[i]) {
				events = append(events, d.reasons.event(&keys[i], &flows[i]))
			}
		}
		switch {
		case errors.Is(err, ebpf.ErrKeyNotExist):
			return events, nil
		case err != nil:
			return events, fmt.Errorf("read the table of drops: %w", err)
		}
	}
}

// collectRest appends what found no room in the tables: of that only the reason is
// known.
func (d *drops) collectRest(events []Event) ([]Event, error) {
	now := uint64(Monotonic())
	for reason := range d.reasons {
		var perCPU []bpf.DropsDropSum
		if d.reasons[reason].rule == 0 {
			continue
		}
		if err := d.objects.DropRest.Lookup(uint32(reason), &perCPU); err != nil {
			return events, fmt.Errorf("read the sums of drops: %w", err)
		}
		var sum bpf.DropsDropSum
		for i := range perCPU {
			sum.Packets += perCPU[i].Packets
			sum.Bytes += perCPU[i].Bytes
		}
		told := d.told[reason]
		if sum.Packets == told.Packets {
			continue
		}
		d.told[reason] = sum
		events = append(events, d.reasons.event(
			&bpf.DropsDropKey{Reason: uint16(reason)},
			&bpf.DropsDropFlow{First: now, Last: now, Packets: sum.Packets - told.Packets, Bytes: sum.Bytes - told.Bytes},
		))
	}
	return events, nil
}

// Losses returns how often the kernel passed the program over because it was running
// already. At most so many packets went unnoticed; most of what is passed over
// denies nothing.
func (d *drops) Losses() (Losses, error) {
	stats, err := d.objects.DropPacket.Stats()
	if err != nil {
		return Losses{}, fmt.Errorf("read missed runs: %w", err)
	}
	return Losses{Hook: stats.RecursionMisses}, nil
}

func (d *drops) Close() error {
	d.sweeping.Lock()
	defer d.sweeping.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	d.queue.close()
	var errs []error
	for _, l := range d.links {
		errs = append(errs, l.Close())
	}
	for _, table := range d.current {
		errs = append(errs, table.Close()) // which a nil one takes
	}
	errs = append(errs, d.places.Close(), d.reject.Close(), d.objects.Close())
	return errors.Join(errs...)
}
