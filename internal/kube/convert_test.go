package kube

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/metadata/fake"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func at(second int64) metav1.Time { return metav1.Unix(second, 0) }

func nanos(second int64) int64 { return second * int64(time.Second) }

func containerID(letter string) string { return strings.Repeat(letter, 64) }

func running(name, id string, since int64) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, ContainerID: "containerd://" + id, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at(since)}}}
}

func terminated(name, id string, from, to int64) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, ContainerID: "containerd://" + id, State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{StartedAt: at(from), FinishedAt: at(to), ContainerID: "containerd://" + id},
	}}
}

// testOwners looks nothing up.
func testOwners(t *testing.T) *owners {
	o := newOwners(fake.NewSimpleMetadataClient(runtime.NewScheme()), func(error) {})
	t.Cleanup(o.queue.ShutDown)
	return o
}

func convert(t *testing.T, p *corev1.Pod, now int64) *identity.Pod {
	t.Helper()
	small, err := strip(p)
	require.NoError(t, err)
	return testOwners(t).podOf(small.(*corev1.Pod), time.Unix(now, 0))
}

func basePod() *corev1.Pod {
	started := at(1000)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "web-5d8f9c7b6-abcde", GenerateName: "web-5d8f9c7b6-", Namespace: "shop", UID: "u1",
			Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"big": strings.Repeat("x", 1000)},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubelet"}},
		},
		Spec: corev1.PodSpec{NodeName: "node-1", Containers: []corev1.Container{{Name: "nginx"}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.1", PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}, {IP: "fd00::1"}}, StartTime: &started,
			InitContainerStatuses: []corev1.ContainerStatus{terminated("init", containerID("a"), 1002, 1004)},
			ContainerStatuses:     []corev1.ContainerStatus{running("nginx", containerID("b"), 1005)},
		},
	}
}

func TestAPodAsTheIndexKeepsIt(t *testing.T) {
	p := convert(t, basePod(), 1010)
	assert.Equal(t, "web-5d8f9c7b6-*", p.Prefix.String())
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fd00::1")}, p.Addresses)
	assert.Equal(t, flow.LabelsOfMap(map[string]string{"app": "web"}), p.Labels)
	assert.Equal(t, "node-1", p.Node.String())
	assert.Equal(t, nanos(1000), p.Started)
	assert.Equal(t, nanos(1003), p.Ran, "by the end of the second in which its first container began")
	assert.Zero(t, p.Released)
	assert.Equal(t, "init", p.Container(identity.IDOf(containerID("a"))).String())
	assert.Equal(t, "nginx", p.Container(identity.IDOf(containerID("b"))).String())
	assert.Nil(t, p.Owner)

	small, err := strip(basePod())
	require.NoError(t, err)
	assert.Empty(t, small.(*corev1.Pod).Annotations)
	assert.Empty(t, small.(*corev1.Pod).ManagedFields)
}

func TestContainersBeforeARestartAreKnown(t *testing.T) {
	p := basePod()
	p.Status.ContainerStatuses[0].LastTerminationState = terminated("nginx", containerID("c"), 1002, 1003).State
	p.Status.EphemeralContainerStatuses = []corev1.ContainerStatus{running("debug", containerID("d"), 2000)}
	got := convert(t, p, 3000)
	assert.Equal(t, "nginx", got.Container(identity.IDOf(containerID("c"))).String())
	assert.Equal(t, "debug", got.Container(identity.IDOf(containerID("d"))).String())
	assert.Len(t, got.Containers, 4)
}

func TestWhenAPodHasReleasedItsAddress(t *testing.T) {
	deleted := at(1500)
	for name, test := range map[string]struct {
		change func(*corev1.Pod)
		want   int64
	}{
		"running":     {func(*corev1.Pod) {}, 0},
		"terminating": {func(p *corev1.Pod) { p.DeletionTimestamp = &deleted }, 0},
		"terminating, and its containers have finished": {func(p *corev1.Pod) {
			p.DeletionTimestamp = &deleted
			p.Status.ContainerStatuses = []corev1.ContainerStatus{terminated("nginx", containerID("b"), 1005, 1510)}
		}, 1511},
		"succeeded": {func(p *corev1.Pod) {
			p.Status.Phase = corev1.PodSucceeded
			p.Status.ContainerStatuses = []corev1.ContainerStatus{terminated("a", containerID("b"), 1005, 1200), terminated("b", containerID("c"), 1005, 1300)}
		}, 1301},
		"failed without a container": {func(p *corev1.Pod) { p.Status.Phase, p.Status.ContainerStatuses = corev1.PodFailed, nil }, 2000},
		"deleted before it had one":  {func(p *corev1.Pod) { p.DeletionTimestamp, p.Status.ContainerStatuses = &deleted, nil }, 0},
		"all done, but to be restarted": {func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{terminated("nginx", containerID("b"), 1005, 1200)}
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := basePod()
			test.change(p)
			got := convert(t, p, 2000)
			assert.Equal(t, nanos(test.want), got.Released)
			assert.Equal(t, p.DeletionTimestamp != nil && test.want == 0, got.Terminating)
		})
	}
}

