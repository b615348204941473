package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/echo"
)

// namespaces are those of the application.
var namespaces = []string{"shop", "vault"}

// outsideNetwork is the name that the chart gives to the machine's address.
const outsideNetwork = "outside"

// application is what testdata/application.yaml runs, with the addresses it got.
type application struct {
	*site
	machine end            // beside the cluster: neither a node nor a pod
	ports   map[string]int // where it echoes, by network
	// addresses are all that pods of the application have had, but those of nodes.
	addresses map[string]bool
}

// newApplication runs the application and returns when it is ready.
func newApplication(s *site) *application {
	s.t.Helper()
	for _, namespace := range namespaces {
		s.apply("namespace", encode(object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": namespace}}))
		s.eventually("the namespace has an account", func() error {
			_, err := s.kubectl("", "-n", namespace, "get", "serviceaccount", "default")
			return err
		})
	}
	manifests, err := os.ReadFile("testdata/application.yaml")
	require.NoError(s.t, err)
	s.apply("application", string(manifests))
	for namespace, pods := range map[string]int{"shop": 9, "vault": 1} {
		require.NoError(s.t, s.WaitPodsReady(s.t.Context(), namespace, pods))
	}
	anyPort := net.JoinHostPort(s.MachineAddress().String(), "0")
	listener, err := net.Listen("tcp", anyPort)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { listener.Close() })
	go echo.Serve(listener)
	packets, err := net.ListenPacket("udp", anyPort)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { packets.Close() })
	go echo.Packets(packets)
	return &application{
		site:      s,
		machine:   end{kind: "network_set", network: outsideNetwork, address: s.MachineAddress().String()},
		ports:     map[string]int{"tcp": listener.Addr().(*net.TCPAddr).Port, "udp": packets.LocalAddr().(*net.UDPAddr).Port},
		addresses: map[string]bool{},
	}
}

// workloads are what must be said of pods with these labels.
var workloads = map[string]string{
	"near": "Deployment near", "far": "StatefulSet far", "prisoner": "Pod prisoner",
	"web": "Deployment web", "db": "StatefulSet db", "edge": "DaemonSet edge", "vault": "ReplicaSet vault",
	"roll": "Deployment roll", "report": "CronJob report",
	"kube-dns": "Deployment coredns",
}

// pods are the pods of a workload that are not to end. They are labelled with its
// name.
func (a *application) pods(namespace, workload string) []end {
	a.t.Helper()
	var list struct {
		Items []struct {
			Metadata struct {
				Name              string
				Labels            map[string]string
				DeletionTimestamp string
			}
			Spec   struct{ NodeName string }
			Status struct{ PodIP string }
		}
	}
	require.NoError(a.t, a.Admin().Do(a.t.Context(), http.MethodGet, "/api/v1/namespaces/"+namespace+"/pods", nil, &list))
	var ends []end
	for _, pod := range list.Items {
		labels := pod.Metadata.Labels
		if pod.Metadata.DeletionTimestamp != "" || labels["app"] != workload && labels["k8s-app"] != workload {
			continue
		}
		if ip := pod.Status.PodIP; slices.Contains(namespaces, namespace) && a.ofPods(ip) {
			a.addresses[ip] = true
		}
		ends = append(ends, end{
			kind: "pod", namespace: namespace, pod: pod.Metadata.Name, workload: workloads[workload],
			node: pod.Spec.NodeName, address: pod.Status.PodIP,
		})
	}
	return ends
}

// pod is the only one of a workload.
func (a *application) pod(namespace, workload string) end {
	a.t.Helper()
	pods := a.pods(namespace, workload)
	require.Len(a.t, pods, 1, "%s/%s", namespace, workload)
	return pods[0]
}

// ofPods tells addresses of pods from those of nodes.
func (a *application) ofPods(address string) bool {
	ip := netip.MustParseAddr(address)
	return a.NodePods(0).Contains(ip) || a.NodePods(1).Contains(ip)
}

// takesPart tells whether one end of a flow is of the application, by its name or, for
// it may have none, its address. All others are of Kubernetes and of the collector.
func (a *application) takesPart(f attributes) bool {
	for _, side := range []string{"source", "destination"} {
		ofApplication := func(address string) bool { return a.addresses[address] }
		if slices.Contains(namespaces, f.text(side+".k8s.namespace.name")) || slices.ContainsFunc(f.all(side+".address"), ofApplication) {
			return true
		}
	}
	return false
}

// podOn is the only one of a workload on a node.
func (a *application) podOn(node, namespace, workload string) end {
	a.t.Helper()
	pods := slices.DeleteFunc(a.pods(namespace, workload), func(pod end) bool { return pod.node != node })
	require.Len(a.t, pods, 1, "%s/%s on %s", namespace, workload, node)
	return pods[0]
}

// service is a service's address and, if it has one, its port at every node, which is
// the same for TCP and UDP.
func (a *application) service(namespace, name string) (address string, nodePort int) {
	a.t.Helper()
	var service struct {
		Spec struct {
			ClusterIP string
			Ports     []struct{ NodePort int }
		}
	}
	require.NoError(a.t, a.Admin().Do(a.t.Context(), http.MethodGet, "/api/v1/namespaces/"+namespace+"/services/"+name, nil, &service))
	for _, port := range service.Spec.Ports[1:] {
		require.Equal(a.t, service.Spec.Ports[0], port, "%s/%s", namespace, name)
	}
	return service.Spec.ClusterIP, service.Spec.Ports[0].NodePort
}

// outcome is what netpeer says of what it did.
type outcome struct {
	OK          int    `json:"ok"`
	Sent        int    `json:"sent"`
	Received    int    `json:"received"`
	Queries     int    `json:"queries"`
	QueryBytes  int    `json:"query_bytes"`
	Answers     int    `json:"answers"`
	AnswerBytes int    `json:"answer_bytes"`
	Error       string `json:"error"`
}

// dial makes connections, or sends datagrams by one socket, from a pod.
func (a *application) dial(from end, network, to string, flags ...string) outcome {
	a.t.Helper()
	command := append([]string{"/netpeer", "dial", "-network=" + network, "-timeout=30s"}, flags...)
	out, err := a.Exec(a.t.Context(), from.namespace, from.pod, append(command, to)...)
	require.NoError(a.t, err)
	var o outcome
	require.NoError(a.t, json.Unmarshal(out, &o))
	return o
}

// dialFromMachine is dial, from outside the cluster.
func (a *application) dialFromMachine(network, to string, count, size int) (o outcome) {
	a.t.Helper()
	sockets, exchanges := count, 1
	if network == "udp" {
		sockets, exchanges = 1, count
	}
	for range sockets {
		err := func() error {
			conn, err := net.DialTimeout(network, to, patience)
			if err != nil {
				return err
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
				return err
			}
			for range exchanges {
				if _, err := conn.Write(bytes.Repeat([]byte{'x'}, size)); err != nil {
					return err
				}
				if _, err := io.CopyN(io.Discard, conn, int64(size)); err != nil {
					return err
				}
				o.OK, o.Sent, o.Received = o.OK+1, o.Sent+size, o.Received+size
			}
			return nil
		}()
		require.NoError(a.t, err, "dial %s from outside", to)
	}
	return o
}

func at(address string, port int) string { return net.JoinHostPort(address, fmt.Sprint(port)) }
