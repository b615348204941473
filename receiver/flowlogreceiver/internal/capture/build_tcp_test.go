//go:build linux

package capture

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// Both ends of a connection name the same side.
func TestSideOfAReset(t *testing.T) {
	bySource, byDestination := flow.Connections{ResetBySource: 1}, flow.Connections{ResetByDestination: 1}
	for _, test := range []struct {
		reporter flow.Reporter
		end      probe.End
		want     flow.Connections
	}{
		{flow.ReporterSource, probe.ResetByLocal, bySource},
		{flow.ReporterDestination, probe.ResetByRemote, bySource},
		{flow.ReporterSource, probe.ResetByRemote, byDestination},
		{flow.ReporterDestination, probe.ResetByLocal, byDestination},
		{flow.ReporterSource, probe.Reset, flow.Connections{}},
		{flow.ReporterDestination, probe.Reset, flow.Connections{}},
	} {
		var got flow.Connections
		buildReset(&got, &probe.Event{Reporter: test.reporter, End: test.end})
		require.Equal(t, test.want, got, "%s, end %d", test.reporter, test.end)
	}
}

func TestHealthOfAReport(t *testing.T) {
	ev := probe.Event{Kind: probe.Live, Health: probe.Health{
		RTT: 80, MinRTT: 60, Cwnd: 10, MSS: 1448, Retransmits: 3, Lost: 2, Timeouts: 1, ZeroWindow: true, WindowLimited: 500,
	}}
	var got flow.TCP
	buildHealth(&got, &ev)
	require.Equal(t, flow.TCP{
		RTTSum: 80, RTTSamples: 1, RTTMin: 60, RTTMax: 80, MinRTTSum: 60, MinRTTMax: 60,
		CwndSum: 10, MSSSum: 1448, Samples: 1, CwndMin: 10, MSSMin: 1448,
		Retransmits: 3, Lost: 2, Timeouts: 1, ZeroWindow: 1, WindowLimited: 500,
	}, got, "without a handshake, which another report told")

	ev.Kind, ev.FinalState = probe.Failed, flow.TCPSynSent
	got = flow.TCP{}
	buildHealth(&got, &ev)
	require.Equal(t, flow.TCP{Retransmits: 3, Lost: 2, Timeouts: 1, FinalState: flow.TCPSynSent}, got, "a connect that failed has nothing to measure")
}
