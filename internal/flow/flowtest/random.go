// Package flowtest makes random flow records for tests.
package flowtest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

var (
	names = []flow.Name{{}, flow.Intern(""), flow.Intern("curl"), flow.Intern("Chromium"), flow.Intern(`we"ird, né`), flow.Intern("a/b c")}

	addresses = []netip.Addr{
		{},
		netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("192.168.0.1"), netip.MustParseAddr("203.0.113.9"),
		netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1"), netip.MustParseAddr("2001:db8::5"), netip.MustParseAddr("fd00::1"),
	}

	labels = []flow.Labels{
		{}, flow.LabelsOf(), flow.LabelsOfMap(map[string]string{"app": "web"}),
		flow.LabelsOfMap(map[string]string{"app": "db", "a/b": `we"ird, né`, "": "", "empty": "", "app=x": "y"}),
	}

	transports = []flow.Transport{0, flow.TransportTCP, flow.TransportUDP, flow.TransportICMP, flow.TransportICMPv6, flow.TransportSCTP, 47, 255}
)

// Flow returns a record in which every attribute is absent at times, zero at
// times, and at times at the edge of its range. Few values per attribute make
// records share keys.
func Flow(r *rand.Rand) flow.Flow {
	start := r.Int64N(4e18)
	transport := pick(r, transports)
	f := flow.Flow{
		ID:               flow.ID{Node: uint32(r.IntN(3)), Epoch: uint32(count(r)), Counter: count(r)},
		Start:            start,
		End:              start + r.Int64N(1e10),
		Observer:         flow.Observer{Host: pick(r, names), Node: pick(r, names), Cluster: pick(r, names)},
		Reporter:         flow.Reporter(r.IntN(4)),
		PeerObserved:     r.IntN(2) == 0,
		Action:           flow.Action(r.IntN(3)),
		Denial:           flow.Denial{Reason: pick(r, names), Class: flow.DenyClass(r.IntN(9)), Interface: pick(r, names), Namespace: uint32(count(r))},
		Transport:        transport,
		NetworkNamespace: uint32(count(r)),
		Source:           endpoint(r),
		Destination:      endpoint(r),
		Folded:           count(r),
		SamplingRate:     count(r),
		Aggregation:      aggregation(r),
		Process:          flow.Process{Executable: pick(r, names), PID: uint32(count(r)), Cgroup: pick(r, names), Container: pick(r, names), CommandLine: pick(r, names)},
		Connections: flow.Connections{
			Seen: count(r), Started: count(r), Completed: count(r), Open: count(r),
			Reset: count(r), TimedOut: count(r), Abandoned: count(r),
			ResetBySource: count(r), ResetByDestination: count(r),
		},
		TCP: flow.TCP{
			RTTSum: count(r), RTTSamples: count(r), RTTMin: uint32(count(r)), RTTMax: uint32(count(r)),
			MinRTTSum: count(r), MinRTTMax: uint32(count(r)),
			HandshakeSum: count(r), HandshakeSamples: count(r), HandshakeMax: uint32(count(r)),
			CwndSum: count(r), MSSSum: count(r), Samples: count(r), CwndMin: uint32(count(r)), MSSMin: uint32(count(r)),
			Retransmits: count(r), Lost: count(r), Timeouts: count(r), ZeroWindow: count(r), WindowLimited: count(r),
			FinalState: flow.TCPState(r.IntN(int(flow.TCPMixed) + 1)),
		},
		ICMP: icmp(r, transport),
		DNS: flow.DNS{
			Queries: count(r), Responses: count(r), Timeouts: count(r),
			NXDomain: count(r), ServFail: count(r), Refused: count(r), OtherErrors: count(r),
			LatencySum: count(r), LatencyMax: uint32(count(r)),
		},
	}
	f.Destination.Domains = domains(r)
	f.IPVersion = flow.IPVersion(r.IntN(3))
	f.IPVersion = f.NetworkType()
	if k := f.Destination.Kubernetes; k != nil {
		k.Service = flow.Service{Name: pick(r, names), Namespace: pick(r, names), PortName: pick(r, names), Port: uint16(count(r))}
	}
	return f
}

// domains are at times more than a record holds.
func domains(r *rand.Rand) flow.NameSet {
	names := make([]flow.Name, r.IntN(4)*r.IntN(5))
	for i := range names {
		names[i] = flow.Intern(fmt.Sprintf("%c.example", 'a'+rune(r.IntN(20))))
	}
	return flow.NameSetOf(names...)
}

// icmp is zero for other transports, whose records do not carry it.
func icmp(r *rand.Rand, transport flow.Transport) flow.ICMP {
	if transport != flow.TransportICMP && transport != flow.TransportICMPv6 {
		return flow.ICMP{}
	}
	return flow.ICMP{Type: uint8(r.IntN(256)), Code: uint8(r.IntN(3))}
}

func endpoint(r *rand.Rand) flow.Endpoint {
	addr := pick(r, addresses)
	return flow.Endpoint{
		Address: addr, Port: uint16(count(r)), Type: flow.EndpointType(r.IntN(6)), Scope: flow.ScopeOf(addr), Process: pick(r, names),
		OriginalAddress: pick(r, addresses), OriginalPort: uint16(count(r)),
		Bytes: count(r), Packets: count(r), PayloadBytes: count(r), Kubernetes: kubernetes(r),
	}
}

// kubernetes is nil at times, and otherwise not all unknown.
func kubernetes(r *rand.Rand) *flow.Kubernetes {
	if r.IntN(3) == 0 {
		return nil
	}
	return &flow.Kubernetes{
		Namespace: flow.Intern("shop"), Pod: pick(r, names), PodUID: pick(r, names), PodPrefix: pick(r, names), Container: pick(r, names),
		PodLabels: pick(r, labels), NamespaceLabels: pick(r, labels),
		WorkloadKind: pick(r, names), WorkloadName: pick(r, names), Node: pick(r, names), Zone: pick(r, names), Network: pick(r, names),
		Uncertain: pick(r, []flow.NameSet{{}, flow.NameSetOf(flow.Intern(flow.UncertainLagging)), flow.NameSetOf(flow.Intern(flow.UncertainAmbiguous), flow.Intern(flow.UncertainConflict))}),
	}
}

// aggregation is nil at times, and otherwise not all unknown.
func aggregation(r *rand.Rand) *flow.Aggregation {
	if r.IntN(3) > 0 {
		return nil
	}
	a := &flow.Aggregation{Level: flow.Level(1 + r.IntN(int(flow.LevelOverflow))), Records: count(r)}
	for i, l := range flow.Listings() {
		if r.IntN(3) == 0 {
			a.Lists[i].Count = count(r)
		}
		if l.List != l.Of && r.IntN(3) == 0 {
			values := []string{"b", "a"}
			if strings.HasSuffix(l.Of, ".address") {
				values = []string{"2001:db8::5", "10.1.2.3"}
			}
			a.Lists[i].Values = values[:1+r.IntN(2)]
		}
	}
	if r.IntN(4) == 0 {
		a.Estimated = flow.NameSetOf(flow.Intern("source.port_count"))
	}
	return a
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// count is often zero or small and now and then large, yet small enough for
// thousands of them to be added up in an int64.
func count(r *rand.Rand) uint64 {
	switch r.IntN(4) {
	case 0:
		return 0
	case 1:
		return r.Uint64N(1 << 48)
	default:
		return r.Uint64N(100)
	}
}
