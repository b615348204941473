package workload_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/cgrouppath"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/workload"
)

// intervals are enough for idle flows to end, for jobs and a rollout, and for a scan.
const intervals = 15

// short is the reference with everything that comes later brought forward.
func short() workload.Config {
	config := workload.Default()
	config.Scan.After, config.Scan.For = time.Minute, time.Minute
	config.Services.Rollout = time.Minute
	return config
}

// play calls visit with every record of an interval that ends at to.
func play(config workload.Config, n int, visit func(f *flow.Flow, to time.Time)) *workload.Workload {
	w := workload.New(1, config)
	for range n {
		for _, batch := range w.Next() {
			for i := range batch.Flows {
				visit(&batch.Flows[i], w.Now())
			}
		}
	}
	return w
}

func TestRecordsAreAsTheReceiverMakesThem(t *testing.T) {
	config := short()
	ids := make(map[flow.ID]bool)
	keys := make(map[flow.Key]bool)
	end := config.Start
	play(config, intervals, func(f *flow.Flow, to time.Time) {
		if to != end {
			end = to
			clear(keys)
		}
		c := &f.Connections
		require.Equal(t, c.Seen, c.Completed+c.Open)
		require.LessOrEqual(t, c.Started, c.Seen)
		require.LessOrEqual(t, c.Reset+c.TimedOut+c.Abandoned, c.Completed)
		require.LessOrEqual(t, c.ResetBySource+c.ResetByDestination, c.Reset)
		require.False(t, ids[f.ID], "id %s", f.ID)
		require.False(t, keys[f.Key(config.KeepSourcePort)], "two records with one key in an interval")
		ids[f.ID], keys[f.Key(config.KeepSourcePort)] = true, true
		require.LessOrEqual(t, f.Start, f.End)
		require.Greater(t, f.End, to.Add(-config.Interval).UnixNano())
		require.LessOrEqual(t, f.End, to.UnixNano())
		require.GreaterOrEqual(t, f.Start, config.Start.UnixNano())
		require.Equal(t, f.Action == flow.Deny, f.Denial != flow.Denial{})
		require.NotEqual(t, flow.ReporterUnknown, f.Reporter)
		if f.Transport == flow.TransportTCP && f.Action == flow.Allow {
			require.Positive(t, f.Source.Packets+f.Destination.Packets, "an idle connection costs no record")
		}
		near := &f.Source
		if f.Reporter == flow.ReporterDestination {
			near = &f.Destination
		}
		require.NotNil(t, near.Kubernetes)
		require.Equal(t, f.Observer.Node, near.Kubernetes.Node)
		if near.Kubernetes.Container.Known() {
			path := cgrouppath.Parse(f.Process.Cgroup.String())
			require.Equal(t, f.Process.Container.String(), path.ContainerID)
			require.Equal(t, strings.ReplaceAll(near.Kubernetes.PodUID.String(), "-", "_"), strings.ReplaceAll(path.PodUID, "-", "_"))
		}
	})
}

// connection is one as one of its agents sees it.
type connection struct {
	by                  flow.Reporter
	action              flow.Action
	transport           flow.Transport
	source, destination netip.AddrPort
}

func TestAConnectionIsStartedAndCompletedOnce(t *testing.T) {
	config := short()
	config.KeepSourcePort = true
	type life struct {
		flow.Connections
		until int64
	}
	lives := make(map[connection]life)
	play(config, intervals, func(f *flow.Flow, _ time.Time) {
		key := connection{
			f.Reporter, f.Action, f.Transport,
			netip.AddrPortFrom(f.Source.Address, f.Source.Port), netip.AddrPortFrom(f.Destination.Address, f.Destination.Port),
		}
		l := lives[key]
		if f.Connections.Seen > 0 { // more packets of a denied attempt come later
			require.Zero(t, l.Completed, "a report after the end")
		}
		require.GreaterOrEqual(t, f.Start, l.until, "two reports of one time")
		l.Started += f.Connections.Started
		l.Completed += f.Connections.Completed
		l.until = f.End
		require.LessOrEqual(t, l.Started, uint64(1))
		require.LessOrEqual(t, l.Completed, uint64(1))
		lives[key] = l
	})
	require.Greater(t, len(lives), 50_000)
}

// totals are what merging and aggregation conserve.
type totals struct{ bytes, payload, packets, started, completed, queries uint64 }

func (s *totals) add(f *flow.Flow) {
	s.bytes += f.Source.Bytes + f.Destination.Bytes
	s.payload += f.Source.PayloadBytes + f.Destination.PayloadBytes
	s.packets += f.Source.Packets + f.Destination.Packets
	s.started += f.Connections.Started
	s.completed += f.Connections.Completed
	s.queries += f.DNS.Queries
}

