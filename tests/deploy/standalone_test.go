package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

// gatewayAddress is where agents find the gateway: the cluster has no name servers.
const gatewayAddress = "10.98.200.1"

// nodesCgroup stands for the control group that holds those of the nodes, which is
// known when the cluster runs.
const nodesCgroup = "/NODES"

const standaloneValues = `
agent:
  cgroupRoot: ` + nodesCgroup + `/${env:K8S_NODE_NAME}
  config:
    receivers: {flowlog: {interval: 1s}}
    exporters: {otlp_grpc: {endpoint: "` + gatewayAddress + `:4317"}}
gateway:
  service: {clusterIP: ` + gatewayAddress + `}
`

// TestStandalone installs the chart on two nodes that share nothing but their kernel,
// looks at traffic between them as a person would, and upgrades it.
func TestStandalone(t *testing.T) {
	s := newSite(t, 2)
	s.volume(0)
	s.apply("namespace", encode(object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": namespace}}))
	s.install(standaloneValues)
	agents, err := s.kubectl("", "-n", namespace, "get", "daemonset", "otelcol-flowlogs-agent", "-o", "jsonpath={.status.numberReady}")
	require.NoError(t, err)
	require.Equal(t, "2", agents)
	service := s.shop()
	const before, after = 1234, 4321 // bytes that are sent, to tell connections

	api := s.forward("deployment/otelcol-flowlogs-gateway")
	s.eventually("an agent on every node says that nothing is missing", func() error { return api.complete(2) })
	s.talkBothWays(api)
	s.eventually("a flow is named at both ends", func() error { return s.talk(api, service, before) })

	s.secure("alice", "secret")
	s.install(securedValues)
	strangers := s.forward("service/otelcol-flowlogs-visualizer")
	strangers.refusesStrangers(t)
	api = visualizer{strings.Replace(strangers.base, "://", "://alice:secret@", 1)}
	require.NoError(t, api.shows("source", service, before), "what was stored is still there")
	s.eventually("agents send by TLS, with the token", func() error { return s.talk(api, service, after) })
	s.eachTellsItsOwn(api)
	s.refused(api)
	s.agentsSweep()
}

// install applies the chart in mode standalone and waits until it is rolled out.
func (s *site) install(values string) (manifests string) {
	s.t.Helper()
	return s.installed(values, "deployment/otelcol-flowlogs-gateway", "daemonset/otelcol-flowlogs-agent")
}

// installed applies the chart, waits until its workloads are rolled out, and returns
// what it applied.
func (s *site) installed(values string, workloads ...string) (manifests string) {
	s.t.Helper()
	manifests = s.applyChart(values)
	for _, workload := range workloads {
		s.rollout(workload)
	}
	return manifests
}

// applyChart applies the chart, and returns what it applied.
func (s *site) applyChart(values string) (manifests string) {
	s.t.Helper()
	manifests = template(s.t, strings.Replace(values, nodesCgroup, path.Dir(s.NodeCgroup(0)), 1))
	s.apply("chart", manifests)
	return manifests
}

// talk connects the client with the service, and fails if that is not shown as both
// ends report it. Agents see the pods in their own time: it is tried again, but not in
// the same interval, in which connections are merged and their bytes added up.
func (s *site) talk(api visualizer, service string, bytes int) error {
	if _, err := s.Exec(s.t.Context(), "shop", "client", "/netpeer", "dial", fmt.Sprintf("-bytes=%d", bytes), service+":80"); err != nil {
		return err
	}
	const shownWithin = 5 * time.Second
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		err := errors.Join(api.shows("source", service, bytes), api.shows("destination", "", bytes))
		if err == nil || time.Since(began) > shownWithin {
			return err
		}
	}
}

// refused has the server's kernel drop a packet, which the drops engine tells of.
func (s *site) refused(api visualizer) {
	s.t.Helper()
	address := s.podIP("server")
	s.eventually("a packet to a port that nobody listens at is told of", func() error {
		if _, err := s.Exec(s.t.Context(), "shop", "client", "/netpeer", "dial", address+":9"); err != nil {
			return err
		}
		return api.has("all", `flow.action = deny and flow.deny.reason = no_socket and destination.k8s.pod.name = server and destination.port = 9`)
	})
}

// agentsSweep checks that the capabilities that agents have let them sweep.
func (s *site) agentsSweep() {
	s.t.Helper()
	logs, err := s.kubectl("", "-n", namespace, "logs", "--tail=-1", "-l", "app.kubernetes.io/component=agent")
	require.NoError(s.t, err)
	require.Contains(s.t, logs, "Everything is ready")
	require.NotContains(s.t, logs, "Sweep failed")
}

// shows fails unless there is such a connection between the pods of the shop; only the
// source's report knows the service.
func (v visualizer) shows(reporter, service string, bytes int) error {
	filter := fmt.Sprintf(`source.k8s.pod.name = client and source.k8s.namespace.name = shop
		and destination.k8s.pod.name = server and destination.k8s.namespace.name = shop
		and source.k8s.node.name exists and destination.k8s.node.name exists
		and destination.port = 8080 and source.payload.bytes = %d and destination.payload.bytes = %[1]d`, bytes)
	if service != "" {
		filter += " and destination.k8s.service.name = server and destination.original.address = " + service
	}
	return v.has(reporter, filter)
}

// volume is what a storage class would give the gateway.
func (s *site) volume(node int) {
	s.t.Helper()
	const path = "/var/lib/volume"
	require.NoError(s.t, s.NodeCommand(node, "mkdir", path).Run())
	s.apply("volume", encode(object{
		"apiVersion": "v1", "kind": "PersistentVolume", "metadata": object{"name": "volume"},
		"spec": object{
			"capacity": object{"storage": "16Gi"}, "accessModes": []string{"ReadWriteOnce"},
			"local": object{"path": path},
			"nodeAffinity": object{"required": object{"nodeSelectorTerms": []object{{"matchExpressions": []object{{
				"key": "kubernetes.io/hostname", "operator": "In", "values": []string{s.NodeName(node)},
			}}}}}},
		},
	}))
}

// shop runs a server on one node, behind a service whose address it returns, and a
// client on the other.
func (s *site) shop() string {
	s.t.Helper()
	s.apply("namespace", encode(object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": "shop"}}))
	s.eventually("the namespace has an account", func() error {
		_, err := s.kubectl("", "-n", "shop", "get", "serviceaccount", "default")
		return err
	})
	for i, name := range []string{"client", "server"} {
		s.apply(name, encode(object{
			"apiVersion": "v1", "kind": "Pod",
			"metadata": object{"name": name, "namespace": "shop", "labels": object{"app": name}},
			"spec": object{
				"nodeName": s.NodeName(i),
				"containers": []object{{
					"name": "main", "image": cluster.NetpeerImage, "imagePullPolicy": "Never", "args": []string{"serve"},
				}},
			},
		}))
	}
	s.apply("service", encode(object{
		"apiVersion": "v1", "kind": "Service", "metadata": object{"name": "server", "namespace": "shop"},
		"spec": object{"selector": object{"app": "server"}, "ports": []object{{"port": 80, "targetPort": 8080}}},
	}))
	require.NoError(s.t, s.WaitPodsReady(s.t.Context(), "shop", 2))
	address, err := s.kubectl("", "-n", "shop", "get", "service", "server", "-o", "jsonpath={.spec.clusterIP}")
	require.NoError(s.t, err)
	return address
}

// visualizer is the HTTP API of the gateway.
type visualizer struct{ base string }

// get decodes an answer into out.
func (v visualizer) get(path string, parameters url.Values, out any) error {
	resp, err := http.Get(v.base + "/api/v1/" + path + "?" + parameters.Encode())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, text)
	}
	return json.Unmarshal(text, out)
}

// pages returns all flows, reported by that end, that the filter matches.
func pages[T any](v visualizer, reporter, filter string) (all []T, err error) {
	for cursor := ""; ; {
		var page struct {
			Flows []T
			Next  string
		}
		if err := v.get("flows", url.Values{"reporter": {reporter}, "q": {filter}, "limit": {"1000"}, "cursor": {cursor}}, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Flows...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

// has fails unless there is a flow, reported by that end, that the filter matches.
func (v visualizer) has(reporter, filter string) error {
	var page struct{ Flows []json.RawMessage }
	if err := v.get("flows", url.Values{"reporter": {reporter}, "q": {filter}}, &page); err != nil {
		return err
	}
	if len(page.Flows) == 0 {
		return fmt.Errorf("no flow of reporter %s matches %s", reporter, filter)
	}
	return nil
}

// complete fails unless the agents of so many nodes have every engine on that is not
// opt-in: the capabilities, mounts and filters of system calls let them.
func (v visualizer) complete(nodes int) error {
	var status struct {
		Agents []struct {
			Node    string
			Engines []struct {
				Name, Detail string
				On           bool
			}
		}
	}
	if err := v.get("status", nil, &status); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, agent := range status.Agents {
		wanted := map[string]bool{"tcp": true, "datagram": true, "drops": true, "nat": true}
		for _, engine := range agent.Engines {
			if wanted[engine.Name] && !engine.On {
				return fmt.Errorf("engine %s of %s is off: %s", engine.Name, agent.Node, engine.Detail)
			}
			delete(wanted, engine.Name)
		}
		if len(wanted) > 0 {
			return fmt.Errorf("%s does not tell of its engines %v", agent.Node, wanted)
		}
		seen[agent.Node] = true
	}
	if len(seen) != nodes {
		return fmt.Errorf("there are agents of %v", seen)
	}
	return nil
}

func encode(o object) string {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // what is written here always encodes
	}
	return string(text)
}
