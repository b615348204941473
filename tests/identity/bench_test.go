package identity

import (
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

// perNode is how many pods a fake node has.
const perNode = 50

// BenchmarkCluster measures against a real API server, with pods that kwok runs: how long a
// cluster takes to be seen from nothing, what a pod takes then, and how many changes
// a second the server can make and the watch follows, and what that costs this process,
// which also makes them.
func BenchmarkCluster(b *testing.B) {
	c := cluster.New(b, cluster.Options{Kwok: true})
	kubeconfig := c.Kubeconfig()
	if err := c.AddFakeNodes(b.Context(), 10_000/perNode); err != nil {
		b.Fatal(err)
	}
	made := 0
	for _, pods := range []int{1_000, 10_000} {
		namespace := fmt.Sprint("bench-", pods)
		post(b, c, "/api/v1/namespaces", object{"metadata": object{"name": namespace}})
		began := time.Now()
		add := pods - made
		err := c.AddFakePods(b.Context(), namespace, add, func(i int, pod object) {
			pod["metadata"].(object)["labels"] = object{"app": fmt.Sprint("app-", i/10), "pod-template-hash": fmt.Sprint(i / 10), "tier": "web"}
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Logf("%d pods more run after %s", add, time.Since(began).Round(time.Second))
		made = pods
		b.Run(fmt.Sprintf("start/pods=%d", pods), func(b *testing.B) { start(b, kubeconfig, pods) })
		b.Run(fmt.Sprintf("storm/pods=%d", pods), func(b *testing.B) { storm(b, c, namespace, add) })
	}
}

func post(b *testing.B, c *cluster.Cluster, path string, o object) {
	b.Helper()
	if err := c.Admin().Do(b.Context(), http.MethodPost, path, o, nil); err != nil {
		b.Fatal(err)
	}
}

func acquire(b *testing.B, kubeconfig string) (*kube.Cluster, func()) {
	b.Helper()
	c, release, err := kube.Acquire(kube.Config{Kubeconfig: kubeconfig, Grace: grace}, everything, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	for !c.Settled() {
		time.Sleep(time.Millisecond)
	}
	return c, release
}

func start(b *testing.B, kubeconfig string, pods int) {
	before := meter.Heap()
	m := meter.Start()
	for b.Loop() {
		c, release := acquire(b, kubeconfig)
		if n := c.Index.Size().Pods; n != pods {
			b.Fatalf("%d pods of %d", n, pods)
		}
		b.StopTimer()
		b.ReportMetric(float64(int64(meter.Heap())-int64(before))/float64(pods), "B/pod")
		release()
		b.StartTimer()
	}
	m.Each(b, "pod", pods)
}

// storm changes an annotation and a label of each pod in turn for five seconds, by eight
// at a time, while two goroutines ask for addresses.
func storm(b *testing.B, c *cluster.Cluster, namespace string, pods int) {
	watched, release := acquire(b, c.Kubeconfig())
	defer release()
	for b.Loop() {
		var next, asked atomic.Int64
		var wg sync.WaitGroup
		until := time.Now().Add(5 * time.Second)
		for range 8 {
			wg.Go(func() {
				for time.Now().Before(until) {
					i := next.Add(1)
					path := fmt.Sprintf("/api/v1/namespaces/%s/pods/fake-%d", namespace, int(i)%pods)
					if err := c.Admin().Do(b.Context(), http.MethodPatch, path, object{"metadata": object{"labels": object{"round": fmt.Sprint(i)}}}, nil); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		for range 2 {
			wg.Go(func() {
				for i := 0; time.Now().Before(until); i++ {
					now := time.Now().UnixNano()
					for range 100 {
						watched.Index.PodAt(netip.AddrFrom4([4]byte{10, 100, byte(i >> 8), byte(i)}), now, now)
					}
					asked.Add(100)
					time.Sleep(time.Millisecond)
				}
			})
		}
		wg.Wait()
		last := int(next.Load())
		changed := time.Now()
		var pod created
		if err := c.Admin().Do(b.Context(), http.MethodGet, fmt.Sprintf("/api/v1/namespaces/%s/pods/fake-%d", namespace, last%pods), nil, &pod); err != nil {
			b.Fatal(err)
		}
		for !labelled(watched, pod.Metadata.UID, fmt.Sprint(last)) {
			if time.Since(changed) > patience {
				b.Fatal("the watch did not follow")
			}
			time.Sleep(time.Millisecond)
		}
		b.ReportMetric(float64(last)/5, "changes/s")
		b.ReportMetric(float64(time.Since(changed).Milliseconds()), "ms-behind")
		b.ReportMetric(float64(asked.Load())/5, "questions/s")
	}
}

// labelled reports whether the index has a pod with that round.
func labelled(watched *kube.Cluster, uid, round string) bool {
	p := watched.Index.Pod(identity.IDOf(uid))
	if p == nil {
		return false
	}
	got, _ := p.Labels.Get("round")
	return got == round
}
