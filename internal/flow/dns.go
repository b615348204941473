package flow

// DNS counts the lookups over UDP in a flow to a name server, as the client
// saw them.
//
//	Queries = Responses + Timeouts + those that still wait
//
// holds summed over the records of one flow.
type DNS struct {
	// Queries were sent, Responses came, Timeouts got none in time.
	Queries, Responses, Timeouts uint64

	// NXDomain, ServFail, Refused and OtherErrors part the responses by their
	// code; the rest were NOERROR.
	NXDomain, ServFail, Refused, OtherErrors uint64

	// LatencySum adds the times from query to response, LatencyMax is the longest
	// of them, in microseconds.
	LatencySum uint64
	LatencyMax uint32
}

// LatencyMean is the mean time from query to response, or 0 without responses.
func (d *DNS) LatencyMean() uint32 {
	if d.Responses == 0 {
		return 0
	}
	return uint32(d.LatencySum / d.Responses)
}

// Merge adds other to d.
func (d *DNS) Merge(other *DNS) {
	d.Queries += other.Queries
	d.Responses += other.Responses
	d.Timeouts += other.Timeouts
	d.NXDomain += other.NXDomain
	d.ServFail += other.ServFail
	d.Refused += other.Refused
	d.OtherErrors += other.OtherErrors
	d.LatencySum += other.LatencySum
	d.LatencyMax = max(d.LatencyMax, other.LatencyMax)
}
