//go:build linux

package probe

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestMissingType(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		_, err := missingType(&btf.Struct{}, "sock")
		require.ErrorContains(t, err, "CONFIG_DEBUG_INFO_BTF")
		return
	}
	for name, test := range map[string]struct {
		kind    btf.Type
		missing bool
	}{
		"sock":                          {&btf.Struct{}, false},
		"btf_trace_inet_sock_set_state": {&btf.Typedef{}, false},
		"btf_trace_that_never_was":      {&btf.Typedef{}, true},
	} {
		missing, err := missingType(test.kind, name)
		require.NoError(t, err)
		require.Equal(t, test.missing, missing, name)
	}
	missing, err := missingType(&btf.Typedef{}, "sock")
	require.NoError(t, err)
	require.True(t, missing, "a struct, not a typedef")
}

func TestMissingPrivilege(t *testing.T) {
	status := filepath.Join(t.TempDir(), "status")
	holds := func(line string) {
		require.NoError(t, os.WriteFile(status, []byte("Name:\tx\n"+line+"\nNoNewPrivs:\t0\n"), 0o600))
	}
	for name, test := range map[string]struct{ line, err string }{
		"all":                {"CapEff:\t000001ffffffffff", ""},
		"the two":            {"CapEff:\t000000c000000000", ""},
		"SYS_ADMIN for both": {"CapEff:\t0000000000200000", ""},
		"none":               {"CapEff:\t0000000000000000", "grant CAP_BPF and CAP_PERFMON (setcap"},
		"one":                {"CapEff:\t0000008000000000", "grant CAP_PERFMON (setcap"},
		"no line":            {"CapPrm:\t0", "no CapEff line in " + status},
		"no number":          {"CapEff:\tall", "read own capabilities in " + status},
	} {
		holds(test.line)
		err := missingPrivilege(status, unix.CAP_BPF, unix.CAP_PERFMON)
		if test.err == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, test.err, name)
		}
	}
	require.ErrorContains(t, missingPrivilege(filepath.Join(t.TempDir(), "none"), unix.CAP_BPF), "read own capabilities")
}