func TestMergedPortsAddUpToTheSame(t *testing.T) {
	config := short()
	var merged, apart totals
	records := [2]int{}
	play(config, intervals, func(f *flow.Flow, _ time.Time) { merged.add(f); records[0]++ })
	config.KeepSourcePort = true
	play(config, intervals, func(f *flow.Flow, _ time.Time) { apart.add(f); records[1]++ })
	require.Equal(t, apart, merged)
	require.Less(t, 2*records[0], records[1])
}

func TestTheReportsOfBothEndsAgree(t *testing.T) {
	by := map[flow.Reporter]*totals{flow.ReporterSource: {}, flow.ReporterDestination: {}}
	play(short(), intervals, func(f *flow.Flow, _ time.Time) {
		if f.PeerObserved {
			by[f.Reporter].add(f)
		}
	})
	source, destination := by[flow.ReporterSource], by[flow.ReporterDestination]
	require.Positive(t, source.payload)
	require.Equal(t, source.payload, destination.payload)
	require.Equal(t, source.started, destination.started)
	require.Equal(t, source.completed, destination.completed)
	require.InEpsilon(t, source.bytes, destination.bytes, 0.01, "but for what is sent again")
}

func TestConnectionsWithNothingToSayCostNoRecord(t *testing.T) {
	config := workload.Config{Start: workload.Default().Start, Interval: 10 * time.Second, Nodes: 3, Services: workload.Default().Services}
	config.Services.Requests, config.Services.Lifetime, config.Services.Rollout = 0, 1e6*time.Hour, 0
	play(config, 3, func(*flow.Flow, time.Time) { t.Fatal("a record") })
}

func TestAPartCanBeLeftOut(t *testing.T) {
	for part, leaveOut := range map[workload.Part]func(*workload.Config){
		workload.ServicesPart: func(c *workload.Config) { c.Services.Workloads = 0 },
		workload.WebPart:      func(c *workload.Config) { c.Web.Clients = 0 },
		workload.LookupsPart:  func(c *workload.Config) { c.Lookups.Servers = 0 },
		workload.JobsPart:     func(c *workload.Config) { c.Jobs.CronJobs = 0 },
		workload.UpkeepPart:   func(c *workload.Config) { c.Upkeep.Probes = 0 },
		workload.DeniedPart:   func(c *workload.Config) { c.Denied.Pairs = 0 },
		workload.ScanPart:     func(c *workload.Config) { c.Scan.Rate = 0 },
	} {
		config := short()
		config.Scan.After = 0
		leaveOut(&config)
		w := play(config, 2, func(*flow.Flow, time.Time) {})
		for _, other := range workload.Parts {
			require.Equal(t, other == part, w.Records(other) == 0, "%s without %s", other, part)
		}
	}
}

func TestEveryPartHasItsShare(t *testing.T) {
	var s workload.Summary
	w := workload.New(1, short())
	for range intervals {
		for _, batch := range w.Next() {
			s.Add(&batch, w.Now())
		}
	}
	sum := 0
	for part, percent := range map[workload.Part][2]float64{
		workload.ServicesPart: {30, 50}, workload.WebPart: {15, 30}, workload.LookupsPart: {15, 25}, workload.UpkeepPart: {10, 20},
		workload.ScanPart: {3, 12}, workload.DeniedPart: {0.5, 2}, workload.JobsPart: {0.3, 2},
	} {
		share := 100 * float64(w.Records(part)) / float64(s.Records)
		require.Greater(t, share, percent[0], part)
		require.Less(t, share, percent[1], part)
		sum += w.Records(part)
	}
	require.Equal(t, s.Records, sum)
	require.Len(t, workload.Parts, 7)
	// Many connections, fewer 5-tuples, few who talk.
	require.Greater(t, s.Connections, uint64(s.Records))
	require.Greater(t, s.Records, 3*s.Tuples())
	require.Greater(t, s.Tuples(), 20*s.Pairs())
}

// TestTheReferenceIsPinned: figures of different days are of the same records. A change
// here makes those in docs/benchmarks.md figures of something else.
func TestTheReferenceIsPinned(t *testing.T) {
	digest := func(seed uint64) (string, workload.Summary) {
		w, hash := workload.New(seed, workload.Default()), sha256.New()
		var s workload.Summary
		for range 6 {
			for _, batch := range w.Next() {
				s.Add(&batch, w.Now())
				bytes, err := new(plog.ProtoMarshaler).MarshalLogs(flow.Encode(&batch, w.Now()))
				require.NoError(t, err)
				hash.Write(bytes)
			}
		}
		return hex.EncodeToString(hash.Sum(nil)[:8]), s
	}
	sum, s := digest(1)
	require.Equal(t, "606219d3ee6dda17", sum)
	require.Equal(t, []int{10743, 68, 31481355, 3687, 265}, []int{s.Records, s.Denied, s.Bytes, s.Tuples(), s.Pairs()})
	again, _ := digest(1)
	require.Equal(t, sum, again)
	other, _ := digest(2)
	require.NotEqual(t, sum, other)
}
