//go:build linux

package probe

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// MaxDNSPorts is how many ports of name servers there can be.
const MaxDNSPorts = 8

// DNSOptions are those of the dns engine.
type DNSOptions struct {
	// Ports are where name servers listen, at most MaxDNSPorts.
	Ports []uint16
}

// DNSMessage is a DNS message over UDP, seen at its client's end.
type DNSMessage struct {
	// Time is in nanoseconds of CLOCK_MONOTONIC.
	Time  int64
	NetNS uint32
	// Local is the client, Remote the name server. IPv4 is never mapped into IPv6.
	Local, Remote netip.AddrPort
	// Socket is the cookie of the client's socket. A connected one gets answers
	// from one address only, which address translation may show as another.
	Socket    uint64
	Connected bool
	ID        uint16
	// Answer is an answer, from its header on and as far as it was copied; nil for a
	// query.
	Answer []byte
}

// DNSSource delivers what the dns engine captures.
type DNSSource interface {
	// Read passes to f each message that came before the call, in order, and does
	// not wait for more. A message and what it holds are only valid within f. One
	// goroutine may read, until Close.
	Read(f func(*DNSMessage)) error
	// Losses returns what the engine has lost since Open.
	Losses() (Losses, error)
	// Close detaches the programs and frees what the kernel holds. It works twice.
	Close() error
}

type dns struct {
	objects bpf.DNSObjects
	links   []io.Closer
	reader  *ringbuf.Reader

	record      ringbuf.Record
	message     DNSMessage
	undecodable uint64
}

func openDNS(opts Options) (_ DNSSource, err error) {
	d := &dns{}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	var ports [MaxDNSPorts]uint16
	if n := copy(ports[:], opts.DNS.Ports); n < len(opts.DNS.Ports) {
		return nil, fmt.Errorf("%d ports are too many: use at most %d", len(opts.DNS.Ports), n)
	}
	err = load([]object{{bpf.LoadDNS, &d.objects}}, opts, func(spec *ebpf.CollectionSpec) error {
		return spec.Variables[bpf.DNSVarDnsPorts].Set(ports)
	})
	if err != nil {
		return nil, fmt.Errorf("load dns programs: %w", err)
	}
	// The ring comes first, so that it is there to close if the rest fails.
	if d.reader, err = ringbuf.NewReader(d.objects.DnsEvents); err != nil {
		return nil, fmt.Errorf("open ring buffer: %w", err)
	}
	group := opts.Scope.Dir()
	for _, hook := range []struct {
		program *ebpf.Program
		at      ebpf.AttachType
	}{
		{d.objects.DnsOut, ebpf.AttachCGroupInetEgress},
		{d.objects.DnsIn, ebpf.AttachCGroupInetIngress},
	} {
		attached, err := link.AttachCgroup(link.CgroupOptions{Path: group, Attach: hook.at, Program: hook.program})
		if err != nil {
			return nil, fmt.Errorf("attach to cgroup %s: %w", group, err)
		}
		d.links = append(d.links, attached)
	}
	return d, nil
}

func (d *dns) Read(f func(*DNSMessage)) error {
	if d.reader.AvailableBytes() == 0 {
		return nil
	}
	d.reader.SetDeadline(time.Now())
	for {
		err := d.reader.ReadInto(&d.record)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read ring buffer: %w", err)
		}
		if err := decodeDNS(&d.message, d.record.RawSample); err != nil {
			d.undecodable++
			continue
		}
		f(&d.message)
	}
}

func (d *dns) Losses() (Losses, error) {
	losses := Losses{Undecodable: d.undecodable}
	for _, index := range []bpf.DNSDnsCounter{bpf.DNSDnsCounterDNS_LOST_RING, bpf.DNSDnsCounterDNS_CUT} {
		var perCPU []uint64
		if err := d.objects.DnsCounters.Lookup(index, &perCPU); err != nil {
			return Losses{}, fmt.Errorf("read loss counters: %w", err)
		}
		for _, n := range perCPU {
			losses.DNS += n
		}
	}
	return losses, nil
}

func (d *dns) Close() error {
	var errs []error
	for _, l := range d.links {
		errs = append(errs, l.Close())
	}
	d.links = nil
	if d.reader != nil {
		errs = append(errs, d.reader.Close())
	}
	return errors.Join(append(errs, d.objects.Close())...)
}

const dnsEventSize = int(unsafe.Sizeof(bpf.DNSDnsEvent{}))

// decodeDNS reads one record of the ring buffer into m, whose answer stays part
// of sample.
func decodeDNS(m *DNSMessage, sample []byte) error {
	if len(sample) < dnsEventSize {
		return fmt.Errorf("decode dns event: %d bytes, want %d", len(sample), dnsEventSize)
	}
	// One machine, one byte order and one layout, as for the TCP engine.
	var e bpf.DNSDnsEvent
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&e)), dnsEventSize), sample)
	message := sample[dnsEventSize:]
	if int(e.Answer) > len(message) {
		return fmt.Errorf("decode dns event: %d bytes of an answer, want %d", len(message), e.Answer)
	}
	*m = DNSMessage{
		Time: int64(e.Time), NetNS: e.Netns, Socket: e.Socket, Connected: e.Connected != 0, ID: e.Id,
		Local: addrPort(e.Local, e.LocalPort), Remote: addrPort(e.Remote, e.RemotePort),
	}
	if e.Answer > 0 {
		m.Answer = message[:e.Answer]
	}
	return nil
}
