//go:build linux

package probe

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

// BenchmarkDNSPrograms asks the kernel how long the programs at the root of
// cgroup2 run for a packet: those of the datagram engine with the dns engine on
// and off, those of the dns engine, and one that does nothing, which shows how
// much of that is the kernel's own measuring.
func BenchmarkDNSPrograms(b *testing.B) {
	if err := missingForDatagram(); err != nil {
		b.Skip(err)
	}
	stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
	if err != nil {
		b.Skipf("the kernel does not measure programs for us: %v", err)
	}
	defer stats.Close()
	for _, traffic := range []struct {
		name    string
		connect func(*testing.B, *netns.NS) (client, server net.Conn)
	}{
		{"dns", func(b *testing.B, ns *netns.NS) (net.Conn, net.Conn) { return datagramPair(b, ns, "53") }},
		{"other datagrams", func(b *testing.B, ns *netns.NS) (net.Conn, net.Conn) { return datagramPair(b, ns, "9000") }},
		{"tcp", segmentPair},
	} {
		for name, on := range map[string]bool{"on": true, "off": false} {
			b.Run(traffic.name+"/"+name, func(b *testing.B) { measureDNS(b, on, traffic.connect) })
		}
	}
}

// datagramPair returns two sockets that send to each other, one from that port.
func datagramPair(b *testing.B, ns *netns.NS, port string) (client, server net.Conn) {
	b.Helper()
	ns.Do(b, func() (err error) {
		s, err := net.ListenPacket("udp", "127.0.0.1:"+port)
		if err != nil {
			return err
		}
		if client, err = net.Dial("udp", s.LocalAddr().String()); err != nil {
			return errors.Join(err, s.Close())
		}
		server = answering{s.(*net.UDPConn), client.LocalAddr()}
		return nil
	})
	return client, server
}

// answering writes to the other end of a pair.
type answering struct {
	*net.UDPConn
	to net.Addr
}

func (a answering) Write(p []byte) (int, error) { return a.WriteTo(p, a.to) }

func segmentPair(b *testing.B, ns *netns.NS) (client, server net.Conn) {
	b.Helper()
	ns.Do(b, func() error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
			return err
		}
		server, err = l.Accept()
		return err
	})
	return client, server
}

func measureDNS(b *testing.B, on bool, connect func(*testing.B, *netns.NS) (client, server net.Conn)) {
	source, err := openDatagram(Options{Datagram: FlowOptions{MaxFlows: 65536, IdleUDP: time.Minute, IdleICMP: time.Minute, IdleOther: time.Minute}})
	require.NoError(b, err)
	defer source.Close()
	datagrams := source.(*datagram)
	programs := map[string]*ebpf.Program{"datagram-out": datagrams.programs.DatagramOut, "datagram-in": datagrams.programs.DatagramIn, "empty": attachEmpty(b)}
	var names *dns
	if on {
		opened, err := openDNS(Options{DNS: DNSOptions{Ports: []uint16{53}}})
		require.NoError(b, err)
		defer opened.Close()
		names = opened.(*dns)
		programs["dns-out"], programs["dns-in"] = names.objects.DnsOut, names.objects.DnsIn
	}
	client, server := connect(b, netns.New(b))
	defer server.Close()
	defer client.Close()
	before := runTimes(b, programs)
	question, answer, buffer := message(30, 1, false), message(100, 1, true), make([]byte, 512)
	for n := 0; b.Loop(); n++ {
		_, err := client.Write(question)
		require.NoError(b, err)
		_, err = server.Read(buffer)
		require.NoError(b, err)
		_, err = server.Write(answer)
		require.NoError(b, err)
		_, err = client.Read(buffer)
		require.NoError(b, err)
		if names != nil && n%1000 == 0 {
			require.NoError(b, names.Read(func(*DNSMessage) {}))
		}
	}
	for name, now := range runTimes(b, programs) {
		spent := now.Runtime - before[name].Runtime
		b.ReportMetric(float64(spent.Nanoseconds())/float64(now.RunCount-before[name].RunCount), name+"-ns/run")
	}
}

func runTimes(b *testing.B, programs map[string]*ebpf.Program) map[string]*ebpf.ProgramStats {
	b.Helper()
	times := make(map[string]*ebpf.ProgramStats)
	for name, program := range programs {
		stats, err := program.Stats()
		require.NoError(b, err)
		times[name] = stats
	}
	return times
}

// attachEmpty attaches a program that does nothing to egress.
func attachEmpty(b *testing.B) *ebpf.Program {
	b.Helper()
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "empty", Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetEgress, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()},
	})
	require.NoError(b, err)
	attached, err := link.AttachCgroup(link.CgroupOptions{Path: CgroupRoot(), Attach: ebpf.AttachCGroupInetEgress, Program: program})
	require.NoError(b, err)
	b.Cleanup(func() {
		require.NoError(b, attached.Close())
		require.NoError(b, program.Close())
	})
	return program
}
