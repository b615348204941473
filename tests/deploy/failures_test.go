package deploy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// failuresValues keep connections apart, and have agents try a gateway that is away more
// often than they do by default.
var failuresValues = strings.NewReplacer(
	"interval: 1s", "interval: 1s, merge_source_ports: false",
	"otlp_grpc: {", "otlp_grpc: {retry_on_failure: {initial_interval: 500ms, max_interval: 2s}, ",
).Replace(standaloneValues)

// outage is a release whose parts fail one after another, while the shop's client, on
// the first node, talks to the server, on the second.
type outage struct {
	*site
	client             running
	service            string // address and port
	clientIP, serverIP string
}

// TestFailures has each part of the release fail while connections last and new ones
// are made. What is recorded is exact, nothing is recorded twice, and what is not
// recorded is what the documentation says.
func TestFailures(t *testing.T) {
	s := newSite(t, 2)
	s.volume(1) // the gateway is not where the agent is killed
	s.apply("namespace", encode(object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": namespace}}))
	s.install(failuresValues)
	o := outage{site: s, service: s.shop() + ":80"}
	var err error
	o.client, err = s.container("shop", "app=client")
	require.NoError(t, err)
	o.clientIP, o.serverIP = s.podIP("client"), s.podIP("server")
	api := s.visualizer()
	s.eventually("an agent on every node says that nothing is missing", func() error { return api.complete(2) })
	s.eventually("a flow is named at both ends", func() error { return s.talk(api, strings.TrimSuffix(o.service, ":80"), 1) })

	o.agentIsKilled(api)
	o.agentsAreUpgraded(api)
	api = o.gatewayFails(api)
	o.apiServerIsAway(api)
	s.eachTellsItsOwn(api)
	s.agentsSweep()
}

// agentIsKilled kills the client's agent, has the client talk while there is none, and
// lets the kubelet start another one.
func (o *outage) agentIsKilled(api visualizer) {
	o.t.Helper()
	agent := o.agentOf(o.client.node)
	last := o.open(o.client, o.service)
	last.send(1)
	o.bothTell(api, last, told{Started: 1, Sent: 1, Returned: 1})

	require.NoError(o.t, o.PauseKubelet(0))
	last.send(2) // of which the agent may know, and nobody else
	o.kill(agent.pid)
	last.send(4)
	late, gone := o.open(o.client, o.service), o.open(o.client, o.service)
	late.send(1)
	gone.send(1)
	gone.close()
	until := time.Now()
	require.NoError(o.t, o.ResumeKubelet(0))
	o.startedAfter(api, until, o.client.node)
	require.Equal(o.t, agent.restarts+1, o.agentOf(o.client.node).restarts)
	last.send(8)
	late.send(2)
	last.close()
	late.close()

	for _, k := range []*kept{last, late, gone} {
		o.eventually("the destination's agent tells everything", func() error { return k.tells(api, "destination", k.whole()) })
	}
	o.eventually("the source's tells what came before, and after", func() error {
		got, err := last.told(api, "source")
		got.Sent, got.Returned = got.Sent&^2, got.Returned&^2
		if want := (told{1, 1, 1 | 8, 1 | 8}); err == nil && got != want {
			err = fmt.Errorf("but for 2 bytes got %+v, want %+v", got, want)
		}
		return err
	})
	o.eventually("what began while it was away has no start", func() error {
		return late.tells(api, "source", told{Completed: 1, Sent: 2, Returned: 2})
	})
	require.NoError(o.t, gone.tells(api, "source", told{}))
}

// agentsAreUpgraded has the DaemonSet replace its pods, one node after the other.
func (o *outage) agentsAreUpgraded(api visualizer) {
	o.t.Helper()
	k := o.open(o.client, o.service)
	k.send(1) // which an agent that ends in order tells of
	began := time.Now()
	o.applyChart(strings.Replace(failuresValues, "agent:", "agent:\n  podAnnotations: {upgraded: \"yes\"}", 1))
	rolled := make(chan error, 1)
	go func() {
		_, err := o.kubectl("", "-n", namespace, "rollout", "status", "daemonset/otelcol-flowlogs-agent", "--timeout=90s")
		rolled <- err
	}()
	const largest = 1 << 10 // fits into one packet, which is counted as one
	part := 1
	for rolling := true; rolling; {
		select {
		case err := <-rolled:
			require.NoError(o.t, err)
			rolling = false
		case <-time.After(time.Second):
			if part < largest/2 {
				part *= 2
				k.send(part)
			}
		}
	}
	o.startedAfter(api, began, o.NodeName(0), o.NodeName(1))
	k.send(largest)
	k.close()
	for _, reporter := range []string{"source", "destination"} {
		o.eventually("all is told but what was said while there was no agent", func() error {
			got, err := k.told(api, reporter)
			if err != nil {
				return err
			}
			if got.Started != 1 || got.Completed != 1 {
				return fmt.Errorf("%s tells %+v, want one connection, to its end", reporter, got)
			}
			for _, bytes := range []int{got.Sent, got.Returned} {
				if lost := k.sent &^ bytes; bytes&^k.sent != 0 || lost&(1|largest) != 0 || !oneRun(lost) {
					return fmt.Errorf("%s tells %b of %b, want all but some that follow each other in between", reporter, bytes, k.sent)
				}
			}
			return nil
		})
	}
}

// oneRun says whether the ones of a number follow each other.
func oneRun(n int) bool {
	n += n & -n
	return n&(n-1) == 0
}

// gatewayFails kills the gateway and then deletes its pod, while connections are made
// all the time, and returns the API of the new one. Both pods are known, so that no
// record waits in the gateway's memory for a name when it is killed.
func (o *outage) gatewayFails(api visualizer) visualizer {
	o.t.Helper()
	const (
		connections, bytes = 60, 100
		hold               = 250 * time.Millisecond
	)
	made := told{connections, connections, connections * bytes, connections * bytes}
	dialled := make(chan error, 1)
	go func() {
		out, err := o.Exec(o.t.Context(), "shop", "server", "/netpeer", "dial",
			fmt.Sprint("-count=", connections), fmt.Sprint("-bytes=", bytes), fmt.Sprint("-hold=", hold), o.clientIP+":8080")
		if err == nil && !strings.Contains(string(out), fmt.Sprintf(`"ok":%d,`, connections)) {
			err = fmt.Errorf("not all connections were made: %s", out)
		}
		dialled <- err
	}()
	filter := "source.k8s.pod.name = server and destination.k8s.pod.name = client and destination.port = 8080"
	begun := func() error {
		sum, err := api.sum("source", filter)
		if err == nil && sum.Started == 0 {
			err = errors.New("none is told")
		}
		return err
	}
	o.eventually("connections are told", begun)
	gateway, err := o.container(namespace, gateways)
	require.NoError(o.t, err)
	o.kill(gateway.pid)
	o.eventually("the gateway runs again", func() error {
		again, err := o.container(namespace, gateways)
		if err == nil && again.restarts != gateway.restarts+1 {
			err = fmt.Errorf("got %+v", again)
		}
		return err
	})
	o.rollout("deployment/otelcol-flowlogs-gateway")
	api = o.visualizer()
	require.NoError(o.t, begun(), "what was stored is there after a kill")
	_, err = o.kubectl("", "-n", namespace, "delete", "pod", gateway.name)
	require.NoError(o.t, err)
	o.rollout("deployment/otelcol-flowlogs-gateway")
	api = o.visualizer()

	require.NoError(o.t, <-dialled)
	for _, reporter := range []string{"source", "destination"} {
		o.eventually("every connection is told once", func() error {
			got, err := api.sum(reporter, filter)
			if err == nil && got != made {
				err = fmt.Errorf("%s tells %+v, want %+v", reporter, got, made)
			}
			return err
		})
	}
	return api
}

func (o *outage) agentOf(node string) running {
	o.t.Helper()
	all, err := o.containers(namespace, agents)
	require.NoError(o.t, err)
	for _, agent := range all {
		if agent.node == node {
			return agent
		}
	}
	require.Fail(o.t, "no agent runs on "+node)
	return running{}
}

// startedAfter waits until the newest signs of life of some nodes' agents are of agents
// that have started since.
func (o *outage) startedAfter(api visualizer, since time.Time, nodes ...string) {
	o.t.Helper()
	o.eventually("new agents are told", func() error {
		var status struct {
			Agents []struct {
				Node    string
				Started time.Time
			}
		}
		if err := api.get("status", nil, &status); err != nil {
			return err
		}
		fresh := map[string]bool{}
		for _, agent := range status.Agents {
			fresh[agent.Node] = agent.Started.After(since)
		}
		for _, node := range nodes {
			if !fresh[node] {
				return fmt.Errorf("no agent of %s has started since %s: %+v", node, since, status.Agents)
			}
		}
		return nil
	})
}

func (o *outage) bothTell(api visualizer, k *kept, want told) {
	o.t.Helper()
	for _, reporter := range []string{"source", "destination"} {
		o.eventually("both ends tell it", func() error { return k.tells(api, reporter, want) })
	}
}
