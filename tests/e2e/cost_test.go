package e2e

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/bpfobjects"
)

// The benchmarks of this file measure what the agent costs the machine that it
// watches: the shipped binary on its shipped configuration, beside traffic of
// another process. A round with the agent and one without follow each other, so
// that what changes on the machine meanwhile meets both; the figures are medians
// over the rounds. One operation is all the rounds.

const (
	rounds      = 11
	connections = 30_000
	datagrams   = 1_000_000
)

// startAgent runs the binary as `make run` does, with what it records in a
// directory of its own.
func startAgent(b *testing.B, args ...string) *collector {
	b.Helper()
	if os.Geteuid() != 0 {
		b.Skip("recording flows needs root")
	}
	return startAt(b, freeAddress(b), b.TempDir(), args...).ready()
}

// inTurns measures without the agent and with it, in changing order.
func inTurns(b *testing.B, measure func() float64) (without, with []float64) {
	b.Helper()
	measureWith := func() {
		agent := startAgent(b)
		time.Sleep(5 * time.Second) // starting is over
		with = append(with, measure())
		agent.stop()
	}
	for round := range rounds {
		if round%2 == 1 {
			measureWith()
		}
		without = append(without, measure())
		if round%2 == 0 {
			measureWith()
		}
	}
	return without, with
}

// reportTurns reports the medians and the median of the rounds' ratios.
func reportTurns(b *testing.B, unit string, without, with []float64) {
	ratios := make([]float64, len(with))
	for i := range with {
		ratios[i] = with[i] / without[i]
	}
	b.Logf("without %.0f, with %.0f %s, ratios %.3f", without, with, unit, ratios)
	b.ReportMetric(median(without), unit+"-without")
	b.ReportMetric(median(with), unit+"-with")
	b.ReportMetric(median(ratios), "ratio")
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// BenchmarkConnectRate connects, asks, is answered and closes, one connection
// after the other.
func BenchmarkConnectRate(b *testing.B) {
	for b.Loop() {
		without, with := inTurns(b, func() float64 { return connections / makeMany(b, "exchange", connections).Seconds() })
		reportTurns(b, "connections/s", without, with)
	}
}

// BenchmarkThroughput is one long connection as fast as it goes.
func BenchmarkThroughput(b *testing.B) {
	iperf3, err := exec.LookPath("iperf3")
	if err != nil {
		b.Skip("iperf3 is not installed: make bench installs it")
	}
	_, port, _ := strings.Cut(freeAddress(b), ":")
	server := exec.Command(iperf3, "--server", "--bind=127.0.0.1", "--port="+port)
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for b.Loop() {
		without, with := inTurns(b, func() float64 {
			out, err := exec.Command(iperf3, "--client=127.0.0.1", "--port="+port, "--time=3", "--format=m").Output()
			if err != nil {
				b.Fatalf("iperf3: %v\n%s", err, out)
			}
			return receivedMbits(b, string(out))
		})
		reportTurns(b, "Mbit/s", without, with)
	}
}

// receivedMbits finds the receiver's rate in what an iperf3 client prints.
func receivedMbits(b *testing.B, out string) float64 {
	b.Helper()
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		at := slices.Index(fields, "Mbits/sec")
		if at < 1 || !strings.Contains(line, "receiver") {
			continue
		}
		rate, err := strconv.ParseFloat(fields[at-1], 64)
		if err != nil {
			b.Fatal(err)
		}
		return rate
	}
	b.Fatalf("iperf3 printed no rate:\n%s", out)
	return 0
}

// BenchmarkDatagramRate sends small datagrams through one flow.
func BenchmarkDatagramRate(b *testing.B) {
	for b.Loop() {
		without, with := inTurns(b, func() float64 { return datagrams / makeMany(b, "datagrams", datagrams).Seconds() })
		reportTurns(b, "datagrams/s", without, with)
	}
}

