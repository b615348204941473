package deploy

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/stretchr/testify/require"
)

// reported is what a record says of who made it, and of what.
type reported struct {
	ID              string `json:"flow.id"`
	Node            string `json:"k8s.node.name"`
	Reporter        string `json:"flow.reporter"`
	Transport       string `json:"network.transport"`
	Source          string `json:"source.address"`
	Destination     string `json:"destination.address"`
	DestinationPort uint16 `json:"destination.port"`
	Cgroup          string `json:"process.linux.cgroup"`
	Started         int    `json:"flow.connections.started"`
	Packets         int    `json:"source.packets"`
}

// records returns every record that is stored.
func (v visualizer) records() ([]reported, error) { return pages[reported](v, "all", "") }

// talkBothWays makes connections and sends datagrams between the pods of the shop, which
// are on two nodes, and waits until each is told once by either agent.
func (s *site) talkBothWays(api visualizer) {
	s.t.Helper()
	const times = 7
	pods := [2]string{"client", "server"}
	var addresses [2]string
	for i, pod := range pods {
		addresses[i] = s.podIP(pod)
	}
	want := map[string]int{}
	for i, pod := range pods {
		for _, transport := range []string{"tcp", "udp"} {
			to := addresses[1-i]
			_, err := s.Exec(s.t.Context(), "shop", pod, "/netpeer", "dial", "-network="+transport, fmt.Sprintf("-count=%d", times), to+":8080")
			require.NoError(s.t, err)
			want[fmt.Sprint(transport, " to ", to, ", by the source on ", s.NodeName(i))] = times
			want[fmt.Sprint(transport, " to ", to, ", by the destination on ", s.NodeName(1-i))] = times
		}
	}
	s.eventually("each is told once by either end", func() error {
		all, err := api.records()
		if err != nil {
			return err
		}
		got := map[string]int{}
		for _, r := range all {
			if r.DestinationPort != 8080 {
				continue
			}
			n := r.Started
			if r.Transport == "udp" {
				n = r.Packets
			}
			got[fmt.Sprint(r.Transport, " to ", r.Destination, ", by the ", r.Reporter, " on ", r.Node)] += n
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("got %v, want %v", got, want)
		}
		return nil
	})
}

// eachTellsItsOwn checks that no agent, of which all see the sockets of one kernel, has
// told of another node's, and that nothing is stored twice.
func (s *site) eachTellsItsOwn(api visualizer) {
	s.t.Helper()
	all, err := api.records()
	require.NoError(s.t, err)
	ids, sockets := map[string]bool{}, map[string]int{}
	for _, r := range all {
		require.False(s.t, ids[r.ID], "twice: %+v", r)
		ids[r.ID] = true
		if r.Cgroup != "" {
			sockets[r.Node]++
			require.Equal(s.t, r.Node, s.nodeOfCgroup(r.Cgroup), "%+v", r)
		}
		own := r.Source
		if r.Reporter == "destination" {
			own = r.Destination
		}
		// What was dropped on its way is between others; loopback is everywhere.
		if r.Reporter != "forward" && !netip.MustParseAddr(own).IsLoopback() {
			require.Equal(s.t, r.Node, s.nodeOf(own), "%+v", r)
		}
	}
	require.Len(s.t, sockets, 2, "every agent tells something")
}

// nodeOf is the name of the node that an address is on.
func (s *site) nodeOf(address string) string {
	for i := range 2 {
		if address == s.NodeAddress(i).String() || s.NodePods(i).Contains(netip.MustParseAddr(address)) {
			return s.NodeName(i)
		}
	}
	return "none"
}

func (s *site) nodeOfCgroup(group string) string {
	for i := range 2 {
		if strings.HasPrefix(group, s.NodeCgroup(i)+"/") {
			return s.NodeName(i)
		}
	}
	return "none"
}
