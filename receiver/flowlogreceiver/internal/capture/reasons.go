//go:build linux

package capture

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// denials names the errors that an attempt usually fails with. A refusal is that
// of a machine where nobody listens; firewalls that answer so are told apart by
// the packets that they drop, where that is here.
var denials = map[syscall.Errno]flow.Denial{
	syscall.ECONNREFUSED: {Reason: flow.Intern("connection_refused"), Class: flow.NoListener},
	syscall.ETIMEDOUT:    {Reason: flow.Intern("timed_out"), Class: flow.Timeout},
	syscall.EHOSTUNREACH: {Reason: flow.Intern("host_unreachable"), Class: flow.Unreachable},
	syscall.ENETUNREACH:  {Reason: flow.Intern("network_unreachable"), Class: flow.Unreachable},
	syscall.EHOSTDOWN:    {Reason: flow.Intern("host_down"), Class: flow.Unreachable},
	syscall.ENOPROTOOPT:  {Reason: flow.Intern("protocol_unreachable"), Class: flow.NoListener},
	syscall.EACCES:       {Reason: flow.Intern("permission_denied"), Class: flow.Reject},
	syscall.EPERM:        {Reason: flow.Intern("permission_denied"), Class: flow.PolicyDrop},
	syscall.ECONNRESET:   {Reason: flow.Intern("connection_reset"), Class: flow.Reject},
	syscall.EINVAL:       {Reason: flow.Intern("blackhole"), Class: flow.Unreachable},
}

// denialOf tells what an error means; an unusual one goes by its symbol, for example
// "eproto".
func denialOf(errno syscall.Errno) flow.Denial {
	if d, ok := denials[errno]; ok {
		return d
	}
	if symbol := unix.ErrnoName(errno); symbol != "" {
		return flow.Denial{Reason: flow.Intern(strings.ToLower(symbol)), Class: flow.OtherFailure}
	}
	return flow.Denial{Reason: flow.Intern("unknown"), Class: flow.OtherFailure}
}
