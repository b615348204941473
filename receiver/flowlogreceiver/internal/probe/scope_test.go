//go:build linux

package probe

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/cgroup"
)

// scopeEnv makes this test binary tell the scope that it finds, in whatever view of
// control groups it was started.
const scopeEnv = "FLOWLOG_TEST_SCOPE"

// toldScope is a Scope as a process tells it.
type toldScope struct {
	Dir   string
	Group uint64
	Level int32
	Err   string
}

func TestMain(m *testing.M) {
	if path, ok := os.LookupEnv(scopeEnv); ok {
		s, err := FindScope(path)
		told := toldScope{Dir: s.dir, Group: s.group, Level: s.level}
		if err != nil {
			told.Err = err.Error()
		}
		if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// needGroups skips where no control groups can be made, and returns where they are.
func needGroups(t *testing.T) string {
	t.Helper()
	if err := missingPrivilege(ownStatus, unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYS_ADMIN); err != nil {
		t.Skip(err)
	}
	root := CgroupRoot()
	if root == "" {
		t.Skip("cgroup2 is not mounted")
	}
	return root
}

// The scope is told by the group's id, and by how far below the root of all it is.
func TestScopeOfGroup(t *testing.T) {
	root := needGroups(t)
	dir := cgroup.New(t, cgroup.New(t, root))
	id, err := inode(dir)
	require.NoError(t, err)
	scope, err := FindScope(strings.TrimPrefix(dir, root))
	require.NoError(t, err)
	require.Equal(t, id, scope.group)
	require.Equal(t, dir, scope.Dir())
	require.False(t, scope.Everything())
	above, err := FindScope(strings.TrimPrefix(filepath.Dir(dir), root))
	require.NoError(t, err)
	require.Equal(t, scope.level, above.level+1)
}

func TestNoSuchGroup(t *testing.T) {
	root := needGroups(t)
	_, err := FindScope("/docker/none")
	require.ErrorContains(t, err, "there is no group "+root+"/docker/none: give the path below the mount of cgroup2")
}

// What a mount of control groups shows is the node: a machine's shows all, that of a
// container that plays a node the node. What shows a container nothing but itself
// says nothing about a node.
func TestScopeIsWhatTheMountShows(t *testing.T) {
	root := needGroups(t)
	const pod = "kubelet/pod"
	// A process sees as the root the group that it is in when it unshares its view.
	enter := `exec unshare --cgroup --mount sh -euc 'umount -n ` + root + `; mount -n -t cgroup2 none ` + root + `; `
	leave := `"$0"' "$0"`
	machine, _ := scopeSeen(t, cgroup.New(t, root), `exec "$0"`)
	container, _ := scopeSeen(t, cgroup.New(t, root), enter+leave)
	group := cgroup.New(t, root)
	t.Cleanup(func() {
		require.NoError(t, errors.Join(os.Remove(filepath.Join(group, pod)), os.Remove(filepath.Join(group, filepath.Dir(pod)))))
	})
	node, own := scopeSeen(t, group, enter+`mkdir -p `+root+`/`+pod+`; echo 0 >`+root+`/`+pod+`/cgroup.procs; exec unshare --cgroup `+leave)
	require.Zero(t, machine)
	require.Zero(t, container)
	require.Equal(t, own, node)
}

// scopeSeen returns the scope that a process finds which a script starts in a group, and
// what it would be if it were the group.
func scopeSeen(t *testing.T, group, script string) (seen, own toldScope) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command("sh", "-euc", script, exe)
	cmd.Env = append(os.Environ(), scopeEnv+"=")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	cgroup.Start(t, group, cmd)
	require.NoError(t, cmd.Wait())
	require.NoError(t, json.Unmarshal(out.Bytes(), &seen), "%s", &out)
	require.Empty(t, seen.Err)

	root := CgroupRoot()
	s, err := FindScope(strings.TrimPrefix(group, root))
	require.NoError(t, err)
	return seen, toldScope{Dir: root, Group: s.group, Level: s.level}
}
