//go:build linux

package probe

import (
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// The numbers are this kernel's; what every connection leaves behind is none of them.
func TestDropReasonsOfThisKernel(t *testing.T) {
	if err := missingForDrops(); err != nil {
		t.Skip(err)
	}
	reasons, err := readDropReasons()
	require.NoError(t, err)
	known := make(map[string]dropReason)
	for i := range reasons {
		require.Equal(t, reasons[i].name == "", reasons[i].rule == 0, i)
		if reasons[i].rule != 0 {
			known[reasons[i].name] = reasons[i]
		}
	}
	require.Equal(t, flow.PolicyDrop, known["netfilter_drop"].class)
	require.Equal(t, flow.NoListener, known["no_socket"].class)
	require.Equal(t, flow.Buffer, known["socket_rcvbuff"].class)
	require.NotContains(t, known, "queue_purge")
	require.NotContains(t, known, "tcp_old_data")
}

func TestDropEvents(t *testing.T) {
	const reason, route = 12, 2
	var reasons dropReasons
	reasons[reason] = dropReason{name: "netfilter_drop", class: flow.PolicyDrop, rule: denies}
	reasons[route] = dropReason{name: "not_specified", class: flow.Unreachable, rule: denies | byRoute}
	address := func(s string) [16]byte { return netip.MustParseAddr(s).As16() }
	key := bpf.DropsDropKey{
		Source: address("10.0.0.1"), SourcePort: 40000, Destination: address("2001:db8::1"), DestinationPort: 80,
		Netns: 7, Reason: reason, Protocol: uint8(flow.TransportTCP),
	}
	for name, test := range map[string]struct {
		change   func(*bpf.DropsDropKey, *bpf.DropsDropFlow)
		reporter flow.Reporter
		class    flow.DenyClass
		errno    syscall.Errno
		original string
		received bool
		source   string
	}{
		"on its way":         {nil, flow.ReporterForward, flow.PolicyDrop, 0, "", false, "10.0.0.1:40000"},
		"at the source":      {func(_ *bpf.DropsDropKey, f *bpf.DropsDropFlow) { f.Flags = atSource }, flow.ReporterSource, flow.PolicyDrop, 0, "", false, "10.0.0.1:40000"},
		"at the destination": {func(_ *bpf.DropsDropKey, f *bpf.DropsDropFlow) { f.Flags = atDestination }, flow.ReporterDestination, flow.PolicyDrop, 0, "", false, "10.0.0.1:40000"},
		"an answer leaving":  {func(k *bpf.DropsDropKey, f *bpf.DropsDropFlow) { k.Reply, f.Flags = 1, atSource }, flow.ReporterDestination, flow.PolicyDrop, 0, "", true, "10.0.0.1:40000"},
		"an answer arriving": {func(k *bpf.DropsDropKey, f *bpf.DropsDropFlow) { k.Reply, f.Flags = 1, atDestination }, flow.ReporterSource, flow.PolicyDrop, 0, "", true, "10.0.0.1:40000"},
		"rejected":           {func(_ *bpf.DropsDropKey, f *bpf.DropsDropFlow) { f.Flags = rejected }, flow.ReporterForward, flow.Reject, 0, "", false, "10.0.0.1:40000"},
		"by a route":         {func(k *bpf.DropsDropKey, _ *bpf.DropsDropFlow) { k.Reason, k.Error = route, uint16(syscall.EACCES) }, flow.ReporterForward, flow.Unreachable, syscall.EACCES, "", false, "10.0.0.1:40000"},
		"translated": {func(_ *bpf.DropsDropKey, f *bpf.DropsDropFlow) {
			f.Original, f.OriginalPort = address("10.96.0.1"), 443
		}, flow.ReporterForward, flow.PolicyDrop, 0, "10.96.0.1:443", false, "10.0.0.1:40000"},
		"without its source": {func(k *bpf.DropsDropKey, _ *bpf.DropsDropFlow) { k.Source, k.SourcePort = [16]byte{}, 0 }, flow.ReporterForward, flow.PolicyDrop, 0, "", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			key, counted := key, bpf.DropsDropFlow{First: 1, Last: 2, Packets: 3, Bytes: 180}
			copy(counted.Interface[:], "eth0")
			if test.change != nil {
				test.change(&key, &counted)
			}
			e := reasons.event(&key, &counted)
			require.Equal(t, Dropped, e.Kind)
			require.Equal(t, test.reporter, e.Reporter)
			require.Equal(t, test.class, e.Drop.Class)
			require.Equal(t, test.errno, e.Drop.Errno)
			require.Equal(t, "eth0", e.Drop.Interface)
			require.Equal(t, "[2001:db8::1]:80", e.Remote.String())
			if test.source == "" {
				require.False(t, e.Local.IsValid())
			} else {
				require.Equal(t, test.source, e.Local.String())
			}
			if test.original == "" {
				require.False(t, e.Original.IsValid())
			} else {
				require.Equal(t, test.original, e.Original.String())
			}
			sent, received := uint32(3), uint32(0)
			if test.received {
				sent, received = received, sent
			}
			require.Equal(t, [2]uint32{sent, received}, [2]uint32{e.SentPackets, e.ReceivedPackets})
		})
	}
}
