//go:build linux

package flowlogreceiver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/cgroup"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// tenant stands for what runs on one of the nodes that share the kernel: a process
// with a network namespace and a control group of its own, which does what it is told.
type tenant struct {
	tb      testing.TB
	ns      *netns.NS
	address netip.Addr
	orders  io.Writer
	answers *bufio.Reader
}

const (
	// exchanged is how many datagrams an exchange has in each direction, datagramBytes
	// their payload.
	exchanged     = 5
	datagramBytes = 100
	// dialPatience is for connects that nobody answers.
	dialPatience = 300 * time.Millisecond
)

// makeGroups makes two groups, for as many nodes, and returns their directories.
func makeGroups(tb testing.TB) [2]string {
	tb.Helper()
	root := probe.CgroupRoot()
	if root == "" || os.Geteuid() != 0 {
		tb.Skip("control groups need cgroup2 and root")
	}
	return [2]string{cgroup.New(tb, root), cgroup.New(tb, root)}
}

// cgroupRoot is what the configuration calls a group.
func cgroupRoot(group string) string { return strings.TrimPrefix(group, probe.CgroupRoot()) }

// startTenant starts a process in a group below one.
func startTenant(tb testing.TB, ns *netns.NS, address, group string) *tenant {
	tb.Helper()
	exe, err := os.Executable()
	require.NoError(tb, err)
	cmd := ns.Command(exe, "obey", "")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stderr = os.Stderr
	orders, err := cmd.StdinPipe()
	require.NoError(tb, err)
	answers, err := cmd.StdoutPipe()
	require.NoError(tb, err)
	cgroup.Start(tb, cgroup.New(tb, group), cmd)
	tb.Cleanup(func() {
		orders.Close()
		_ = cmd.Wait()
	})
	return &tenant{tb: tb, ns: ns, address: netip.MustParseAddr(address), orders: orders, answers: bufio.NewReader(answers)}
}

// do has the tenant do what an order says, and returns the answer.
func (t *tenant) do(order string, at netip.AddrPort) string {
	t.tb.Helper()
	_, err := fmt.Fprintln(t.orders, order, at)
	require.NoError(t.tb, err)
	line, err := t.answers.ReadString('\n')
	require.NoError(t.tb, err, order)
	answer, ok := strings.CutPrefix(strings.TrimSpace(line), "ok ")
	require.True(t.tb, ok, "%s %s: %s", order, at, line)
	return answer
}

// serve starts a server of that kind, and returns its address.
func (t *tenant) serve(kind string) netip.AddrPort {
	t.tb.Helper()
	return netip.MustParseAddrPort(t.do(kind, netip.AddrPortFrom(t.address, 0)))
}

// obey is the tenant's process. It ends with its orders.
func obey() error {
	o := &obedient{}
	for orders := bufio.NewScanner(os.Stdin); orders.Scan(); {
		order, at, _ := strings.Cut(orders.Text(), " ")
		to, err := netip.ParseAddrPort(at)
		if err != nil {
			return err
		}
		answer, err := o.do(order, to)
		if err != nil {
			fmt.Println("failed", err)
			continue
		}
		fmt.Println("ok", answer)
	}
	return nil
}

// obedient keeps the connections that it was told to hold. Servers go with the process.
type obedient struct{ held []net.Conn }

func (o *obedient) release() {
	for _, c := range o.held {
		c.Close()
	}
	o.held = nil
}

func (o *obedient) do(order string, at netip.AddrPort) (answer any, err error) {
	switch order {
	case "serve":
		return serveAll(at)
	case "echo":
		return echoAt(at)
	case "ask":
		return ask(at)
	case "hold": // half of an ask; release is the other
		c, err := net.Dial("tcp", at.String())
		if err != nil {
			return nil, err
		}
		o.held = append(o.held, c)
		_, err = c.Write(make([]byte, requestBytes/2))
		return c.LocalAddr(), err
	case "release":
		o.release()
		return at, nil
	case "exchange":
		c, err := net.Dial("udp", at.String())
		if err != nil {
			return nil, err
		}
		defer c.Close()
		return at, exchange(c, exchanged, datagramBytes)
	case "send":
		c, err := net.Dial("udp", at.String())
		if err != nil {
			return nil, err
		}
		defer c.Close()
		_, err = c.Write([]byte{1})
		return at, err
	case "dial": // and fail
		ctx, cancel := context.WithTimeout(context.Background(), dialPatience)
		defer cancel()
		c, err := new(net.Dialer).DialContext(ctx, "tcp", at.String())
		if err == nil {
			c.Close()
			return nil, errors.New("connected")
		}
		return at, nil
	}
	return nil, fmt.Errorf("nobody knows how to %s", order)
}

func serveAll(at netip.AddrPort) (net.Addr, error) {
	l, err := net.Listen("tcp", at.String())
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answer(c)
		}
	}()
	return l.Addr(), nil
}

func echoAt(at netip.AddrPort) (net.Addr, error) {
	c, err := net.ListenPacket("udp", at.String())
	if err != nil {
		return nil, err
	}
	go echoAll(c)
	return c.LocalAddr(), nil
}
