package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// shopFlows are reports of a workload's pods, one a connection, that ended at a time:
// allowed ones from three pods and denied ones from two of these, all to one backend.
func shopFlows(at time.Time) (flows []flow.Flow) {
	add := func(action flow.Action, pod int, port uint16, bytes uint64) {
		f := flow.Flow{
			ID: flow.ID{Node: 7, Epoch: 7, Counter: uint64(len(flows) + 1)}, Start: at.Add(-10 * time.Second).UnixNano(), End: at.UnixNano(),
			Observer: flow.Observer{Host: flow.Intern("node-1"), Node: flow.Intern("node-1")},
			Reporter: flow.ReporterSource, Action: action, Transport: flow.TransportTCP,
			Source: flow.Endpoint{
				Type: flow.EndpointPod, Address: netip.AddrFrom4([4]byte{10, 244, 0, byte(pod)}), Port: port, Bytes: bytes, Packets: 1,
				Kubernetes: &flow.Kubernetes{
					Namespace: flow.Intern("shop"), Pod: flow.Intern(fmt.Sprintf("web-%d", pod)),
					WorkloadKind: flow.Intern("Deployment"), WorkloadName: flow.Intern("web"),
				},
			},
			Destination: flow.Endpoint{
				Type: flow.EndpointPod, Address: netip.MustParseAddr("10.244.1.1"), Port: 5432, Bytes: 2 * bytes, Packets: 2,
				Kubernetes: &flow.Kubernetes{Namespace: flow.Intern("shop"), Pod: flow.Intern("db-0"), WorkloadKind: flow.Intern("StatefulSet"), WorkloadName: flow.Intern("db")},
			},
			Connections: flow.Connections{Seen: 1, Started: 1, Completed: 1},
		}
		if action == flow.Deny {
			f.Destination.Bytes, f.Destination.Packets, f.Connections = 0, 0, flow.Connections{Seen: 1, Started: 1}
			f.Denial = flow.Denial{Reason: flow.Intern("netfilter_drop"), Class: flow.PolicyDrop}
		}
		flows = append(flows, f)
	}
	for n := range uint16(30) { // pod 1 sends most, then pod 2, then pod 3
		pod := 1 + int(n%3)
		add(flow.Allow, pod, 40000+n, uint64(1000/pod))
	}
	for n := range uint16(10) {
		add(flow.Deny, 1+int(n%2), 50000+n, 60)
	}
	return flows
}

// merged is what is told of a stored record.
type merged struct {
	Action, Level, Pod, Address string
	// Lists are the attributes that list and count values.
	Lists                      string
	Records, Started, Complete float64
	SourceBytes, ReplyBytes    float64
}

func mergedOf(f map[string]any) merged {
	text := func(name string) string {
		if f[name] == nil {
			return ""
		}
		return fmt.Sprint(f[name])
	}
	number := func(name string) float64 { n, _ := f[name].(float64); return n }
	var lists []string
	for _, l := range flow.Listings() {
		for _, name := range []string{l.List, l.Count} {
			if f[name] != nil {
				lists = append(lists, fmt.Sprintf("%s %v", name, f[name]))
			}
		}
	}
	return merged{
		Action: text("flow.action"), Level: text("flow.aggregation.level"), Pod: text("source.k8s.pod.name"), Address: text("source.address"),
		Lists:   strings.Join(lists, ", "),
		Records: number("flow.aggregation.records"), Started: number("flow.connections.started"), Complete: number("flow.connections.completed"),
		SourceBytes: number("source.bytes"), ReplyBytes: number("destination.bytes"),
	}
}

// storedSince returns what is stored of flows that were there at a time or later, in order.
func (c *collector) storedSince(at time.Time) (stored []merged) {
	c.t.Helper()
	var got struct{ Flows []map[string]any }
	from := at.Add(-time.Minute).UTC().Format(time.RFC3339)
	if err := c.get("/api/v1/flows", url.Values{"from": {from}, "reporter": {"all"}, "limit": {"1000"}}, &got); err != nil {
		c.t.Fatal(err)
	}
	for _, f := range got.Flows {
		stored = append(stored, mergedOf(f))
	}
	slices.SortFunc(stored, func(a, b merged) int { return strings.Compare(a.Action+a.Pod, b.Action+b.Pod) })
	return stored
}

// aggregating are the arguments of a gateway that merges what it gets by OTLP at an
// address, for an hour, and more.
func aggregating(t *testing.T, otlp string, more ...string) []string {
	config, err := filepath.Abs(filepath.Join(root, "distribution", "examples", "gateway.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{
		"--config=" + config, "--set=service.pipelines.logs.processors=[memory_limiter,flow_aggregation]",
		"--set=processors.flow_aggregation.interval=1h", "--set=processors.flow_aggregation.delay=1h",
		"--set=receivers.otlp.protocols.http.endpoint=" + otlp, "--set=receivers.otlp.protocols.grpc.endpoint=" + freeAddress(t),
		"--set=extensions.health_check.endpoint=" + freeAddress(t), "--set=service.telemetry.metrics.level=none",
	}, more...)
}

