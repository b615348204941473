//go:build linux

package probe

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/cgroup"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// inhabit starts a process in a network namespace and a group; quit ends it.
func inhabit(t *testing.T, ns *netns.NS, group string) (quit func()) {
	t.Helper()
	cmd := ns.Command("sh", "-c", "echo; read -r end")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cgroup.Start(t, group, cmd)
	_, err = stdout.Read(make([]byte, 1)) // it has entered
	require.NoError(t, err)
	quit = func() { stdin.Close(); _ = cmd.Wait() }
	t.Cleanup(quit)
	return quit
}

// A network namespace belongs to the scope by a process in it, whoever else is there;
// only what is known to be others' is left out by the programs.
func TestPlacesOfDrops(t *testing.T) {
	root := needGroups(t)
	group := cgroup.New(t, root)
	scope, err := FindScope(strings.TrimPrefix(group, root))
	require.NoError(t, err)
	ns := netns.New(t)
	var objects bpf.DropsObjects
	require.NoError(t, load([]object{{bpf.LoadDrops, &objects}}, Options{Scope: scope}, asIs))
	defer objects.Close()
	places, err := openDropPlaces(Options{Scope: scope}, objects.DropOthers)
	require.NoError(t, err)
	defer places.Close()

	verify := func(when string, skipped, own bool) {
		t.Helper()
		require.NoError(t, places.look())
		var value uint8
		require.Equal(t, skipped, objects.DropOthers.Lookup(ns.Inode(), &value) == nil, when)
		require.Equal(t, own, places.own(&bpf.DropsDropKey{Netns: ns.Inode()}, &bpf.DropsDropFlow{}), when)
	}
	require.Eventually(t, func() bool { // the thread that made the namespace has ended
		require.NoError(t, places.look())
		_, known := places.now[ns.Inode()]
		return !known
	}, 10*time.Second, 10*time.Millisecond)
	verify("nobody is there", false, false)
	quitOther := inhabit(t, ns, root)
	verify("somebody else is", true, false)
	quit := inhabit(t, ns, group)
	verify("both are", false, true)
	quitOther()
	verify("one of its own is", false, true)
	quit()
	verify("its own has just gone", false, true)
	verify("it went long ago", false, false)
	require.True(t, places.now[places.netns], "the collector's own")
	require.True(t, places.own(&bpf.DropsDropKey{}, &bpf.DropsDropFlow{Flags: ofOwnSocket}))
}
