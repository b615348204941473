//go:build linux

package flowlogreceiver

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/cgroup"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

func withArguments(c *Config) { c.Process.Arguments.Enabled = true }

// A process's arguments are in its own reports, without the secret among them,
// also when it is older than the receiver.
func TestArguments(t *testing.T) {
	ns := netns.New(t)
	_, to, _ := process(t, ns, "serve", "127.0.0.1:0", "--password", "hunter2")
	r := start(t, withArguments)
	ns.Do(t, func() error { _, err := ask(to); return err })
	r.await("both ends", ends(2), ns)
	source, destination := sides(t, r.finish(ns))
	exe, err := os.Executable()
	require.NoError(t, err)
	require.Equal(t, exe+" serve 127.0.0.1:0 --password ***", destination.Process.CommandLine.String())
	require.True(t, strings.HasPrefix(source.Process.CommandLine.String(), os.Args[0]), source.Process.CommandLine)
}

func TestArgumentsAreOptIn(t *testing.T) {
	ns := netns.New(t)
	_, to, _ := process(t, ns, "serve", "127.0.0.1:0", "--password", "hunter2")
	r := start(t, nil)
	ns.Do(t, func() error { _, err := ask(to); return err })
	r.await("both ends", ends(2), ns)
	for _, f := range r.finish(ns) {
		require.False(t, f.Process.CommandLine.Known())
	}
}

// Arguments follow a connection to the worker that ends it.
func TestArgumentsAfterForkAndAccept(t *testing.T) {
	const script = "cat; exec 0<&-; read wait <&3"
	ns := netns.New(t)
	r := start(t, withArguments)
	client, server, _ := connect(t, ns, "tcp", "127.0.0.1:0")
	handed, err := server.File()
	require.NoError(t, err)
	held, hold, err := os.Pipe()
	require.NoError(t, err)
	worker := exec.Command("sh", "-c", script)
	worker.Stdin, worker.ExtraFiles = handed, []*os.File{held}
	require.NoError(t, worker.Start())
	t.Cleanup(func() {
		hold.Close()
		_ = worker.Wait()
	})
	held.Close()
	handed.Close()
	server.Close()
	require.NoError(t, client.CloseWrite())
	_, err = io.Copy(io.Discard, client)
	require.NoError(t, err)
	client.Close()
	r.await("both ends", ends(2), ns)
	last := func(f *flow.Flow) bool { return f.Reporter == flow.ReporterDestination && f.Connections.Completed == 1 }
	for _, f := range r.finish(ns) {
		if last(&f) {
			require.EqualValues(t, worker.Process.Pid, f.Process.PID)
			require.Equal(t, "sh -c '"+script+"'", f.Process.CommandLine.String())
			return
		}
	}
	t.Fatal("no record shows the end")
}

// A container is known by the path of its cgroup.
func TestContainer(t *testing.T) {
	root := probe.CgroupRoot()
	if root == "" {
		t.Skip("cgroup2 is not mounted")
	}
	const id = "4f5e0c7b2a9d4f5e0c7b2a9d4f5e0c7b2a9d4f5e0c7b2a9d4f5e0c7b2a9d0001"
	ns := netns.New(t)
	group := cgroup.Named(t, cgroup.Named(t, cgroup.New(t, root), "docker-"+id+".scope"), "init.scope")
	r := start(t, nil)
	to := serve(t, ns, "127.0.0.1", 1)[0]
	exe, err := os.Executable()
	require.NoError(t, err)
	client := ns.Command(exe, "ask", to.String())
	client.Env = append(os.Environ(), childEnv+"=1")
	cgroup.Start(t, group, client)
	require.NoError(t, client.Wait())
	r.await("both ends", ends(2), ns)
	source, destination := sides(t, r.finish(ns))
	require.Equal(t, strings.TrimPrefix(group, root), source.Process.Cgroup.String())
	require.Equal(t, id, source.Process.Container.String())
	require.False(t, destination.Process.Container.Known(), destination.Process.Cgroup)
}
