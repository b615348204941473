package duckdb

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/flowstoretest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

// FuzzFilter holds every filter that parses against its definition: it must
// compile, run and select what Match selects.
func FuzzFilter(f *testing.F) {
	g := flowstoretest.NewGenerator(99)
	batch := g.Batch(60)
	zoned := g.Flow()
	zoned.Source.Address = netip.MustParseAddr("fe80::1%eth0")
	batch.Flows = append(batch.Flows, zoned)
	store, reference := open(f, f.TempDir()), &memstore.Store{}
	require.NoError(f, store.Write(f.Context(), batch))
	require.NoError(f, reference.Write(f.Context(), batch))
	for range 300 {
		f.Add(g.Filter(batch.Flows, 3))
	}
	for _, text := range []string{
		`source.address = fe80::/10`, `source.address != fe80::1/128`, `source.address = "fe80::1%eth0"`, `source.address > fe80::1`, `source.address ~ ETH`,
		`process.executable.name = "'; DROP TABLE flow_records; --"`, `process.executable.name ~ "%"`, `process.executable.name ~ ""`,
		`flow.id = "5eed0063-69559600-1"`, `flow.id ~ 5EED`, `flow.id not exists`, `flow.end ~ ":00Z"`, `flow.end ~ "."`,
		`flow.peer.observed < true`, `source.port = 9223372036854775807`, `source.bytes > -9223372036854775808`,
		`not not not (source.port exists)`, `either.port not in (1, 2, 3)`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		expr, err := filter.Parse(text)
		if err != nil {
			return
		}
		sel := flowstoretest.Everything
		sel.Filter = expr
		got, err := flowstoretest.ReadAll(t.Context(), store, sel, flowstore.MaxPage)
		require.NoError(t, err, text)
		want, err := flowstoretest.ReadAll(t.Context(), reference, sel, flowstore.MaxPage)
		require.NoError(t, err, text)
		require.Equal(t, ids(want), ids(got), text)
	})
}

func ids(flows []flow.Flow) []flow.ID {
	list := make([]flow.ID, len(flows))
	for i := range flows {
		list[i] = flows[i].ID
	}
	return list
}

func TestPrefixKeysAgreeWithContains(t *testing.T) {
	for _, text := range []string{"0.0.0.0/0", "10.0.0.0/8", "10.16.0.0/12", "1.2.3.4/32", "::/0", "fd00::/8", "2001:db8::/33", "::1/128"} {
		prefix := netip.MustParsePrefix(text)
		first, last := prefixKeys(prefix)
		low, err := parseAddressKey(first)
		require.NoError(t, err)
		high, err := parseAddressKey(last)
		require.NoError(t, err)
		require.True(t, prefix.Contains(low) && prefix.Contains(high), text)
		require.False(t, prefix.Contains(low.Prev()) || prefix.Contains(high.Next()), text)
	}
	for _, key := range []string{"", "\x04", "\x06abc", "\x05aaaa", "\x04aaaaa"} {
		_, err := parseAddressKey([]byte(key))
		require.Error(t, err, "%q", key)
	}
}
