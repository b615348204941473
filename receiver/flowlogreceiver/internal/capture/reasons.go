//go:build linux

package capture

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// denyReasons names the errors that a connect usually fails with.
var denyReasons = map[syscall.Errno]flow.Name{
	syscall.ECONNREFUSED: flow.Intern("connection_refused"),
	syscall.ETIMEDOUT:    flow.Intern("timed_out"),
	syscall.EHOSTUNREACH: flow.Intern("host_unreachable"),
	syscall.ENETUNREACH:  flow.Intern("network_unreachable"),
	syscall.EHOSTDOWN:    flow.Intern("host_down"),
	syscall.ENOPROTOOPT:  flow.Intern("protocol_unreachable"),
	syscall.EACCES:       flow.Intern("permission_denied"),
	syscall.EPERM:        flow.Intern("permission_denied"),
	syscall.ECONNRESET:   flow.Intern("connection_reset"),
}

// denyReason names the error of a failed connect; an unusual one goes by its
// symbol, for example "eproto".
func denyReason(errno syscall.Errno) flow.Name {
	if name, ok := denyReasons[errno]; ok {
		return name
	}
	if symbol := unix.ErrnoName(errno); symbol != "" {
		return flow.Intern(strings.ToLower(symbol))
	}
	return flow.Intern("unknown")
}