// BenchmarkPrograms asks the kernel how long the BPF programs ran for each
// connection, or for each datagram, both its ends together. An empty program
// shows how much of that is the kernel's own measuring.
func BenchmarkPrograms(b *testing.B) {
	for _, traffic := range []struct {
		what  string
		count int
		unit  string
	}{{"exchange", connections, "connection"}, {"datagrams", datagrams, "datagram"}, {"drops", datagrams, "drop"}} {
		b.Run(traffic.unit, func(b *testing.B) { measurePrograms(b, traffic.what, traffic.count, traffic.unit) })
	}
}

func measurePrograms(b *testing.B, what string, count int, unit string) {
	stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
	if err != nil {
		b.Skipf("the kernel does not measure programs for us: %v", err)
	}
	defer stats.Close()
	agent := startAgent(b)
	empty := attachEmpty(b)
	makeMany(b, "exchange", 1000) // warms up, and measures the empty program
	const settle = 10 * time.Second
	time.Sleep(settle)
	idle := processorTime(b, agent.cmd.Process.Pid)
	time.Sleep(settle)
	idle = processorTime(b, agent.cmd.Process.Pid) - idle
	for b.Loop() {
		before := programTimes(b, agent)
		begun, started := processorTime(b, agent.cmd.Process.Pid), time.Now()
		makeMany(b, what, count)
		after := programTimes(b, agent)
		took := time.Since(started)
		time.Sleep(settle) // all of it is recorded and stored
		busy := processorTime(b, agent.cmd.Process.Pid) - begun
		busy -= time.Duration(float64(idle) * (took + settle).Seconds() / settle.Seconds())

		var sum programTime
		for name, now := range after {
			spent := now.since(before[name])
			if spent.runs < uint64(count)/100 {
				continue // once in an interval, not for the traffic
			}
			b.Logf("%-16s %5.2f runs for a %s, %4.0f ns each", name, float64(spent.runs)/float64(count), unit, spent.each())
			sum.runs, sum.time = sum.runs+spent.runs, sum.time+spent.time
		}
		floor := timesOf(b, empty).each()
		each := func(n float64) float64 { return n / float64(count) }
		b.ReportMetric(each(float64(sum.runs)), "runs/"+unit)
		b.ReportMetric(each(float64(sum.time.Nanoseconds())), "ns/"+unit)
		b.ReportMetric(each(float64(sum.time.Nanoseconds())-floor*float64(sum.runs)), "ns-net/"+unit)
		b.ReportMetric(floor, "ns-empty/run")
		b.ReportMetric(each(float64(busy.Microseconds())), "agent-cpu-µs/"+unit)
		b.ReportMetric(100*idle.Seconds()/settle.Seconds(), "agent-cpu-idle-%")
	}
}

// programTime is how often a program ran and how long in all.
type programTime struct {
	runs uint64
	time time.Duration
}

func (p programTime) since(before programTime) programTime {
	return programTime{runs: p.runs - before.runs, time: p.time - before.time}
}

func (p programTime) each() float64 { return float64(p.time.Nanoseconds()) / float64(p.runs) }

// programTimes reads the times of the agent's programs by their names.
func programTimes(b *testing.B, agent *collector) map[string]programTime {
	b.Helper()
	times := make(map[string]programTime)
	for _, held := range bpfobjects.HeldBy(b, agent.cmd.Process.Pid) {
		if held.Kind != bpfobjects.Program {
			continue
		}
		program, err := ebpf.NewProgramFromID(ebpf.ProgramID(held.ID))
		if err != nil {
			b.Fatal(err)
		}
		info, err := program.Info()
		if err != nil {
			b.Fatal(err)
		}
		times[info.Name] = timesOf(b, program)
		program.Close()
	}
	return times
}

func timesOf(b *testing.B, program *ebpf.Program) programTime {
	b.Helper()
	stats, err := program.Stats()
	if err != nil {
		b.Fatal(err)
	}
	return programTime{runs: stats.RunCount, time: stats.Runtime}
}

// attachEmpty attaches a program that does nothing to the tracepoint of the TCP
// engine.
func attachEmpty(b *testing.B) *ebpf.Program {
	b.Helper()
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "empty", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "inet_sock_set_state", License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		b.Fatal(err)
	}
	attached, err := link.AttachTracing(link.TracingOptions{Program: program})
	if err != nil {
		b.Fatal(errors.Join(err, program.Close()))
	}
	b.Cleanup(func() {
		_ = attached.Close()
		_ = program.Close()
	})
	return program
}

