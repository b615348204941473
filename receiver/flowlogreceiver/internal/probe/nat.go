//go:build linux

package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// ownNamespace is the network namespace of this thread.
const ownNamespace = "/proc/thread-self/ns/net"

// NATOptions are those of the nat engine.
type NATOptions struct {
	// Namespace is a file of the network namespace whose connection tracking is
	// asked; empty is this process's own.
	Namespace string
}

// Tuple is a connection as its local end sends it.
type Tuple struct {
	Transport     flow.Transport
	Local, Remote netip.AddrPort
}

// Translation is a connection as the remote end sees it: what that takes the local
// end for, and what it is itself. Both are invalid when nothing is known; both are
// those of the Tuple when nothing is translated.
type Translation struct {
	Local, Remote netip.AddrPort
}

// Translator knows what connections are translated to on their way.
type Translator interface {
	// Translate puts the translation of each tuple, which must be of TCP or UDP,
	// at the same place in translations. Only one goroutine may call it.
	Translate(tuples []Tuple, translations []Translation) error
	// NetNS is the inode number of the network namespace that translates.
	NetNS() uint32
	// Close frees what the kernel holds. It works twice.
	Close() error
}

// nat is the Translator that asks the kernel's connection tracking. The kernel
// looks in the network namespace of the thread that asks.
type nat struct {
	objects bpf.NATObjects
	memory  *ebpf.Memory // of the queries
	queries [natBatch]bpf.NATNatQuery
	run     ebpf.RunOptions
	netns   uint32
	thread  *thread // that asks; nil when any may
}

const (
	// natBatch is how many tuples one system call looks up: the size of the map.
	natBatch     = 512
	natQuerySize = int(unsafe.Sizeof(bpf.NATNatQuery{}))
	// packetLen is what the kernel wants as a packet, which the program does not look at.
	packetLen = 64
)

func openNAT(opts Options) (_ Translator, err error) {
	n := &nat{run: ebpf.RunOptions{Data: make([]byte, packetLen)}}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	load := ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{ExtraRelocationTargets: conntrackTypes()}}
	if err := bpf.LoadNATObjects(&n.objects, &load); err != nil {
		return nil, fmt.Errorf("load nat program: %w", err)
	}
	if n.memory, err = n.objects.NatQueries.Memory(); err != nil {
		return nil, fmt.Errorf("map nat queries: %w", err)
	}
	namespace := ownNamespace
	if opts.NAT.Namespace != "" {
		namespace = opts.NAT.Namespace
		if n.thread, err = newThread(namespace); err != nil {
			return nil, err
		}
	}
	info, err := os.Stat(namespace)
	if err != nil {
		return nil, fmt.Errorf("look at network namespace: %w", err)
	}
	n.netns = uint32(info.Sys().(*syscall.Stat_t).Ino)
	return n, nil
}

func (n *nat) NetNS() uint32 { return n.netns }

func (n *nat) Translate(tuples []Tuple, translations []Translation) error {
	for len(tuples) > 0 {
		batch := min(len(tuples), natBatch)
		if err := n.translate(tuples[:batch], translations[:batch]); err != nil {
			return fmt.Errorf("look up translations: %w", err)
		}
		tuples, translations = tuples[batch:], translations[batch:]
	}
	return nil
}

// translate looks up no more than a batch.
func (n *nat) translate(tuples []Tuple, translations []Translation) error {
	queries := n.queries[:len(tuples)]
	for i := range tuples {
		queries[i] = bpf.NATNatQuery{Protocol: uint8(tuples[i].Transport), Sent: bpf.NATNatTuple{
			Source: tuples[i].Local.Addr().As16(), SourcePort: tuples[i].Local.Port(),
			Destination: tuples[i].Remote.Addr().As16(), DestinationPort: tuples[i].Remote.Port(),
		}}
	}
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&queries[0])), len(queries)*natQuerySize)
	if _, err := n.memory.WriteAt(raw, 0); err != nil {
		return err
	}
	if err := errors.Join(n.objects.NatNext.Set(uint32(0)), n.objects.NatCount.Set(uint32(len(queries)))); err != nil {
		return err
	}
	n.run.Repeat = uint32(len(queries))
	if err := n.thread.do(n.find); err != nil {
		return err
	}
	if _, err := n.memory.ReadAt(raw, 0); err != nil {
		return err
	}
	for i := range queries {
		translations[i] = Translation{}
		if answer := &queries[i].Answer; queries[i].Found != 0 {
			translations[i].Local = addrPort(answer.Destination, answer.DestinationPort)
			translations[i].Remote = addrPort(answer.Source, answer.SourcePort)
		}
	}
	return nil
}

// find has the kernel answer all queries. A signal makes it begin the repetitions
// anew, but not the queries that are answered.
func (n *nat) find() error {
	_, err := n.objects.NatFind.Run(&n.run)
	return err
}

func (n *nat) Close() error {
	n.thread.close()
	n.thread = nil
	return n.objects.Close()
}

// thread runs functions in another network namespace. A nil thread runs them where
// it is called.
type thread struct {
	calls   chan func() error
	results chan error
}

func newThread(namespace string) (*thread, error) {
	file, err := os.Open(namespace)
	if err != nil {
		return nil, fmt.Errorf("open network namespace: %w", err)
	}
	defer file.Close()
	t := &thread{calls: make(chan func() error), results: make(chan error)}
	go t.run(int(file.Fd()))
	if err := <-t.results; err != nil {
		return nil, fmt.Errorf("enter network namespace %s: %w", namespace, err)
	}
	return t, nil
}

func (t *thread) run(namespace int) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	err := unix.Setns(namespace, unix.CLONE_NEWNET)
	t.results <- err
	if err != nil {
		return
	}
	for call := range t.calls {
		t.results <- call()
	}
}

func (t *thread) do(call func() error) error {
	if t == nil {
		return call()
	}
	t.calls <- call
	return <-t.results
}

func (t *thread) close() {
	if t != nil {
		close(t.calls)
	}
}
