package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// trafficEnv makes the test binary a process that only makes traffic, on the
// loopback of a network namespace of its own: "exchange COUNT" connections, send
// COUNT "datagrams", send as many that are dropped ("drops"), send one to each of
// COUNT "peers", send one to each of COUNT that is dropped ("flood"), or "hold COUNT"
// connections.
const trafficEnv = "FLOWLOGS_TEST_TRAFFIC"

const (
	exchangeRequest  = 3
	exchangeResponse = 1000
	datagramSize     = 64
)

// trafficCommand prepares such a process; it dies with this one.
func trafficCommand(what string, count int) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{trafficEnv + "=" + what + " " + strconv.Itoa(count)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	return cmd
}

// makeMany makes so much traffic and returns how long that took.
func makeMany(tb testing.TB, what string, count int) time.Duration {
	tb.Helper()
	took, _ := makeManyIn(tb, what, count)
	return took
}

// makeManyIn is makeMany that tells the inode number of the network namespace too.
func makeManyIn(tb testing.TB, what string, count int) (took time.Duration, netns string) {
	tb.Helper()
	out, err := trafficCommand(what, count).Output()
	if err != nil {
		tb.Fatalf("make traffic: %v", err)
	}
	text, netns, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if took, err = time.ParseDuration(text); err != nil {
		tb.Fatal(err)
	}
	return took, netns
}

// hold opens sockets, in as many processes as the limit on open files asks for,
// and keeps them until the test or benchmark ends.
func hold(tb testing.TB, sockets int) {
	tb.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		tb.Fatal(err)
	}
	most := int(min(limit.Max, 40_000))/2 - 100 // connections of one process, both ends
	for left := sockets / 2; left > 0; left -= most {
		cmd := trafficCommand("hold", min(left, most))
		in, err := cmd.StdinPipe()
		if err != nil {
			tb.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			tb.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() {
			in.Close()
			_ = cmd.Wait()
		})
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			tb.Fatalf("open sockets: %v", err)
		}
	}
}

// makeTraffic is what the process does; see trafficEnv.
func makeTraffic(order string) error {
	what, n, _ := strings.Cut(order, " ")
	count, err := strconv.Atoi(n)
	if err != nil {
		return err
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("1024 65535"), 0o644); err != nil {
		return err
	}
	var took time.Duration
	switch what {
	case "hold":
		return holdSockets(count)
	case "exchange":
		took, err = exchangeSockets(count)
	case "datagrams":
		took, err = sendDatagrams(count, true, sameAddress)
	case "drops":
		took, err = sendDatagrams(count, false, sameAddress)
	case "peers":
		took, err = sendDatagrams(count, true, loopbackAddress)
	case "flood":
		took, err = sendDatagrams(count, false, loopbackAddress)
	default:
		err = fmt.Errorf("unknown order %q", what)
	}
	if err != nil {
		return err
	}
	var self unix.Stat_t
	if err := unix.Stat("/proc/self/ns/net", &self); err != nil {
		return err
	}
	fmt.Println(took, self.Ino)
	return nil
}

// sendDatagrams sends small datagrams, each to the address that is said, from one
// socket to one on every address, which reads them now and then, so that none is
// dropped, or never: then the buffer is soon full, and every further one is.
func sendDatagrams(count int, read bool, address func(int) [4]byte) (time.Duration, error) {
	sink, to, err := bind(unix.SOCK_DGRAM, [4]byte{})
	if err != nil {
		return 0, err
	}
	defer unix.Close(sink)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	payload := make([]byte, datagramSize)
	at := *to.(*unix.SockaddrInet4)
	const fits = 64 // in the buffer
	begun := time.Now()
	for sent := range count {
		at.Addr = address(sent)
		if err := unix.Sendto(fd, payload, 0, &at); err != nil {
			return 0, err
		}
		if !read || sent%fits != fits-1 {
			continue
		}
		for range fits {
			if _, err := unix.Read(sink, payload); err != nil {
				return 0, err
			}
		}
	}
	return time.Since(begun), nil
}

func sameAddress(int) [4]byte { return [4]byte{127, 0, 0, 1} }

func loopbackAddress(i int) [4]byte { return [4]byte{127, 1 + byte(i>>16), byte(i >> 8), byte(i)} }

// bind opens a socket by plain system calls: Go's own network layer costs more than
// what is to be measured.
func bind(kind int, address [4]byte) (fd int, at unix.Sockaddr, err error) {
	fd, err = unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: address}); err != nil {
		return 0, nil, err
	}
	at, err = unix.Getsockname(fd)
	return fd, at, err
}

func listen() (fd int, at unix.Sockaddr, err error) {
	if fd, at, err = bind(unix.SOCK_STREAM, [4]byte{127, 0, 0, 1}); err != nil {
		return 0, nil, err
	}
	return fd, at, unix.Listen(fd, 1024)
}

// exchangeSockets keeps every processor busy with several clients and servers at
// once. One of each would mostly wait for the other to wake up, and measure that.
func exchangeSockets(count int) (time.Duration, error) {
	listener, to, err := listen()
	if err != nil {
		return 0, err
	}
	var group errgroup.Group
	pairs := 4 * runtime.NumCPU()
	begun := time.Now()
	for i := range pairs {
		share := (count + i) / pairs
		group.Go(func() error {
			runtime.LockOSThread()
			return serveSockets(listener, share)
		})
		group.Go(func() error {
			runtime.LockOSThread()
			buffer := make([]byte, exchangeResponse)
			for range share {
				if err := exchangeSocket(to, buffer); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = group.Wait()
	return time.Since(begun), err
}

func exchangeSocket(to unix.Sockaddr, buffer []byte) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, to); err != nil {
		return err
	}
	if _, err := unix.Write(fd, buffer[:exchangeRequest]); err != nil {
		return err
	}
	for {
		n, err := unix.Read(fd, buffer)
		if err != nil || n == 0 {
			return err
		}
	}
}

func serveSockets(listener, count int) error {
	buffer := make([]byte, exchangeResponse)
	for range count {
		fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		if err != nil {
			return err
		}
		if _, err := unix.Read(fd, buffer[:exchangeRequest]); err != nil {
			return err
		}
		if _, err := unix.Write(fd, buffer); err != nil {
			return err
		}
		if err := unix.Close(fd); err != nil {
			return err
		}
	}
	return nil
}

// holdSockets keeps both ends of count connections until standard input ends.
func holdSockets(count int) error {
	listener, to, err := listen()
	if err != nil {
		return err
	}
	limit := syscall.Rlimit{}
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	for range count {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		if err := unix.Connect(fd, to); err != nil {
			return err
		}
		if _, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// resident reads a process's memory in bytes, all of it and what is its own.
func resident(tb testing.TB, pid int) (all, own uint64) {
	tb.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			all = kib << 10
		case "RssAnon":
			own = kib << 10
		}
	}
	return all, own
}

// processorTime is what a process has used so far, as proc_pid_stat(5) counts
// it: in hundredths of a second.
func processorTime(tb testing.TB, pid int) time.Duration {
	tb.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name before may hold spaces
	fields := strings.Fields(rest)
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			tb.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
