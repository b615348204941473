//go:build linux

package probe

import (
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

const (
	// rescan is after how long the interfaces are looked at without any news of them.
	rescan = 10 * time.Second
	// listAttempts is how often they are listed when they change meanwhile.
	listAttempts = 5
)

const (
	chosen  = bpf.ForwardForwardInterfaceFORWARD_CHOSEN
	stacked = bpf.ForwardForwardInterfaceFORWARD_STACKED
)

// interfaces keeps a program attached to the interfaces of a network namespace as
// they come and go, and tells the program which of them are chosen.
type interfaces struct {
	program *ebpf.Program
	traits  *ebpf.Map
	options *ForwardOptions
	warn    func(error)

	news *os.File // a netlink socket that becomes readable when an interface changes
	done chan struct{}

	// Owned by follow.
	handle  *netlink.Handle
	watched map[int]*watched // by index
}

type watched struct {
	attached link.Link // nil if that failed
	traits   bpf.ForwardForwardInterface
}

// followInterfaces returns when the program is attached to all that is there.
func followInterfaces(opts *Options, program *ebpf.Program, traits *ebpf.Map) (*interfaces, error) {
	i := &interfaces{
		program: program, traits: traits, options: &opts.Forward, warn: opts.Warn,
		done: make(chan struct{}), watched: make(map[int]*watched),
	}
	if i.warn == nil {
		i.warn = func(error) {}
	}
	ready := make(chan error)
	go i.follow(ready)
	if err := <-ready; err != nil {
		<-i.done
		return nil, err
	}
	return i, nil
}

// follow reports to ready how it went to begin. A thread that had to enter another
// namespace ends with it.
func (i *interfaces) follow(ready chan<- error) {
	defer close(i.done)
	err := i.subscribe()
	defer i.release()
	if err == nil {
		err = i.update()
	}
	ready <- err
	if err != nil {
		return
	}
	for i.wait() {
		if err := i.update(); err != nil {
			i.warn(err)
		}
	}
}

// subscribe opens the sockets in the namespace that is meant; they stay there.
func (i *interfaces) subscribe() error {
	if i.options.NetNS != "" {
		runtime.LockOSThread()
		ns, err := netns.GetFromPath(i.options.NetNS)
		if err != nil {
			return fmt.Errorf("open network namespace: %w", err)
		}
		defer ns.Close()
		if err := netns.Set(ns); err != nil {
			return fmt.Errorf("enter network namespace %s: %w", i.options.NetNS, err)
		}
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink socket: %w", err)
	}
	i.news = os.NewFile(uintptr(fd), "netlink")
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK}); err != nil {
		return fmt.Errorf("subscribe to interfaces: %w", err)
	}
	if i.handle, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return fmt.Errorf("open netlink socket: %w", err)
	}
	return nil
}

// wait returns after news of interfaces, or when it is time to look anyway; false
// after Close. What the news is does not matter, nor that some was dropped.
func (i *interfaces) wait() bool {
	if err := i.news.SetReadDeadline(time.Now().Add(rescan)); err != nil {
		return false
	}
	buffer := make([]byte, 1<<16)
	_, err := i.news.Read(buffer)
	for err == nil {
		// What has come meanwhile is the same news.
		if err = i.news.SetReadDeadline(time.Now()); err == nil {
			_, err = i.news.Read(buffer)
		}
	}
	return !errors.Is(err, os.ErrClosed)
}

// update brings what is attached in line with what is there.
func (i *interfaces) update() error {
	links, err := i.handle.LinkList()
	for again := 1; again < listAttempts && errors.Is(err, netlink.ErrDumpInterrupted); again++ {
		links, err = i.handle.LinkList()
	}
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	traits := i.traitsOf(links)
	for index, w := range i.watched {
		if _, there := traits[index]; !there || w.isDefunct() {
			err = errors.Join(err, i.forget(index))
		}
	}
	for _, l := range links {
		if index := l.Attrs().Index; l.Attrs().Flags&unix.IFF_LOOPBACK == 0 {
			err = errors.Join(err, i.watch(index, l.Attrs().Name, traits[index]))
		}
	}
	return err
}

// traitsOf chooses interfaces by name, and with an interface what is stacked on it:
// what is routed enters and leaves by a bridge and not by its port. What is excluded
// stays so.
func (i *interfaces) traitsOf(links []netlink.Link) map[int]bpf.ForwardForwardInterface {
	traits := make(map[int]bpf.ForwardForwardInterface, len(links))
	above := make(map[int][]int)
	excluded := make(map[int]bool)
	var below []int // of those that are chosen, to look above
	for _, l := range links {
		at := l.Attrs()
		traits[at.Index] = 0
		if at.MasterIndex != 0 {
			above[at.Index] = append(above[at.Index], at.MasterIndex)
		}
		if isStacked(l) {
			traits[at.Index] = stacked
			above[at.ParentIndex] = append(above[at.ParentIndex], at.Index)
		}
		excluded[at.Index] = matches(i.options.Exclude, at.Name)
		if matches(i.options.Interfaces, at.Name) {
			below = append(below, at.Index)
		}
	}
	for len(below) > 0 {
		index := below[0]
		below = below[1:]
		if t, there := traits[index]; there && t&chosen == 0 && !excluded[index] {
			traits[index] |= chosen
			below = append(below, above[index]...)
		}
	}
	return traits
}

// isStacked tells whether what leaves by an interface leaves by one below it too, as
// the same packet. A tunnel makes another packet of it.
func isStacked(l netlink.Link) bool {
	switch l.Type() {
	case "vlan", "bridge", "bond", "team", "macvlan", "macvtap", "ipvlan":
		return true
	}
	return false
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// watch attaches the program to an interface that it is not attached to yet. One that
// goes meanwhile needs it no more.
func (i *interfaces) watch(index int, name string, traits bpf.ForwardForwardInterface) error {
	w := i.watched[index]
	if w != nil && w.traits == traits {
		return nil
	}
	if err := i.traits.Put(uint32(index), uint8(traits)); err != nil {
		return fmt.Errorf("note interface %s: %w", name, err)
	}
	if w != nil {
		w.traits = traits
		return nil
	}
	attached, err := link.AttachTCX(link.TCXOptions{
		Interface: index, Program: i.program, Attach: ebpf.AttachTCXEgress, Anchor: link.Head(),
	})
	if errors.Is(err, unix.ENODEV) {
		return nil
	}
	i.watched[index] = &watched{attached: attached, traits: traits}
	if err != nil {
		return fmt.Errorf("attach to interface %s: %w", name, err)
	}
	return nil
}

// isDefunct tells whether the interface has gone: another may have its index.
func (w *watched) isDefunct() bool {
	if w.attached == nil {
		return false
	}
	info, err := w.attached.Info()
	return err == nil && info.TCX() != nil && info.TCX().Ifindex == 0
}

// forget detaches the program from an interface, which may have gone.
func (i *interfaces) forget(index int) error {
	w := i.watched[index]
	delete(i.watched, index)
	err := i.traits.Delete(uint32(index))
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		err = nil
	}
	if w.attached != nil {
		err = errors.Join(err, w.attached.Close())
	}
	return err
}

// release lets go of all that follow holds.
func (i *interfaces) release() {
	var err error
	for index := range i.watched {
		err = errors.Join(err, i.forget(index))
	}
	if i.handle != nil {
		i.handle.Close()
	}
	if err != nil {
		i.warn(fmt.Errorf("detach from interfaces: %w", err))
	}
}

// Close detaches the program from every interface.
func (i *interfaces) Close() error {
	err := i.news.Close()
	<-i.done
	return err
}
