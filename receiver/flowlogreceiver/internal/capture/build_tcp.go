//go:build linux

package capture

import (
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// buildReset tells which side sent the reset, if that is known.
func buildReset(c *flow.Connections, ev *probe.Event) {
	bySource := ev.End == probe.ResetByLocal
	if ev.Reporter == flow.ReporterDestination {
		bySource = ev.End == probe.ResetByRemote
	}
	switch {
	case ev.End == probe.Reset:
	case bySource:
		c.ResetBySource = 1
	default:
		c.ResetByDestination = 1
	}
}

func buildHealth(t *flow.TCP, ev *probe.Event) {
	h := &ev.Health
	t.Retransmits, t.Lost, t.Timeouts = uint64(h.Retransmits), uint64(h.Lost), uint64(h.Timeouts)
	t.FinalState = ev.FinalState
	if ev.Kind == probe.Failed {
		return // there was no connection to measure
	}
	if h.RTT > 0 && h.MinRTT > 0 {
		t.RTTSum, t.RTTSamples, t.RTTMax, t.RTTMin = uint64(h.RTT), 1, h.RTT, h.MinRTT
		t.MinRTTSum, t.MinRTTMax = uint64(h.MinRTT), h.MinRTT
	}
	if h.Handshake > 0 {
		t.HandshakeSum, t.HandshakeSamples, t.HandshakeMax = uint64(h.Handshake), 1, h.Handshake
	}
	t.CwndSum, t.MSSSum, t.Samples, t.CwndMin, t.MSSMin = uint64(h.Cwnd), uint64(h.MSS), 1, h.Cwnd, h.MSS
	if h.ZeroWindow {
		t.ZeroWindow = 1
	}
	t.WindowLimited = h.WindowLimited
}
