package cluster

import "testing"

func TestAddressesOfNodesAndPods(t *testing.T) {
	for _, test := range []struct {
		of                    family
		node, pods, everybody string
	}{
		{ipv4, "10.250.3.10", "10.244.7.0/24", "0.0.0.0/0"},
		{ipv6, "fd00:10:250:3::a", "fd00:10:244:7::/64", "::/0"},
	} {
		f := fabric{families: []family{test.of}, index: 3}
		if got := f.address(test.of, firstNodeHost).String(); got != test.node {
			t.Errorf("the first node is %s, want %s", got, test.node)
		}
		if got := test.of.podsOf(7).String(); got != test.pods {
			t.Errorf("the pods of node 7 are %s, want %s", got, test.pods)
		}
		if got := test.of.everything().String(); got != test.everybody {
			t.Errorf("all addresses are %s, want %s", got, test.everybody)
		}
	}
}