// TestAggregationStoresOneRecordOfMany sends records by OTLP, some of them twice, ends the
// collector within the window, and asks another one what is stored.
func TestAggregationStoresOneRecordOfMany(t *testing.T) {
	data, otlp := t.TempDir(), freeAddress(t)
	args := aggregating(t, otlp, "--set=processors.flow_aggregation.max_values=2")
	c := startAt(t, freeAddress(t), data, args...).ready()
	at := time.Now().Truncate(time.Hour).Add(-30 * time.Minute)
	flows := shopFlows(at)
	agent := flow.Agent{
		ID: flow.ID{Node: 7, Epoch: 7, Counter: 1000}, Observer: flows[0].Observer,
		Time: time.Now().UnixNano(), Started: at.UnixNano(), Interval: int64(10 * time.Second),
	}
	export(t, otlp, &flow.Batch{Flows: flows, Agents: []flow.Agent{agent}})
	export(t, otlp, &flow.Batch{Flows: flows[:20]})

	c.eventually("the sign of life, which is no flow, is stored at once", func() error {
		var status struct{ Agents []struct{ Host string } }
		if err := c.get("/api/v1/status", nil, &status); err != nil {
			return err
		}
		if len(status.Agents) != 1 {
			return errors.New("no agent yet")
		}
		return nil
	})
	if stored := c.storedSince(at); len(stored) > 0 {
		t.Errorf("flows are stored before their window is over: %v", stored)
	}
	if code := c.stop(); code != 0 {
		t.Fatalf("exit code %d, want 0", code)
	}

	c = startAt(t, freeAddress(t), data, args...).ready()
	stored := c.storedSince(at)
	want := []merged{
		{
			Action: "allow", Level: "2",
			Lists: "source.addresses [10.244.0.1 10.244.0.2], source.address_count 3, source.ports [40000 40003], source.port_count 30, " +
				"source.k8s.pod.names [web-1 web-2], source.k8s.pod.name_count 3",
			Records: 30, Started: 30, Complete: 30, SourceBytes: 10 * (1000 + 500 + 333), ReplyBytes: 20 * (1000 + 500 + 333),
		},
		{
			Action: "deny", Level: "1", Pod: "web-1", Address: "10.244.0.1",
			Lists:   "source.ports [50000 50002], source.port_count 5",
			Records: 5, Started: 5, SourceBytes: 300,
		},
		{
			Action: "deny", Level: "1", Pod: "web-2", Address: "10.244.0.2",
			Lists:   "source.ports [50001 50003], source.port_count 5",
			Records: 5, Started: 5, SourceBytes: 300,
		},
	}
	if diff := cmp.Diff(want, stored); diff != "" {
		t.Errorf("what is stored differs (-want +got):\n%s", diff)
	}
	if code := c.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// TestAKilledCollectorTellsWhatItHeld kills the collector with records in memory.
func TestAKilledCollectorTellsWhatItHeld(t *testing.T) {
	data, storage, otlp := t.TempDir(), t.TempDir(), freeAddress(t)
	args := aggregating(t, otlp,
		"--set=processors.flow_aggregation.storage=file_storage", "--set=extensions.file_storage.directory="+storage,
		"--set=service.extensions=[file_storage,flow_store,flow_visualizer,health_check]")
	c := startAt(t, freeAddress(t), data, args...).ready()
	export(t, otlp, &flow.Batch{Flows: shopFlows(time.Now())})
	c.eventually("the storage has how many records are in memory", func() error {
		text, err := os.ReadFile(filepath.Join(storage, "processor_flow_aggregation_"))
		if err == nil && !bytes.Contains(text, []byte(`"records":40`)) {
			err = errors.New("not yet")
		}
		return err
	})
	c.kill()

	c = startAt(t, freeAddress(t), data, args...).ready()
	type loss struct {
		Host, Stage, Unit string
		Count             float64
	}
	var got struct{ Losses []loss }
	c.eventually("the loss is stored", func() error {
		if err := c.get("/api/v1/losses", nil, &got); err != nil {
			return err
		}
		if len(got.Losses) == 0 {
			return errors.New("no loss yet")
		}
		return nil
	})
	if diff := cmp.Diff([]loss{{Host: "node-1", Stage: flow.StageCrash, Unit: flow.UnitRecords, Count: 40}}, got.Losses); diff != "" {
		t.Errorf("what is lost differs (-want +got):\n%s", diff)
	}
	if code := c.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}
