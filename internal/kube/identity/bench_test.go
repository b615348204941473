package identity_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
)

// sizes are the clusters that are measured, in pods.
var sizes = []int{1_000, 10_000, 100_000}

// began is when the generated pods started, in seconds.
const began = 1_000

func podAddress(i int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 10<<24|uint32(i))
	return netip.AddrFrom4(b)
}

// generate makes the i-th pod of a cluster in which ten pods share a workload and its
// labels, thirty a node, and one in ten has labels of its own; with two addresses and two
// containers, freshly allocated as from the wire.
func generate(i int, owners []*identity.Owner) *identity.Pod {
	workload := i / 10
	labels := map[string]string{
		"app": fmt.Sprintf("app-%d", workload), "pod-template-hash": fmt.Sprintf("%010d", workload), "app.kubernetes.io/part-of": "shop", "app.kubernetes.io/managed-by": "helm",
	}
	if i%10 == 0 {
		labels["statefulset.kubernetes.io/pod-name"] = fmt.Sprintf("app-%d-%d", workload, i)
	}
	v6 := podAddress(i).As4()
	return &identity.Pod{
		UID: fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i), Name: fmt.Sprintf("app-%d-%010d-%05x", workload, workload, i),
		Namespace: flow.Intern(fmt.Sprintf("namespace-%d", i%100)), Prefix: flow.Intern(fmt.Sprintf("app-%d-%010d-*", workload, workload)),
		Labels: flow.LabelsOfMap(labels), Node: flow.Intern(fmt.Sprintf("node-%d", i/30)), Owner: owners[workload],
		Containers: []identity.Container{
			{ID: identity.IDOf(fmt.Sprintf("%064x", 2*i+1)), Name: flow.Intern("main")}, {ID: identity.IDOf(fmt.Sprintf("%064x", 2*i+2)), Name: flow.Intern("proxy")},
		},
		Addresses: []netip.Addr{podAddress(i), netip.AddrFrom16([16]byte{0: 0xfd, 12: v6[0], 13: v6[1], 14: v6[2], 15: v6[3]})},
		Started:   seconds(began), Ran: seconds(began + 2),
	}
}

func generateOwners(pods int) []*identity.Owner {
	owners := make([]*identity.Owner, pods/10+1)
	for i := range owners {
		owners[i] = new(identity.Owner)
		owners[i].Learn(identity.Workload{Kind: flow.Intern("Deployment"), Name: flow.Intern(fmt.Sprintf("app-%d", i))})
	}
	return owners
}

func fill(pods int) (*identity.Index, []*identity.Owner) {
	x := identity.NewIndex(grace, time.Now)
	owners := generateOwners(pods)
	for i := range pods {
		x.SetPod(generate(i, owners))
	}
	return x, owners
}

// BenchmarkPodAt asks for both ends of a flow, alone and while two writers change
// some 1,000 pods a second.
func BenchmarkPodAt(b *testing.B) {
	for _, pods := range sizes {
		x, owners := fill(pods)
		b.Run(fmt.Sprintf("pods=%d", pods), func(b *testing.B) { askBothEnds(b, x, pods) })
		b.Run(fmt.Sprintf("pods=%d/writers=2", pods), func(b *testing.B) {
			var wg sync.WaitGroup
			var stop atomic.Bool
			var writes atomic.Int64
			began := time.Now()
			for w := range 2 {
				wg.Go(func() {
					for i := 0; !stop.Load(); time.Sleep(time.Millisecond) {
						for due := int(time.Since(began) / (2 * time.Millisecond)); i < due; i++ {
							x.SetPod(generate((2*i+w)*7%pods, owners))
							writes.Add(1)
						}
					}
				})
			}
			before, since := writes.Load(), time.Now()
			askBothEnds(b, x, pods)
			b.ReportMetric(float64(writes.Load()-before)/time.Since(since).Seconds(), "writes/s")
			stop.Store(true)
			wg.Wait()
		})
	}
}

func askBothEnds(b *testing.B, x *identity.Index, pods int) {
	now := time.Now().UnixNano()
	b.ReportAllocs()
	b.ResetTimer()
	m := meter.Start()
	b.RunParallel(func(pb *testing.PB) {
		for i := 1; pb.Next(); i += 977 {
			for _, k := range [2]int{i, i * 31} {
				if p, _ := x.PodAt(podAddress(k%pods), now, now); p == nil {
					b.Error("no pod")
					return
				}
			}
		}
	})
	m.Each(b, "flow", 1)
}

// BenchmarkMemory reports what a pod takes in the index: the pod, its keys, its tenures and
// its share of interned text.
func BenchmarkMemory(b *testing.B) {
	for _, pods := range sizes {
		b.Run(fmt.Sprintf("pods=%d", pods), func(b *testing.B) {
			for b.Loop() {
				before := meter.Heap()
				x, owners := fill(pods)
				b.ReportMetric(float64(int64(meter.Heap())-int64(before))/float64(pods), "B/pod")
				if x.Size().Pods != pods || len(owners) == 0 {
					b.Fatal(x.Size())
				}
			}
		})
	}
}

// BenchmarkChange changes pods of a full index: a pod gets other labels, or goes and
// another takes its address.
func BenchmarkChange(b *testing.B) {
	for _, pods := range sizes {
		x, owners := fill(pods)
		b.Run(fmt.Sprintf("pods=%d", pods), func(b *testing.B) {
			b.ReportAllocs()
			m := meter.Start()
			i := 0
			for b.Loop() {
				p := generate(i%pods, owners)
				if i++; i%2 == 0 {
					x.DeletePod(p.UID)
				}
				x.SetPod(p)
				if i%1000 == 0 {
					x.Sweep()
				}
			}
			m.Each(b, "change", 1)
		})
	}
}
