package networks_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/networks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func named(t *testing.T, name string, cidrs ...string) networks.Network {
	t.Helper()
	n, err := networks.Named(name, cidrs)
	require.NoError(t, err)
	return n
}

func find(table *networks.Table, addr string) string {
	if n := table.Lookup(netip.MustParseAddr(addr)); n != nil {
		return n.Name.String()
	}
	return ""
}

func TestTheLongestPrefixNamesTheNetwork(t *testing.T) {
	var table networks.Table
	assert.Empty(t, find(&table, "10.0.0.1"), "an empty table names nothing")
	table.Replace(networks.FromConfig, []networks.Network{
		named(t, "all", "10.0.0.0/8", "2001:db8::/32"), named(t, "office", "10.1.0.0/16"), named(t, "printer", "10.1.2.3", "::ffff:10.9.0.0/112"),
	})
	for addr, want := range map[string]string{
		"10.0.0.1": "all", "10.1.0.1": "office", "10.1.2.3": "printer", "::ffff:10.1.2.3": "printer", "10.9.1.1": "printer", "2001:db8::1": "all",
		"11.0.0.1": "", "2001:db9::1": "",
	} {
		assert.Equal(t, want, find(&table, addr), addr)
	}
}

func TestTheNearestSourceNamesAPrefixThatSeveralHave(t *testing.T) {
	var table networks.Table
	table.Replace(networks.FromCluster, []networks.Network{named(t, "z-set", "10.0.0.0/8"), named(t, "a-set", "10.0.0.0/8", "10.1.0.0/16")})
	assert.Equal(t, "a-set", find(&table, "10.0.0.1"))
	table.Replace(networks.FromFile, []networks.Network{named(t, "file", "10.0.0.0/8")})
	assert.Equal(t, "file", find(&table, "10.0.0.1"))
	table.Replace(networks.FromConfig, []networks.Network{named(t, "config", "10.0.0.0/8")})
	assert.Equal(t, "config", find(&table, "10.0.0.1"))
	assert.Equal(t, "a-set", find(&table, "10.1.0.1"), "whose prefix is longer")
	table.Replace(networks.FromConfig, nil)
	table.Replace(networks.FromFile, nil)
	assert.Equal(t, "a-set", find(&table, "10.0.0.1"))
}

func TestScopesHaveExceptions(t *testing.T) {
	var none *networks.Scopes
	assert.Equal(t, flow.ScopePublic, none.Of(netip.MustParseAddr("198.51.100.7")))
	scopes := new(networks.Scopes)
	scopes.Add(netip.MustParsePrefix("198.51.100.0/24"), flow.ScopePrivate)
	scopes.Add(netip.MustParsePrefix("198.51.100.7/32"), flow.ScopeSharedAddress)
	for addr, want := range map[string]flow.Scope{
		"198.51.100.1": flow.ScopePrivate, "::ffff:198.51.100.7": flow.ScopeSharedAddress, "8.8.8.8": flow.ScopePublic, "10.0.0.1": flow.ScopePrivate, "ff02::1": flow.ScopeMulticast,
	} {
		assert.Equal(t, want, scopes.Of(netip.MustParseAddr(addr)), addr)
	}
}

func TestParse(t *testing.T) {
	list, err := networks.Parse([]byte("networks:\n  - name: office\n    cidrs: [192.0.2.1/24, '2001:db8::1']\n  - name: empty\n"))
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.Equal(t, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::1/128")}, list[0].Prefixes)
	list, err = networks.Parse(nil)
	require.NoError(t, err)
	assert.Empty(t, list)
	for text, want := range map[string]string{
		"networks: [{cidrs: [10.0.0.0/8]}]":               "networks[0]: name: is empty",
		"networks: [{name: a}, {name: b, cidrs: [10/8]}]": `networks[1]: cidrs of b: "10/8" is neither an address nor a prefix`,
		"networks: [{name: a, cidr: [10.0.0.0/8]}]":       "field cidr not found",
		"networks: {": "yaml",
		"networks: [{name: a, cidrs: ['fe80::1%eth0']}]": "neither an address nor a prefix",
	} {
		_, err := networks.Parse([]byte(text))
		assert.ErrorContains(t, err, want, text)
	}
}

func TestAFileIsReadAgainWhenItChanges(t *testing.T) {
	var read [][]networks.Network
	var failed []error
	path := filepath.Join(t.TempDir(), "networks.yaml")
	f := networks.File{
		Path: path, Every: time.Hour,
		Changed: func(list []networks.Network) { read = append(read, list) },
		Failed:  func(err error) { failed = append(failed, err) },
	}
	f.Load()
	f.Load()
	require.Len(t, failed, 1, "a missing file is told of once")
	assert.ErrorContains(t, failed[0], "read networks of "+path)

	write := func(text string) {
		// As a mounted ConfigMap does: another file takes its place.
		next := path + ".next"
		require.NoError(t, os.WriteFile(next, []byte(text), 0o600))
		require.NoError(t, os.Rename(next, path))
		f.Load()
	}
	write("networks: [{name: a}]")
	f.Load()
	require.Len(t, read, 1)
	write("networks: [{name: b}]")
	require.Len(t, read, 2, "another file of the same size")
	assert.Equal(t, "b", read[1][0].Name.String())
	write("networks: [{nome: b}]")
	f.Load()
	assert.Len(t, read, 2, "a broken file changes nothing")
	assert.Len(t, failed, 2)
}

// FuzzParse reads anything: nothing panics, and what is read can be looked up.
func FuzzParse(f *testing.F) {
	f.Add([]byte("networks:\n  - name: office\n    cidrs: [192.0.2.0/24, '2001:db8::/32', '::ffff:10.0.0.0/104']\n"))
	f.Add([]byte(`{"networks": [{"name": "a", "cidrs": ["10.0.0.1"]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := networks.Parse(data)
		if err != nil {
			return
		}
		var prefixes []netip.Prefix
		for _, n := range list {
			prefixes = append(prefixes, n.Prefixes...)
		}
		var table networks.Table
		table.Replace(networks.FromFile, list)
		for _, p := range prefixes {
			if table.Lookup(p.Addr()) == nil {
				t.Fatalf("%s lies in no network", p)
			}
		}
	})
}
