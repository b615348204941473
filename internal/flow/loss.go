package flow

// Loss says that something was lost, where, and how much. It travels as a log
// record of its own (EventLoss) beside the flows it is missing from.
type Loss struct {
	ID       ID
	Observer Observer
	// Start and End bound when it was lost, in nanoseconds since the Unix epoch.
	Start, End int64
	// Stage is where: one of the Stage constants.
	Stage string
	// Unit is what Count counts: one of the Unit constants.
	Unit  string
	Count uint64
}

// The stages at which something can be lost, from the kernel outwards.
const (
	StageHook          = "hook"           // the kernel passed a program over: at most Count were missed
	StageSocketStorage = "socket_storage" // the kernel had no memory for a socket's counters
	StageRingBuffer    = "ring_buffer"    // the ring buffer was full
	StageDNS           = "dns"            // no room for DNS messages; only domains and counts of lookups are short
	StageMerge         = "merge"          // the table of open records was full
	StagePipeline      = "pipeline"       // the next component refused the records
	StageCrash         = "crash"          // the collector ended without passing on what it held: about Count
)

// The units of a loss.
const (
	UnitConnections = "connections"
	UnitRecords     = "records"
	UnitPackets     = "packets"
)

// Agent is a sign of life that a capturing agent sends when it starts, each interval
// and when it stops: what it captures, what it does not and why, and what it costs. It
// travels as a log record of its own (EventAgent).
type Agent struct {
	ID       ID
	Observer Observer
	// Time is when it was sent, Started when the agent started, in nanoseconds
	// since the Unix epoch.
	Time, Started int64
	Version       string
	// Interval is the time between two signs of life, in nanoseconds.
	Interval int64
	// Ended is set in the last sign of an agent that stops: it sees nothing later than
	// Time. One that is killed has no time to say so.
	Ended   bool
	Engines []Engine
	// Connections is the number of live connections at Time, and of flows that are
	// not idle; 0 in the first sign, before they are counted.
	Connections uint64
	// Records counts the flow records sent since Started, Lost the connections
	// and records lost since then.
	Records, Lost uint64
	// CPUTime is the processor time that the agent has used since Started, in
	// nanoseconds; Memory its resident set in bytes.
	CPUTime int64
	Memory  uint64
}

// Engine is one way of capturing.
type Engine struct {
	// Name is "tcp", "datagram", "drops", "forward", "nat" or "dns".
	Name string
	On   bool
	// Detail says why an engine is off and what to do, or what limits one that is on.
	Detail string
}
