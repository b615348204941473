//go:build linux

// Package netns gives tests network namespaces of their own, so that they know
// every packet in them. It needs root. Namespaces have no name and no mount:
// they go with the last thread or socket in them.
package netns

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	handle "github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A thread that is left in a namespace ends, except the process's first, which the
// runtime keeps. It is the main goroutine's from the start, so that it never is one.
func init() { runtime.LockOSThread() }

// NS is a network namespace. New's has its loopback interface up.
type NS struct {
	fd    handle.NsHandle
	inode uint32
	links int // that Connect made
}

// New makes a namespace that is closed when the test ends.
func New(tb testing.TB) *NS {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("network namespaces need root")
	}
	ns := &NS{fd: -1}
	err := onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare network namespace: %w", err)
		}
		fd, err := handle.Get()
		if err != nil {
			return fmt.Errorf("open network namespace: %w", err)
		}
		ns.fd = fd
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return fmt.Errorf("find loopback: %w", err)
		}
		return netlink.LinkSetUp(lo)
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = ns.fd.Close() })
	ns.identify(tb)
	return ns
}

// OfProcess opens the namespace that a process is in, until the test ends.
func OfProcess(tb testing.TB, pid int) *NS {
	tb.Helper()
	fd, err := handle.GetFromPid(pid)
	if err != nil {
		tb.Fatalf("open the network namespace of process %d: %v", pid, err)
	}
	tb.Cleanup(func() { _ = fd.Close() })
	ns := &NS{fd: fd}
	ns.identify(tb)
	return ns
}

func (ns *NS) identify(tb testing.TB) {
	tb.Helper()
	info, err := os.Stat(ns.Path())
	if err != nil {
		tb.Fatal(err)
	}
	ns.inode = uint32(info.Sys().(*syscall.Stat_t).Ino)
}

// Close lets go of the namespace before the test ends.
func (ns *NS) Close() error { return ns.fd.Close() }

// Inode identifies the namespace in records.
func (ns *NS) Inode() uint32 { return ns.inode }

// Path is a file of the namespace, for this process.
func (ns *NS) Path() string { return fmt.Sprintf("/proc/self/fd/%d", int(ns.fd)) }

// Do runs f in the namespace, on a thread of its own. Sockets that f opens stay
// in the namespace; goroutines that it starts do not run there.
func (ns *NS) Do(tb testing.TB, f func() error) {
	tb.Helper()
	if err := ns.Try(f); err != nil {
		tb.Fatal(err)
	}
}

// Try is Do for goroutines, which must not end the test.
func (ns *NS) Try(f func() error) error {
	return onOwnThread(func() error {
		if err := handle.Set(ns.fd); err != nil {
			return fmt.Errorf("enter network namespace: %w", err)
		}
		return f()
	})
}

// onOwnThread runs f on a thread that ends with it, since it may be left in
// another namespace.
func onOwnThread(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the runtime ends the thread
		result <- f()
	}()
	return <-result
}

// Command returns a command that will run in the namespace.
func (ns *NS) Command(name string, args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"--net=" + fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), int(ns.fd)), "--", name}, args...)...)
}

// Sysctl sets a network parameter of the namespace, for example
// "net/ipv4/tcp_tw_reuse".
func (ns *NS) Sysctl(tb testing.TB, name, value string) {
	tb.Helper()
	ns.Do(tb, func() error {
		return os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0o644)
	})
}

// AddAddress gives the loopback interface an address.
func (ns *NS) AddAddress(tb testing.TB, prefix string) {
	tb.Helper()
	ns.Do(tb, func() error { return addAddress("lo", prefix) })
}

// Connect joins two namespaces with a pair of virtual interfaces, each with the
// addresses given, and returns the name of the interface in both.
func Connect(tb testing.TB, a *NS, aPrefixes []string, b *NS, bPrefixes []string) string {
	tb.Helper()
	name := fmt.Sprintf("veth%d", max(a.links, b.links))
	a.links = max(a.links, b.links) + 1
	b.links = a.links
	ConnectAs(tb, a, name, aPrefixes, b, name, bPrefixes)
	return name
}

// ConnectAs is Connect with a name for the interface in each.
func ConnectAs(tb testing.TB, a *NS, aName string, aPrefixes []string, b *NS, bName string, bPrefixes []string) {
	tb.Helper()
	a.Do(tb, func() error {
		link := &netlink.Veth{
			LinkAttrs:     netlink.LinkAttrs{Name: aName},
			PeerName:      bName,
			PeerNamespace: netlink.NsFd(int(b.fd)),
		}
		if err := netlink.LinkAdd(link); err != nil {
			return fmt.Errorf("add veth pair: %w", err)
		}
		return setUp(aName, aPrefixes)
	})
	b.Do(tb, func() error { return setUp(bName, bPrefixes) })
}

// AddDefaultRoute sends what has no other way to a gateway.
func (ns *NS) AddDefaultRoute(tb testing.TB, gateway string) {
	tb.Helper()
	ns.Do(tb, func() error {
		if err := netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(gateway)}); err != nil {
			return fmt.Errorf("add default route by %s: %w", gateway, err)
		}
		return nil
	})
}

func setUp(name string, prefixes []string) error {
	for _, p := range prefixes {
		if err := addAddress(name, p); err != nil {
			return err
		}
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

func addAddress(name, prefix string) error {
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		return err
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find interface %s: %w", name, err)
	}
	addr, err := netlink.ParseAddr(p.String())
	if err != nil {
		return err
	}
	if p.Addr().Is6() {
		addr.Flags = unix.IFA_F_NODAD // usable at once
	}
	if err := netlink.AddrAdd(link, addr); err != nil {
		return fmt.Errorf("add address %s to %s: %w", prefix, name, err)
	}
	return nil
}
