package flow

func tcpFields() []Field[Flow] {
	const unmeasured = "nothing was measured"
	return []Field[Flow]{
		mean(Attribute{
			Name: "flow.tcp.rtt.mean", Unit: "us", Calico: "tcp_mean_smooth_rtt",
			Description: "Mean of the smoothed round-trip times of the record's connections.", Absent: unmeasured,
		}, func(t *TCP) (sum, samples uint64) { return t.RTTSum, t.RTTSamples }),
		extreme(Attribute{
			Name: "flow.tcp.rtt.min", Merge: MergeLeast, Unit: "us",
			Description: "Least round-trip time that a connection measured.", Absent: unmeasured,
		}, func(t *TCP) *uint32 { return &t.RTTMin }),
		extreme(Attribute{
			Name: "flow.tcp.rtt.max", Merge: MergeMost, Unit: "us", Calico: "tcp_max_smooth_rtt",
			Description: "Largest smoothed round-trip time.", Absent: unmeasured,
		}, func(t *TCP) *uint32 { return &t.RTTMax }),
		tcpCounter(Attribute{
			Name: "flow.tcp.rtt.sum", Unit: "us",
			Description: "Sum of the smoothed round-trip times, so that means over many records stay exact.", Absent: unmeasured,
		}, func(t *TCP) *uint64 { return &t.RTTSum }),
		tcpCounter(Attribute{
			Name: "flow.tcp.rtt.samples", Unit: "{connection}",
			Description: "Connections in flow.tcp.rtt.sum and flow.tcp.min_rtt.sum.", Absent: unmeasured,
		}, func(t *TCP) *uint64 { return &t.RTTSamples }),
		mean(Attribute{
			Name: "flow.tcp.min_rtt.mean", Unit: "us", Calico: "tcp_mean_min_rtt",
			Description: "Mean of the least round-trip times that each connection measured lately.", Absent: unmeasured,
		}, func(t *TCP) (sum, samples uint64) { return t.MinRTTSum, t.RTTSamples }),
		extreme(Attribute{
			Name: "flow.tcp.min_rtt.max", Merge: MergeMost, Unit: "us", Calico: "tcp_max_min_rtt",
			Description: "Largest of the least round-trip times that each connection measured lately.", Absent: unmeasured,
		}, func(t *TCP) *uint32 { return &t.MinRTTMax }),
		tcpCounter(Attribute{
			Name: "flow.tcp.min_rtt.sum", Unit: "us",
			Description: "Sum of the least round-trip times that each connection measured lately.", Absent: unmeasured,
		}, func(t *TCP) *uint64 { return &t.MinRTTSum }),
		mean(Attribute{
			Name: "flow.tcp.handshake.mean", Unit: "us",
			Description: "Mean time of the handshake: from the SYN to its answer at the source, from the answer to its acknowledgement at the destination.",
			Absent:      "no connection began, or none of them tells",
		}, func(t *TCP) (sum, samples uint64) { return t.HandshakeSum, t.HandshakeSamples }),
		extreme(Attribute{
			Name: "flow.tcp.handshake.max", Merge: MergeMost, Unit: "us",
			Description: "Longest handshake.", Absent: "as flow.tcp.handshake.mean",
		}, func(t *TCP) *uint32 { return &t.HandshakeMax }),
		tcpCounter(Attribute{
			Name: "flow.tcp.handshake.sum", Unit: "us",
			Description: "Sum of the handshakes.", Absent: "as flow.tcp.handshake.mean",
		}, func(t *TCP) *uint64 { return &t.HandshakeSum }),
		tcpCounter(Attribute{
			Name: "flow.tcp.handshake.samples", Unit: "{connection}",
			Description: "Connections in flow.tcp.handshake.sum, each in one record.", Absent: "as flow.tcp.handshake.mean",
		}, func(t *TCP) *uint64 { return &t.HandshakeSamples }),
		mean(Attribute{
			Name: "flow.tcp.cwnd.mean", Unit: "{packet}", Calico: "tcp_mean_send_congestion_window",
			Description: "Mean congestion window that the reporter sent with, at the reports of its connections.", Absent: unmeasured,
		}, func(t *TCP) (sum, samples uint64) { return t.CwndSum, t.Samples }),
		extreme(Attribute{
			Name: "flow.tcp.cwnd.min", Merge: MergeLeast, Unit: "{packet}", Calico: "tcp_min_send_congestion_window",
			Description: "Least congestion window.", Absent: unmeasured,
		}, func(t *TCP) *uint32 { return &t.CwndMin }),
		tcpCounter(Attribute{
			Name: "flow.tcp.cwnd.sum", Unit: "{packet}",
			Description: "Sum of the congestion windows.", Absent: unmeasured,
		}, func(t *TCP) *uint64 { return &t.CwndSum }),
		mean(Attribute{
			Name: "flow.tcp.mss.mean", Unit: "By", Calico: "tcp_mean_mss",
			Description: "Mean of the largest segments that the reporter could send, at the reports of its connections.", Absent: unmeasured,
		}, func(t *TCP) (sum, samples uint64) { return t.MSSSum, t.Samples }),
		extreme(Attribute{
			Name: "flow.tcp.mss.min", Merge: MergeLeast, Unit: "By", Calico: "tcp_min_mss",
			Description: "Least of them.", Absent: unmeasured,
		}, func(t *TCP) *uint32 { return &t.MSSMin }),
		tcpCounter(Attribute{
			Name: "flow.tcp.mss.sum", Unit: "By",
			Description: "Sum of them.", Absent: unmeasured,
		}, func(t *TCP) *uint64 { return &t.MSSSum }),
		tcpCounter(Attribute{
			Name: "flow.tcp.samples", Unit: "{connection}",
			Description: "Reports of connections in flow.tcp.cwnd.sum and flow.tcp.mss.sum.", Absent: unmeasured,
		}, func(t *TCP) *uint64 { return &t.Samples }),
		tcpCounter(Attribute{
			Name: "flow.tcp.retransmits", Unit: "{packet}", Calico: "tcp_total_retransmissions",
			Description: "Segments that the reporter sent again.", Absent: "zero",
		}, func(t *TCP) *uint64 { return &t.Retransmits }),
		tcpCounter(Attribute{
			Name: "flow.tcp.lost", Unit: "{packet}", Calico: "tcp_lost_packets",
			Description: "Segments of the reporter that it took for lost.", Absent: "zero",
		}, func(t *TCP) *uint64 { return &t.Lost }),
		tcpCounter(Attribute{
			Name: "flow.tcp.timeouts.unrecovered", Unit: "{timeout}", Calico: "tcp_unrecovered_to",
			Description: "Retransmissions by timeout after which nothing had come back by the report.", Absent: "zero",
		}, func(t *TCP) *uint64 { return &t.Timeouts }),
		tcpCounter(Attribute{
			Name: "flow.tcp.zero_window", Unit: "{connection}",
			Description: "Reports of connections whose other end had closed its window.", Absent: "zero",
		}, func(t *TCP) *uint64 { return &t.ZeroWindow }),
		tcpCounter(Attribute{
			Name: "flow.tcp.window_limited", Unit: "us",
			Description: "For how long data of the reporter waited because the other end's window was full, added up over connections.", Absent: "zero",
		}, func(t *TCP) *uint64 { return &t.WindowLimited }),
		enum(Attribute{
			Name: "flow.tcp.final_state", Role: Dimension, Merge: MergeMixed, Elastic: "keyword", Values: tcpStateNames[1:],
			Description: "State of the reporter's sockets just before their end: time_wait if this end closed first, last_ack if the other did; mixed for several.",
			Absent:      "no connection ended",
		}, func(f *Flow) *TCPState { return &f.TCP.FinalState }, ParseTCPState),
	}
}

// mean is a sum over its number of samples, for those who look at one record.
func mean(a Attribute, of func(*TCP) (sum, samples uint64)) Field[Flow] {
	a.Type, a.Role, a.Elastic = Integer, Gauge, "long"
	return derived(a, func(f *Flow) Value {
		sum, samples := of(&f.TCP)
		if samples == 0 || sum == 0 {
			return Value{}
		}
		return Value{Type: Integer, Int: int64(sum / samples)}
	})
}

func extreme(a Attribute, member func(*TCP) *uint32) Field[Flow] {
	a.Role, a.Elastic = Gauge, "long"
	return known(a, func(f *Flow) *uint32 { return member(&f.TCP) })
}

func tcpCounter(a Attribute, member func(*TCP) *uint64) Field[Flow] {
	a.Role, a.Elastic = Counter, "long"
	return known(a, func(f *Flow) *uint64 { return member(&f.TCP) })
}
