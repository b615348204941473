//go:build linux

package probe

import (
	"errors"
	"net/netip"
	"time"

	"github.com/cilium/ebpf"
)

// Options are what the engines are opened with.
type Options struct {
	// RingBufferSize is in bytes, a power of two.
	RingBufferSize int
	// ExcludeSelf leaves out the sockets of this process.
	ExcludeSelf bool
	// Scope is whose sockets count.
	Scope    Scope
	Filter   Filter
	Datagram FlowOptions
	Drops    DropsOptions
	NAT      NATOptions
	Forward  ForwardOptions
	// Warn is told what limits an engine that runs; nil if nobody wants to know.
	Warn func(error)
	DNS  DNSOptions

	// rejects is the map of that name, which engines share.
	rejects *ebpf.Map
}

// FlowOptions are those of an engine that counts packets.
type FlowOptions struct {
	// MaxFlows is how many flows the kernel counts at once.
	MaxFlows int
	// IdleUDP, IdleICMP, IdleTCP and IdleOther are for how long a flow of UDP, of
	// ICMP, of TCP, and of any other protocol may be silent before it ends. The
	// datagram engine has no TCP.
	IdleUDP, IdleICMP, IdleTCP, IdleOther time.Duration
}

// ForwardOptions are those of the forward engine.
type ForwardOptions struct {
	FlowOptions
	// Interfaces are patterns as path.Match has them; a name that one of Exclude
	// matches is not chosen.
	Interfaces, Exclude []string
	// NetNS is the path of the network namespace whose interfaces are meant; empty
	// for the process's own.
	NetNS string
}

// Filter leaves out flows in the kernel. Addresses match at either end, ports
// at the destination; an empty list asks for nothing.
type Filter struct {
	IncludeAddresses, ExcludeAddresses []netip.Prefix
	IncludePorts, ExcludePorts         []uint16
}

// Engine is one way of capturing, or of completing what others capture.
type Engine struct {
	Name string
	// Missing says what this machine lacks for the engine and what to do about
	// it, or nil. It wraps ErrUnneeded if the lack takes nothing away.
	Missing func() error
	// Open loads and attaches the engine; nothing is left behind on an error.
	Open func(Options) (Source, error)
	// OpenTranslator is there instead of Open if the engine captures nothing itself.
	OpenTranslator func(Options) (Translator, error)
	// OpenDNS does that for an engine that names what others record; it then has no
	// Open.
	OpenDNS func(Options) (DNSSource, error)
}

// The names of the engines.
const (
	TCP      = "tcp"
	Datagram = "datagram"
	Drops    = "drops"
	NAT      = "nat"
	Forward  = "forward"
	DNS      = "dns"
)

// Engines returns every engine that there is, in the order of starting.
func Engines() []Engine {
	rejects := new(sharedMap)
	return []Engine{
		{Name: TCP, Missing: missingForTCP, Open: openTCP},
		{Name: Datagram, Missing: missingForDatagram, Open: rejects.with(openDatagram)},
		{Name: Forward, Missing: missingForForward, Open: openForward},
		// Last, so that a sweep has told who sent before it tells what was dropped.
		{Name: Drops, Missing: missingForDrops, Open: rejects.with(openDrops)},
		{Name: NAT, Missing: missingForNAT, OpenTranslator: openNAT},
		{Name: DNS, Missing: missingForDatagram, OpenDNS: openDNS},
	}
}

// ErrUnneeded is why an engine is off that has nothing to do on this machine.
var ErrUnneeded = errors.New("there is nothing to do for the engine")

// ErrCut is returned by Source.Read after the last event of an interval.
var ErrCut = errors.New("interval cut")

// Source delivers what one engine captures.
type Source interface {
	// Read fills events from the front and returns how many it filled, which may
	// be 0: it does not wait longer than a fraction of a second. ErrCut comes
	// once for each Sweep, when all events of the interval were returned;
	// os.ErrClosed comes after Close. Only one goroutine may read.
	Read(events []Event) (int, error)
	// Sweep makes every living connection that has news report it, as sweep
	// number generation, and then cuts the interval: also when it fails, except
	// after Close. It returns when the events are under way, and needs a concurrent
	// Read. Sweep must not run twice at a time.
	//
	// A Closed event of a connection that the running sweep has already visited
	// carries its generation, and belongs after the cut.
	Sweep(generation uint32) (SweepResult, error)
	// Losses returns what the engine has lost since Open. Safe for concurrent use.
	Losses() (Losses, error)
	// Close detaches the programs and frees what the kernel holds. It works twice.
	Close() error
}

// SweepResult is the outcome of a sweep.
type SweepResult struct {
	// Live is the number of living connections, and of flows that are not idle.
	Live uint64
	// Deferred is the number of those whose news did not fit into the ring
	// buffer; the next sweep carries them.
	Deferred uint64
}

// Losses counts what an engine could not deliver, since it was opened.
type Losses struct {
	// Storage counts connections for which the kernel had no memory.
	Storage uint64
	// Ring counts connections whose last event found the ring buffer full.
	Ring uint64
	// Listeners counts listeners that went unnoticed, for either reason. Their
	// connections are reported, without the name of the process at the far end.
	Listeners uint64
	// Packets counts packets for whose flow there was no room.
	Packets uint64
	// Hook is how often the kernel passed a program over because it was running
	// already: at most so many dropped packets went unnoticed.
	Hook uint64
	// DNS counts DNS messages that found the ring buffer full, or were cut.
	DNS uint64
	// Undecodable counts records that made no sense.
	Undecodable uint64
}