func TestPodsOfASpecialKind(t *testing.T) {
	host := basePod()
	host.Spec.HostNetwork = true
	assert.Empty(t, convert(t, host, 1010).Addresses, "the node's address is not its own")

	sandboxed := basePod()
	sandboxed.Spec.RuntimeClassName = new(string)
	assert.True(t, convert(t, sandboxed, 1010).OwnKernel)
	machine := basePod()
	machine.Labels = map[string]string{"kubevirt.io": "virt-launcher"}
	assert.True(t, convert(t, machine, 1010).OwnKernel)
	assert.False(t, convert(t, basePod(), 1010).OwnKernel)

	old := basePod()
	old.Status.PodIPs = nil
	assert.Len(t, convert(t, old, 1010).Addresses, 1)

	pending := basePod()
	pending.Status = corev1.PodStatus{Phase: corev1.PodPending}
	got := convert(t, pending, 1010)
	assert.Empty(t, got.Addresses)
	assert.Zero(t, got.Started)

	static := basePod()
	static.Name, static.GenerateName = "kube-apiserver-node-1", ""
	static.Annotations = map[string]string{mirrorAnnotation: "d41d8cd98f00b204e9800998ecf8427e"}
	static.OwnerReferences = []metav1.OwnerReference{{Kind: "Node", Name: "node-1", Controller: new(true)}}
	got = convert(t, static, 1010)
	assert.Equal(t, identity.IDOf("d41d8cd98f00b204e9800998ecf8427e"), got.Mirrors)
	assert.Equal(t, workload("Pod", "kube-apiserver"), got.Owner.Workload(), "one workload on all nodes")
	assert.False(t, got.Prefix.Known())
}

func TestNodesServicesAndSlices(t *testing.T) {
	node := nodeOf(&corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "node-1", CreationTimestamp: at(5), Labels: map[string]string{corev1.LabelTopologyZone: "a"}, Annotations: map[string]string{"projectcalico.org/IPv4IPIPTunnelAddr": "10.0.0.1/32"}},
		Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: "192.168.0.1"}, {Type: corev1.NodeHostName, Address: "10.9.9.9"}, {Type: corev1.NodeExternalIP, Address: "2001:db8::1"},
		}},
	})
	assert.Equal(t, &identity.Node{
		Name: flow.Intern("node-1"), Zone: flow.Intern("a"), Created: nanos(5),
		Addresses: []netip.Addr{netip.MustParseAddr("192.168.0.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("10.0.0.1")},
	}, node)

	service := serviceOf(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", CreationTimestamp: at(7)},
		Spec: corev1.ServiceSpec{
			ClusterIP: "10.96.0.1", ClusterIPs: []string{"10.96.0.1", "fd00::96"}, ExternalIPs: []string{"203.0.113.1"},
			Ports: []corev1.ServicePort{{Name: "http", Port: 80, NodePort: 30080}, {Port: 53, Protocol: corev1.ProtocolUDP}, {Name: "s", Port: 1, Protocol: corev1.ProtocolSCTP}},
		},
		Status: corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: "203.0.113.1"}, {IP: "203.0.113.2"}, {Hostname: "lb.example"}}}},
	})
	assert.Equal(t, &identity.Service{
		Namespace: flow.Intern("shop"), Name: flow.Intern("web"), Created: nanos(7),
		Cluster:  []netip.Addr{netip.MustParseAddr("10.96.0.1"), netip.MustParseAddr("fd00::96")},
		External: []netip.Addr{netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("203.0.113.2")},
		Ports: []identity.ServicePort{
			{Name: flow.Intern("http"), Port: 80, NodePort: 30080, Transport: flow.TransportTCP}, {Name: flow.Intern(""), Port: 53, Transport: flow.TransportUDP},
			{Name: flow.Intern("s"), Port: 1, Transport: flow.TransportSCTP},
		},
	}, service)
	assert.Empty(t, serviceOf(&corev1.Service{Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, ClusterIPs: []string{corev1.ClusterIPNone}}}).Cluster)

	slice := endpointSliceOf(&discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: "db-1", Namespace: "shop", Labels: map[string]string{discoveryv1.LabelServiceName: "db"}},
		Ports:      []discoveryv1.EndpointPort{{Port: new(int32(53)), Protocol: new(corev1.ProtocolUDP), Name: new("dns")}, {Name: new("all")}},
		Endpoints: []discoveryv1.Endpoint{
			{TargetRef: &corev1.ObjectReference{Kind: "Pod", UID: "u1"}}, {Addresses: []string{"192.0.2.1"}}, {TargetRef: &corev1.ObjectReference{Kind: "VirtualMachine", UID: "u2"}},
		},
	})
	assert.Equal(t, &identity.EndpointSlice{
		Namespace: flow.Intern("shop"), Name: flow.Intern("db-1"), Service: flow.Intern("db"),
		Ports: []identity.ServicePort{{Name: flow.Intern("dns"), Port: 53, Transport: flow.TransportUDP}}, Pods: []identity.ID{identity.IDOf("u1")},
	}, slice)
}
