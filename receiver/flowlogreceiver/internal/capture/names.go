//go:build linux

package capture

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// maxNames bounds the cache of process names; past it the cache begins anew.
const maxNames = 8192

// processNames interns the names that come with events. Names are cached by
// what the kernel sent, so no record costs I/O.
type processNames struct {
	proc  string // where procfs is mounted
	names map[[probe.ExeLen]byte]flow.Name
}

func newProcessNames(proc string) *processNames {
	return &processNames{proc: proc, names: make(map[[probe.ExeLen]byte]flow.Name)}
}

func (p *processNames) of(ev *probe.Event) flow.Name {
	if name, ok := p.names[ev.Exe]; ok {
		return name
	}
	if len(p.names) >= maxNames {
		clear(p.names)
	}
	name := flow.InternKnown(p.resolve(ev))
	p.names[ev.Exe] = name
	return name
}

// resolve returns the name that the kernel sent, made whole if it was cut and
// the process is still there to ask.
func (p *processNames) resolve(ev *probe.Event) string {
	sent := unix.ByteSliceToString(ev.Exe[:])
	name := strings.ToValidUTF8(sent, "�")
	if len(sent) < probe.ExeLen-1 {
		return name
	}
	exe, err := os.Readlink(filepath.Join(p.proc, strconv.FormatUint(uint64(ev.PID), 10), "exe"))
	if err != nil {
		return name
	}
	if whole := filepath.Base(strings.TrimSuffix(exe, " (deleted)")); strings.HasPrefix(whole, name) {
		return whole
	}
	return name
}
