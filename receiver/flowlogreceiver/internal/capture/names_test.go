//go:build linux

package capture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

func TestProcessNames(t *testing.T) {
	proc := t.TempDir()
	runs := func(pid, exe string) {
		require.NoError(t, os.MkdirAll(filepath.Join(proc, pid), 0o755))
		require.NoError(t, os.Symlink(exe, filepath.Join(proc, pid, "exe")))
	}
	whole := strings.Repeat("a", 40)
	runs("1", "/usr/bin/"+whole)
	runs("2", "/usr/bin/"+whole+"b (deleted)")
	runs("3", "/usr/bin/another")
	for name, test := range map[string]struct {
		sent string
		pid  uint32
		want string
	}{
		"short":                   {"nginx", 1, "nginx"},
		"none":                    {"", 1, ""},
		"cut":                     {whole[:probe.ExeLen-1], 1, whole},
		"cut, deleted since":      {whole[:probe.ExeLen-1], 2, whole + "b"},
		"cut, the pid is another": {whole[:probe.ExeLen-1], 3, whole[:probe.ExeLen-1]},
		"cut, the process went":   {whole[:probe.ExeLen-1], 4, whole[:probe.ExeLen-1]},
		"not UTF-8":               {"a\xffb", 1, "a�b"},
	} {
		t.Run(name, func(t *testing.T) {
			ev := probe.Event{PID: test.pid}
			copy(ev.Exe[:], test.sent)
			names := newProcessNames(proc)
			require.Equal(t, test.want, names.of(&ev).String())
			require.Equal(t, test.want, names.of(&ev).String(), "again, from memory")
		})
	}
}

func TestProcessNamesAreBounded(t *testing.T) {
	names := newProcessNames(t.TempDir())
	for i := range maxNames + 10 {
		names.of(&probe.Event{Exe: [probe.ExeLen]byte{1, byte(i), byte(i >> 8)}})
	}
	require.LessOrEqual(t, len(names.names), maxNames)
}