// BenchmarkCompleteness makes as much traffic as the machine can and compares what is
// recorded with what there was: the part that is, what is counted as lost, and
// what that takes of the agent.
func BenchmarkCompleteness(b *testing.B) {
	for _, traffic := range []struct {
		what  string
		count int
		// One end's sum that tells how much was recorded.
		query, sum string
	}{
		{"exchange", 200_000, "flow.reporter = source and network.transport = tcp and " + here, "flow.connections.completed"},
		{"datagrams", 2_000_000, "flow.reporter = source and network.transport = udp and " + here, "source.packets"},
		{"peers", 100_000, "flow.reporter = source and network.transport = udp and " + here, "source.packets"},
		{"drops", 1_000_000, "flow.action = deny and " + here, "source.packets"},
		{"flood", 500_000, "flow.deny.reason = socket_rcvbuff", "source.packets"}, // of most no namespace is known
	} {
		b.Run(traffic.what, func(b *testing.B) {
			for b.Loop() {
				measureCompleteness(b, traffic.what, traffic.count, traffic.query, traffic.sum)
			}
		})
	}
}

// here stands for the namespace of the traffic, which only the running child knows.
const here = "HERE"

func measureCompleteness(b *testing.B, what string, count int, query, sum string) {
	agent := startAgent(b)
	defer agent.stop()
	time.Sleep(5 * time.Second) // starting is over
	begun := processorTime(b, agent.cmd.Process.Pid)
	took, netns := makeManyIn(b, what, count)
	all, own := resident(b, agent.cmd.Process.Pid)
	time.Sleep(45 * time.Second) // flows have ended, and all of it is stored
	var got groups
	if err := agent.get("/api/v1/groups", url.Values{
		"by": {"flow.action"}, "reporter": {"all"}, "q": {strings.Replace(query, here, "network.namespace.inode = "+netns, 1)},
	}, &got); err != nil {
		b.Fatal(err)
	}
	var recorded, folded int64
	for _, g := range got.Groups {
		recorded += g.Sums[sum]
		folded += g.Sums["flow.folded"]
	}
	var status struct{ Agents []struct{ Lost uint64 } }
	if err := agent.get("/api/v1/status", nil, &status); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(count)/took.Seconds(), "made/s")
	b.ReportMetric(float64(recorded), "recorded")
	b.ReportMetric(100*float64(recorded)/float64(count), "recorded-%")
	b.ReportMetric(float64(folded), "folded")
	b.ReportMetric(float64(status.Agents[0].Lost), "lost")
	b.ReportMetric((processorTime(b, agent.cmd.Process.Pid) - begun).Seconds(), "agent-cpu-s")
	b.ReportMetric(float64(all)/(1<<20), "MiB")
	b.ReportMetric(float64(own)/(1<<20), "MiB-own")
}

// BenchmarkMemory reads the agent's resident memory when nothing happens and
// with many living connections, and how long it takes to ask them all.
func BenchmarkMemory(b *testing.B) {
	const sockets, settle = 100_000, 30 * time.Second
	for b.Loop() {
		agent := startAgent(b)
		time.Sleep(settle)
		report := func(when string) {
			all, own := resident(b, agent.cmd.Process.Pid)
			b.ReportMetric(float64(all)/(1<<20), "MiB-"+when)
			b.ReportMetric(float64(own)/(1<<20), "MiB-own-"+when)
		}
		report("idle")
		hold(b, sockets)
		time.Sleep(settle)
		report(fmt.Sprintf("%dk-sockets", sockets/1000))
		var status struct {
			Agents []struct{ Connections, Lost uint64 }
		}
		if err := agent.get("/api/v1/status", nil, &status); err != nil {
			b.Fatal(err)
		}
		if len(status.Agents) != 1 || status.Agents[0].Connections < sockets {
			b.Fatalf("%+v: want %d living connections", status.Agents, sockets)
		}
		b.ReportMetric(float64(status.Agents[0].Lost), "lost")
		agent.stop()
	}
}
