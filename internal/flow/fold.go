package flow

// Grain says how much of its ends a folded record tells.
type Grain uint8

const (
	// OwnEnd leaves what the reporter knows of itself, and the port that was asked for.
	OwnEnd Grain = iota
	// NoEnd leaves the observer, the reporter, the transport and what the kernel did.
	NoEnd
)

// Fold makes f a record that stands for itself and others: it leaves out what
// grain does not tell, so that many records have one key, and Merge adds the others
// to it. Every counter stays exact, except that a connection that was open in
// several intervals has been seen in each of them.
func (f *Flow) Fold(grain Grain) {
	f.Folded = max(f.Folded, 1)
	port := f.Destination.Port
	f.Source.Port, f.Source.OriginalPort = 0, 0
	if f.Reporter != ReporterSource || grain == NoEnd {
		f.Source.forget()
	}
	if f.Reporter != ReporterDestination || grain == NoEnd {
		f.Destination.forget()
	}
	if grain == OwnEnd {
		f.Destination.Port = port
		return
	}
	f.Denial = Denial{Class: f.Denial.Class}
	f.NetworkNamespace, f.Process, f.ICMP = 0, Process{}, ICMP{}
}

// forget leaves what e sent.
func (e *Endpoint) forget() {
	*e = Endpoint{Bytes: e.Bytes, Packets: e.Packets, PayloadBytes: e.PayloadBytes}
}
