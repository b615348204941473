package identity

import (
	"net/http"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

// TestViewsCountOnceAcrossNodes has kubelets make pods on two nodes. The nodes share a
// kernel, so an agent on each would see the sockets of both: the test tells what each of
// two agents would, by the node's own instance and the gateway's.
func TestViewsCountOnceAcrossNodes(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("real nodes need root")
	}
	s := newSite(t, cluster.Options{Nodes: 2})
	places := map[string]int{"a0": 0, "b0": 0, "a1": 1, "b1": 1}
	for name, node := range places {
		s.create(pods, object{"metadata": object{"name": name}, "spec": object{
			"nodeName":   s.NodeName(node),
			"containers": []object{{"name": "peer", "image": cluster.NetpeerImage, "imagePullPolicy": "Never", "args": []string{"serve"}}},
		}})
	}
	require.NoError(t, s.WaitPodsReady(t.Context(), "shop", len(places)))

	for name, test := range map[string]struct {
		nodes flowk8sprocessor.ObservedNodes
		sign  func(*flow.Agent) // by which the gateway hears of the agents, unless nil
		times uint64
	}{
		"by signs of life":      {flowk8sprocessor.NodesSeen, running, 1},
		"before signs of life":  {flowk8sprocessor.NodesSeen, nil, 2},
		"after the last ones":   {flowk8sprocessor.NodesSeen, ended, 2},
		"agents everywhere":     {flowk8sprocessor.NodesAll, nil, 1},
		"no agents by decision": {flowk8sprocessor.NodesNone, running, 2},
	} {
		t.Run(name, func(t *testing.T) {
			in := &site{s.Cluster, t}
			gateway, stored, _ := in.startProcessor(s.Kubeconfig(), func(c *flowk8sprocessor.Config) { c.ObservedNodes = test.nodes })
			sends := [2]func(*flow.Batch){}
			for node := range sends {
				agent, sent, _ := in.startProcessor(s.Kubeconfig(), oneNode(s.NodeName(node)))
				sends[node] = func(batch *flow.Batch) {
					sent.Reset()
					require.NoError(t, agent.ConsumeLogs(t.Context(), flow.Encode(batch, time.Now())))
					in.eventually("the node passes it on", func() bool { return sent.LogRecordCount() == batch.Len() })
					for _, logs := range sent.AllLogs() {
						require.NoError(t, gateway.ConsumeLogs(t.Context(), logs))
					}
				}
			}
			if test.sign != nil {
				for _, send := range sends {
					a := flow.Agent{
						Time: time.Now().UnixNano(), Started: time.Now().Add(-time.Hour).UnixNano(), Interval: int64(10 * time.Second),
						Engines: []flow.Engine{{Name: "tcp", On: true}},
					}
					test.sign(&a)
					send(&flow.Batch{Agents: []flow.Agent{a}})
				}
			}
			reports, near, far := reportsOf(s.podAddresses(), places)
			for node, send := range sends {
				send(&flow.Batch{Flows: reports[node]})
			}
			in.eventually("the gateway passes all on", func() bool {
				flows := 0
				for _, logs := range stored.AllLogs() {
					batch, rejected := flow.Decode(logs)
					require.NoError(t, rejected.Err())
					flows += len(batch.Flows)
				}
				return flows == len(reports[0])+len(reports[1])
			})
			var counted uint64
			for _, logs := range stored.AllLogs() {
				batch, _ := flow.Decode(logs)
				for _, f := range batch.Flows {
					assert.Equal(t, [2]flow.EndpointType{flow.EndpointPod, flow.EndpointPod}, [2]flow.EndpointType{f.Source.Type, f.Destination.Type})
					if f.CountsOnce() {
						counted += f.Connections.Seen
					}
				}
			}
			assert.Equal(t, near+test.times*far, counted)
		})
	}
}

func running(*flow.Agent) {}
func ended(a *flow.Agent) { a.Ended = true }

// reportsOf is what the agents of two nodes tell if every pod connects to every other:
// reports by node, and how many connections are on one node and between two.
func reportsOf(addresses map[string]netip.Addr, places map[string]int) (reports [2][]flow.Flow, near, far uint64) {
	for from, source := range addresses {
		for to, destination := range addresses {
			if from == to {
				continue
			}
			f := between(netip.AddrPortFrom(source, 40000).String(), netip.AddrPortFrom(destination, 8080).String())
			f.Start, f.End = time.Now().UnixNano(), time.Now().UnixNano() // the pods are no older
			f.Connections.Seen = 1
			f.PeerObserved = places[from] == places[to] // which the agent knows by its sockets
			if f.PeerObserved {
				near++
			} else {
				far++
			}
			reports[places[from]] = append(reports[places[from]], f)
			f.Reporter = flow.ReporterDestination
			f.Source.Type, f.Destination.Type = flow.EndpointNetwork, flow.EndpointHost
			reports[places[to]] = append(reports[places[to]], f)
		}
	}
	return reports, near, far
}

// podAddresses are those that the cluster gave to the pods.
func (s *site) podAddresses() map[string]netip.Addr {
	s.t.Helper()
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Status   struct{ PodIP string }
		}
	}
	require.NoError(s.t, s.Admin().Do(s.t.Context(), http.MethodGet, pods, nil, &list))
	addresses := make(map[string]netip.Addr, len(list.Items))
	for _, p := range list.Items {
		addresses[p.Metadata.Name] = netip.MustParseAddr(p.Status.PodIP)
	}
	return addresses
}
