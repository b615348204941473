package cluster

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// fabric is the network between the nodes of a cluster and this machine: a bridge
// in a namespace of its own, one interface to each node and one to the machine.
// Nothing of it outlives the last process that holds one of the namespaces.
type fabric struct {
	ns       netns.NsHandle
	families []family
	index    int // of its subnet in each family
}

const (
	// fabricSubnets are tried in order: 10.250.0.0/24, 10.250.1.0/24 ...
	fabricSubnets = 256
	// machineHost is this machine in a subnet, firstNodeHost the first node.
	machineHost, firstNodeHost = 1, 10
)

// newFabric takes a subnet of each family that no interface of the machine has an
// address in. Two processes must not do so at once.
func newFabric(families []family) (*fabric, error) {
	index, err := freeSubnet(families)
	if err != nil {
		return nil, err
	}
	f := &fabric{families: families, index: index}
	if f.ns, err = newNamespace(); err != nil {
		return nil, err
	}
	if err := f.build(); err != nil {
		return nil, errors.Join(fmt.Errorf("join the nodes' network with the machine's: %w", err), f.ns.Close())
	}
	return f, nil
}

func (f *fabric) build() error {
	inside, err := netlink.NewHandleAt(f.ns)
	if err != nil {
		return err
	}
	defer inside.Close()
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "bridge"}}
	if err := inside.LinkAdd(bridge); err != nil {
		return fmt.Errorf("add bridge: %w", err)
	}
	if err := inside.LinkSetUp(bridge); err != nil {
		return err
	}
	machine, err := netns.Get() // of this thread: the process's first one may be elsewhere
	if err != nil {
		return err
	}
	defer machine.Close()
	return f.join(machine, "machine", f.machineLink(), machineHost)
}

// address is the n-th of a family.
func (f *fabric) address(of family, n int) netip.Addr { return host(of.part(of.nodes, f.index), n) }

// gateway is this machine, as the nodes see it; the API server listens there.
func (f *fabric) gateway() netip.Addr { return f.address(f.families[0], machineHost) }

// join adds an interface to another namespace, with the n-th address of each family,
// and connects it to the bridge by one called port.
func (f *fabric) join(other netns.NsHandle, port, name string, n int) error {
	inside, err := netlink.NewHandleAt(f.ns)
	if err != nil {
		return err
	}
	defer inside.Close()
	outside, err := netlink.NewHandleAt(other)
	if err != nil {
		return err
	}
	defer outside.Close()

	bridge, err := inside.LinkByName("bridge")
	if err != nil {
		return err
	}
	veth := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: port, MasterIndex: bridge.Attrs().Index},
		PeerName:      name,
		PeerNamespace: netlink.NsFd(int(other)),
	}
	if err := inside.LinkAdd(veth); err != nil {
		return fmt.Errorf("add interface %s: %w", name, err)
	}
	if err := inside.LinkSetUp(veth); err != nil {
		return err
	}
	peer, err := outside.LinkByName(name)
	if err != nil {
		return err
	}
	for _, of := range f.families {
		prefix := netip.PrefixFrom(f.address(of, n), of.subnet)
		// Nobody else has it: IPv6 need not ask for a second before it uses it.
		if err := outside.AddrAdd(peer, &netlink.Addr{IPNet: ipNet(prefix), Flags: unix.IFA_F_NODAD}); err != nil {
			return fmt.Errorf("add address %s to %s: %w", prefix, name, err)
		}
	}
	return outside.LinkSetUp(peer)
}

// machineLink names the machine's interface after the subnet, which no other
// cluster has.
func (f *fabric) machineLink() string {
	return fmt.Sprintf("flc%d", f.index)
}

// close removes the machine's interface at once; the kernel does the rest when the
// nodes have ended.
func (f *fabric) close() error {
	link, err := netlink.LinkByName(f.machineLink())
	if err == nil {
		err = netlink.LinkDel(link)
	}
	return errors.Join(err, f.ns.Close())
}

// freeSubnet returns the index of one.
func freeSubnet(families []family) (int, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return 0, err
	}
	for i := range fabricSubnets {
		free := true
		for _, f := range families {
			subnet := f.part(f.nodes, i)
			for _, a := range addresses {
				if n, ok := a.(*net.IPNet); ok && (n.Contains(subnet.Addr().AsSlice()) || ipNet(subnet).Contains(n.IP)) {
					free = false
				}
			}
		}
		if free {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no subnet of %s is free for the nodes: end other clusters", families[0].nodes)
}

// newNamespace makes a network namespace with its loopback interface up; closing
// the handle lets go of it.
func newNamespace() (netns.NsHandle, error) {
	type result struct {
		ns  netns.NsHandle
		err error
	}
	made := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			made <- result{err: fmt.Errorf("unshare network namespace: %w", err)}
			return
		}
		ns, err := netns.Get()
		made <- result{ns, err}
	}()
	r := <-made
	if r.err != nil {
		return -1, r.err
	}
	inside, err := netlink.NewHandleAt(r.ns)
	if err != nil {
		return -1, errors.Join(err, r.ns.Close())
	}
	defer inside.Close()
	lo, err := inside.LinkByName("lo")
	if err == nil {
		err = inside.LinkSetUp(lo)
	}
	if err != nil {
		return -1, errors.Join(fmt.Errorf("set loopback up: %w", err), r.ns.Close())
	}
	return r.ns, nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
