package filtering

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// attributes are those of a record.
type attributes map[string]any

// text returns an attribute, or nothing.
func (a attributes) text(name string) string { s, _ := a[name].(string); return s }

// changedBy says what each recipe that removes no record makes of one.
var changedBy = map[string]func(attributes){
	"attributes/no_processes": func(a attributes) {
		delete(a, "process.command_line")
		delete(a, "process.pid")
	},
	"transform/few_labels": ofEachEnd(func(a attributes, end string) {
		if labels, ok := a[end+".k8s.pod.labels"].(map[string]any); ok {
			a[end+".k8s.pod.labels"] = map[string]any{"app": labels["app"]}
		}
	}),
	"transform/names_only": ofEachEnd(func(a attributes, end string) {
		if a.text(end+".k8s.pod.name") != "" {
			delete(a, end+".address")
			delete(a, end+".original.address")
		}
	}),
	"transform/truncate": func(a attributes) {
		for _, end := range []string{"source", "destination"} {
			if a.text(end+".scope") == "public" {
				a[end+".address"] = network(a.text(end + ".address"))
			}
		}
		if original := a.text("source.original.address"); original != "" {
			a["source.original.address"] = network(original)
		}
	},
	"transform/pseudonyms": ofEachEnd(func(a attributes, end string) {
		if a.text(end+".scope") == "public" {
			sum := sha256.Sum256([]byte(salt + a.text(end+".address")))
			a[end+".pseudonym"] = hex.EncodeToString(sum[:])
			delete(a, end+".address")
		}
		delete(a, "source.original.address")
	}),
	"transform/ecs": func(a attributes) {
		for _, name := range []string{"flow.id", "flow.action", "flow.deny.reason", "source.address", "destination.address", "process.executable.name"} {
			if value, ok := a[name]; ok {
				a[flow.Flows.Lookup(name).ECS] = value
				delete(a, name)
			}
		}
	},
	"transform/try": func(a attributes) {
		if a.text("flow.action") == "allow" && a["destination.port"] == int64(9090) {
			a["would.be.removed"] = true
		}
	},
}

func ofEachEnd(change func(a attributes, end string)) func(attributes) {
	return func(a attributes) {
		change(a, "source")
		change(a, "destination")
	}
}

// network cuts an address: IPv4 to /24, IPv6 to /32.
func network(address string) string {
	addr := netip.MustParseAddr(address)
	bits := 32
	if addr.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(addr, bits).Masked().Addr().String()
}

func TestTransforms(t *testing.T) {
	processors := documented(t)
	for id, change := range changedBy {
		t.Run(id, func(t *testing.T) {
			sample := NewSample(time.Now())
			before := byName(t, sample, flow.Encode(&sample.Batch, time.Now()))
			want := map[string]map[string]any{}
			for name, attrs := range before {
				want[name] = maps.Clone(attrs)
				change(want[name])
			}
			require.NotEmpty(t, cmp.Diff(before, want), "no record shows what the recipe does")
			r := run(t, id, processors[id], sample)
			require.NoError(t, r.err)
			require.NoError(t, r.rejected.Err(), "what comes out is read by flow_store")
			assert.Empty(t, r.warnings)
			if diff := cmp.Diff(want, r.left); diff != "" {
				t.Errorf("records differ (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTruncateCutsAnyPublicAddress tries addresses with groups of zeros anywhere, which
// are written shortened. All of IPv6 that is public lies in 2000::/3.
func TestTruncateCutsAnyPublicAddress(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	sample := &Sample{at: time.Now(), names: map[string]string{}}
	for len(sample.Batch.Flows) < 2000 {
		var raw [16]byte
		for i := range raw {
			if random.IntN(2) == 0 {
				raw[i] = byte(random.IntN(256))
			}
		}
		raw[0] = raw[0]&0x1f | 0x20
		addr := netip.AddrFrom16(raw)
		if random.IntN(4) == 0 {
			addr = netip.AddrFrom4([4]byte(raw[:4]))
		}
		sample.add(addr.String(), flow.ReporterSource, web, end(flow.EndpointNetwork, addr.String(), "", nil))
	}
	left := run(t, "transform/truncate", documented(t)["transform/truncate"], sample).left
	require.Greater(t, len(left), 1900, "few addresses come twice")
	for name, attrs := range left {
		require.Equal(t, network(name), attrs["destination.address"], name)
	}
}

func TestPrivacyExampleCutsAsTheRecipe(t *testing.T) {
	text, err := os.ReadFile("../../distribution/examples/privacy.yaml")
	require.NoError(t, err)
	assert.Equal(t, documented(t)["transform/truncate"], processorsOf(t, string(text))["transform"])
}
