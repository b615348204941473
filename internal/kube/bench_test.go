package kube

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/types"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
)

// wirePod is a pod as the API server sends it, of some 6 kB: with what a real one has
// beside what is kept.
func wirePod(i int) *corev1.Pod {
	p := basePod()
	workload := i / 10
	p.Name, p.GenerateName = fmt.Sprintf("app-%d-%010d-%05x", workload, workload, i), fmt.Sprintf("app-%d-%010d-", workload, workload)
	p.UID = types.UID(fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i))
	p.Namespace = fmt.Sprintf("namespace-%d", i%100)
	p.Spec.NodeName = fmt.Sprintf("node-%d", i/30)
	p.Labels = map[string]string{"app": fmt.Sprintf("app-%d", workload), "pod-template-hash": fmt.Sprintf("%010d", workload), "app.kubernetes.io/part-of": "shop"}
	p.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "apps/v1", Kind: "ReplicaSet", Name: strings.TrimSuffix(p.GenerateName, "-"), UID: types.UID(fmt.Sprint("owner-", workload)), Controller: new(true),
	}}
	p.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubelet", FieldsV1: metav1.NewFieldsV1(strings.Repeat(`{"f:status":{}}`, 150))}}
	for k := range 12 {
		p.Spec.Containers[0].Env = append(p.Spec.Containers[0].Env, corev1.EnvVar{Name: fmt.Sprint("VARIABLE_", k), Value: strings.Repeat("v", 60)})
	}
	ip := fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
	p.Status.PodIP, p.Status.PodIPs = ip, []corev1.PodIP{{IP: ip}}
	for c := range p.Status.ContainerStatuses {
		p.Status.ContainerStatuses[c].ContainerID = fmt.Sprintf("containerd://%064x", i+1)
	}
	p.Status.InitContainerStatuses = nil
	return p
}

var wireFormat = protobuf.NewSerializer(scheme, scheme)

// onWire are the pods of a cluster in protobuf.
func onWire(b *testing.B, pods int) [][]byte {
	wire := make([][]byte, 0, pods)
	for i := range pods {
		var buf strings.Builder
		p := wirePod(i)
		p.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
		if err := wireFormat.Encode(p, &buf); err != nil {
			b.Fatal(err)
		}
		wire = append(wire, []byte(buf.String()))
	}
	return wire
}

// podStore is where a reflector of pods writes to.
func podStore() (*Cluster, *store[*identity.Pod]) {
	c := &Cluster{Index: identity.NewIndex(time.Minute, time.Now), logger: zap.NewNop(), owners: newOwners(nil, nil)}
	return c, c.store(Pods, &health{}).(*store[*identity.Pod])
}

// BenchmarkStorm decodes and indexes changes of pods one after the other, as a watch brings
// them: an update of one pod, the deletion of the next, its coming back. What 1,000
// changes a second take of a processor is a millionth of what one takes.
func BenchmarkStorm(b *testing.B) {
	for _, pods := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("pods=%d", pods), func(b *testing.B) {
			wire := onWire(b, pods)
			c, to := podStore()
			change := func(i int, do func(any) error) {
				obj, _, err := wireFormat.Decode(wire[i], nil, nil)
				if err == nil {
					err = do(obj)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			for i := range wire {
				change(i, to.Add)
			}
			b.ReportAllocs()
			b.ResetTimer()
			m := meter.Start()
			i := 0
			for b.Loop() {
				change(i*7%pods, to.Update)
				change((i*7+1)%pods, to.Delete)
				change((i*7+1)%pods, to.Add)
				if i++; i%1000 == 0 {
					c.Index.Sweep()
				}
			}
			m.Each(b, "change", 3)
			c.owners.queue.ShutDown()
		})
	}
}

// BenchmarkStartUp decodes, strips and indexes the pods of a cluster as a reflector does at
// its start, from protobuf in memory: what the network and the API server take is not in it.
// It reports what the process holds afterwards, and while it starts beside that.
func BenchmarkStartUp(b *testing.B) {
	for _, pods := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("pods=%d", pods), func(b *testing.B) {
			wire := onWire(b, pods)
			before := meter.Heap()
			b.ResetTimer()
			m := meter.Start()
			for b.Loop() {
				c, to := podStore()
				list := make([]any, 0, pods)
				for _, data := range wire {
					obj, _, err := wireFormat.Decode(data, nil, nil)
					if err != nil {
						b.Fatal(err)
					}
					small, err := to.transform(obj)
					if err != nil {
						b.Fatal(err)
					}
					list = append(list, small)
				}
				streamed := meter.Heap()
				if err := to.Replace(list, ""); err != nil {
					b.Fatal(err)
				}
				clear(list)
				b.ReportMetric(float64(int64(streamed)-int64(before))/float64(pods), "B/pod-starting")
				b.ReportMetric(float64(int64(meter.Heap())-int64(before))/float64(pods), "B/pod")
				if n := c.Index.Size().Pods; n != pods {
					b.Fatal(n)
				}
				c.owners.queue.ShutDown()
			}
			m.Each(b, "pod", pods)
			b.ReportMetric(float64(len(wire[0])), "B/object")
		})
	}
}
