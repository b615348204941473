package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// node is whose rules the cases are about.
const node = "node-0"

// TestCases reads from each folder of testdata the objects of a cluster, and compares
// the script with rules.nft and what it does with new connections with connections.
// UPDATE_GOLDEN=1 writes rules.nft.
func TestCases(t *testing.T) {
	cases, err := filepath.Glob("testdata/*/objects.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, path := range cases {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			state := read(t, path)
			script := ruleset(t, state)
			golden(t, filepath.Join(dir, "rules.nft"), script)
			for _, c := range connections(t, filepath.Join(dir, "connections"), state) {
				if allowed := evaluate(t, script, c.packet); allowed != c.allowed {
					t.Errorf("%s: the rules let it through: %t", c.line, allowed)
				}
			}
			shuffle(state)
			if diff := cmp.Diff(script, ruleset(t, state)); diff != "" {
				t.Errorf("the script depends on the order of objects (-this +another):\n%s", diff)
			}
		})
	}
}

// TestKernelTakesEveryScript loads the scripts, twice each, in a network namespace
// that holds another table.
func TestKernelTakesEveryScript(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	scripts, err := filepath.Glob("testdata/*/rules.nft")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	for _, script := range scripts {
		const load = `set -e
nft add table inet other
nft -f "$0"; first=$(nft list ruleset)
nft -f "$0"; second=$(nft list ruleset)
[ "$first" = "$second" ] || { echo "the second time it is another"; exit 1; }
nft list table inet other >/dev/null`
		if out, err := exec.Command("unshare", "--net", "bash", "-c", load, script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
	}
}

func TestLongNamesStayUnique(t *testing.T) {
	long := strings.Repeat("x", 253)
	first, second := name("egress", "pod", long, long+"a"), name("egress", "pod", long, long+"b")
	if first == second || len(first) > longestName || len(second) > longestName {
		t.Errorf("the names are %s and %s", first, second)
	}
}

func TestWhatCannotBeReadIsNamed(t *testing.T) {
	state := State{Node: node, Pods: read(t, "testdata/ports/objects.yaml").Pods, Policies: []*networkingv1.NetworkPolicy{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "broken"},
		Spec: networkingv1.NetworkPolicySpec{Ingress: []networkingv1.NetworkPolicyIngressRule{{
			From: []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: "10.0.0.0/33"}}},
		}}},
	}}}
	script, err := state.Ruleset()
	if err == nil || !strings.Contains(err.Error(), "default/broken") || !strings.Contains(err.Error(), "10.0.0.0/33") {
		t.Errorf("got %v", err)
	}
	if script != "" {
		t.Errorf("there is a script all the same:\n%s", script)
	}
}

func ruleset(t *testing.T, s State) string {
	t.Helper()
	script, err := s.Ruleset()
	if err != nil {
		t.Fatal(err)
	}
	return script
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the script is not %s (-want +got):\n%s", path, diff)
	}
}

func read(t *testing.T, path string) State {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := State{Node: node}
	for dec := yaml.NewYAMLToJSONDecoder(bytes.NewReader(text)); ; {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			return s
		} else if err != nil {
			t.Fatal(err)
		}
		var kind metav1.TypeMeta
		if err := json.Unmarshal(raw, &kind); err != nil {
			t.Fatal(err)
		}
		switch kind.Kind {
		case "Pod":
			s.Pods = append(s.Pods, decode[corev1.Pod](t, raw))
		case "Namespace":
			s.Namespaces = append(s.Namespaces, decode[corev1.Namespace](t, raw))
		case "NetworkPolicy":
			s.Policies = append(s.Policies, decode[networkingv1.NetworkPolicy](t, raw))
		default:
			t.Fatalf("%s: a %q", path, kind.Kind)
		}
	}
}

// decode refuses fields that there are not: they would test nothing.
func decode[T any](t *testing.T, raw json.RawMessage) *T {
	t.Helper()
	object := new(T)
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(object); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return object
}

func shuffle(s State) {
	rand.Shuffle(len(s.Pods), func(i, j int) { s.Pods[i], s.Pods[j] = s.Pods[j], s.Pods[i] })
	rand.Shuffle(len(s.Namespaces), func(i, j int) { s.Namespaces[i], s.Namespaces[j] = s.Namespaces[j], s.Namespaces[i] })
	rand.Shuffle(len(s.Policies), func(i, j int) { s.Policies[i], s.Policies[j] = s.Policies[j], s.Policies[i] })
}

// connection is what a line says: "deny default/client -> default/server tcp/80", with
// pods or addresses.
type connection struct {
	line    string
	allowed bool
	packet
}

func connections(t *testing.T, path string, s State) (all []connection) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	address := func(end string) netip.Addr {
		for _, p := range s.Pods {
			if p.Namespace+"/"+p.Name == end {
				end = p.Status.PodIPs[0].IP
			}
		}
		a, err := netip.ParseAddr(end)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 5 || f[0] != "allow" && f[0] != "deny" || f[2] != "->" {
			t.Fatalf("%s: %q", path, line)
		}
		protocol, number, _ := strings.Cut(f[4], "/")
		port, err := strconv.ParseUint("0"+number, 10, 16) // ICMP has none
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, connection{
			strings.TrimSpace(line), f[0] == "allow",
			packet{address(f[1]), address(f[3]), protocol, uint16(port)},
		})
	}
	return all
}
