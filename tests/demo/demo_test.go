package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/release"
)

// TestTheDemoShowsEachCall starts the demo and looks for each call of the shop, named at
// both ends: allowed, or dropped where a policy does not admit it.
func TestTheDemoShowsEachCall(t *testing.T) {
	t.Chdir("../..") // where it runs
	archive := filepath.Join(t.TempDir(), "image.tar")
	_, err := release.WriteImage(t.Context(), ".", "bin/otelcol-flowlogs", archive)
	require.NoError(t, err)

	c := cluster.New(t, options)
	address, err := show(t.Context(), c, archive, 0)
	require.NoError(t, err)

	wanted := filters()
	require.Greater(t, len(wanted), 15)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Second) {
		wanted = slices.DeleteFunc(wanted, func(filter string) bool { return shown(t, address, filter) })
		if len(wanted) == 0 {
			return
		}
		require.True(t, time.Now().Before(deadline), "no flow matches %q", wanted)
	}
}

// filters match the calls: one of each. Those of a CronJob begin with the next minute, which
// is not waited for.
func filters() (all []string) {
	add := func(action, source, destination string) {
		all = append(all, fmt.Sprintf("flow.action = %s and %s and %s", action, source, destination))
	}
	outside := func(side string) string { return side + ".network.name = outside" }
	is := func(side string, w workload) string {
		return fmt.Sprintf("%[1]s.k8s.namespace.name = %[2]s and %[1]s.k8s.workload.name = %[3]s", side, w.namespace, w.name)
	}
	add("allow", outside("source"), is("destination", find("ingress/gateway")))
	for _, from := range shop {
		for _, call := range from.calls {
			switch {
			case from.kind == "CronJob":
			case call.to == theBank:
				add("allow", is("source", from), outside("destination"))
			case find(call.to).hostNetwork:
				add("allow", is("source", from), fmt.Sprintf("destination.type = host and destination.port = %d", find(call.to).port))
			case find(call.to).admitsCallsOf(from):
				add("allow", is("source", from), is("destination", find(call.to)))
			default:
				add("deny", is("source", from), is("destination", find(call.to)))
			}
		}
	}
	return all
}

func (w workload) admitsCallsOf(from workload) bool {
	return len(w.admits) == 0 || slices.Contains(w.admits, from.namespace) || slices.Contains(w.admits, from.namespace+"/"+from.name)
}

// shown tells whether the Flow Visualizer has a flow that matches.
func shown(t *testing.T, address, filter string) bool {
	t.Helper()
	resp, err := http.Get("http://" + address + "/api/v1/flows?" + url.Values{"q": {filter}, "reporter": {"all"}, "limit": {"1"}}.Encode())
	require.NoError(t, err)
	defer resp.Body.Close()
	var page struct{ Flows []json.RawMessage }
	require.Equal(t, http.StatusOK, resp.StatusCode, filter)
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&page))
	return len(page.Flows) > 0
}
