//go:build linux

package probe

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"
)

// missingForTCP checks what the TCP engine rests on, the most likely first.
func missingForTCP() error {
	if err := missingPrivilege(ownStatus, unix.CAP_BPF, unix.CAP_PERFMON); err != nil {
		return err
	}
	for _, hook := range []struct {
		kind        btf.Type
		name        string
		what, since string
	}{
		{&btf.Typedef{}, "btf_trace_inet_sock_set_state", "the tracepoint inet_sock_set_state", "4.16"},
		{&btf.Struct{}, "bpf_iter__bpf_sk_storage_map", "the iterator over socket storage", "5.9"},
		{&btf.Struct{}, "bpf_iter__task_file", "the iterator over open files", "5.8"},
	} {
		missing, err := missingType(hook.kind, hook.name)
		if err != nil {
			return err
		}
		if missing {
			return fmt.Errorf("the kernel lacks %s (Linux %s): run a newer kernel, or one built with CONFIG_BPF_SYSCALL and CONFIG_INET", hook.what, hook.since)
		}
	}
	if err := features.HaveMapType(ebpf.RingBuf); errors.Is(err, ebpf.ErrNotSupported) {
		return errors.New("the kernel lacks the BPF ring buffer (Linux 5.8): run a newer kernel")
	}
	if err := features.HaveProgramHelper(ebpf.Tracing, asm.FnSkStorageGet); errors.Is(err, ebpf.ErrNotSupported) {
		return errors.New("the kernel lacks socket storage in tracing programs (Linux 5.11): run a newer kernel")
	}
	return nil
}

// missingForDatagram checks what the datagram engine rests on, and the dns engine
// with it.
func missingForDatagram() error {
	if err := missingPrivilege(ownStatus, unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_NET_ADMIN); err != nil {
		return err
	}
	if CgroupRoot() == "" {
		return errors.New("cgroup2 is not mounted: mount it, for example at /sys/fs/cgroup/unified, or in a pod mount the host's /sys/fs/cgroup")
	}
	missing, err := missingType(&btf.Func{}, "bpf_cast_to_kern_ctx")
	if err != nil {
		return err
	}
	if missing {
		return errors.New("the kernel lacks access of packet programs to its own structures (Linux 6.2): run a newer kernel")
	}
	return nil
}

// missingForDrops checks what the drops engine rests on.
func missingForDrops() error {
	if err := missingPrivilege(ownStatus, unix.CAP_BPF, unix.CAP_PERFMON); err != nil {
		return err
	}
	missing, err := missingType(&btf.Enum{}, "skb_drop_reason")
	if err != nil {
		return err
	}
	if missing {
		return errors.New("the kernel does not tell why it drops packets (Linux 5.17): run a newer kernel")
	}
	return nil
}

// missingForForward checks what the forward engine rests on.
func missingForForward() error {
	if err := missingPrivilege(ownStatus, unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_NET_ADMIN); err != nil {
		return err
	}
	for _, need := range []struct {
		kind        btf.Type
		name        string
		what, since string
	}{
		{&btf.Struct{}, "tcx_entry", "links of programs to interfaces (TCX)", "6.6"},
		{&btf.Func{}, "bpf_rdonly_cast", "access of packet programs to its own structures", "6.2"},
	} {
		missing, err := missingType(need.kind, need.name)
		if err != nil {
			return err
		}
		if missing {
			return fmt.Errorf("the kernel lacks %s (Linux %s): run a newer kernel", need.what, need.since)
		}
	}
	return nil
}

// tracepointArguments is how many arguments a tracepoint passes, or an error if the
// kernel does not have it.
func tracepointArguments(name string) (int, error) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return 0, fmt.Errorf("look up tracepoint %s: %w", name, err)
	}
	var typedef *btf.Typedef
	if err := kernel.TypeByName("btf_trace_"+name, &typedef); err != nil {
		return 0, fmt.Errorf("look up tracepoint %s: %w", name, err)
	}
	pointer, ok := typedef.Type.(*btf.Pointer)
	if !ok {
		return 0, fmt.Errorf("look up tracepoint %s: it has type %v", name, typedef.Type)
	}
	function, ok := pointer.Target.(*btf.FuncProto)
	if !ok || len(function.Params) == 0 {
		return 0, fmt.Errorf("look up tracepoint %s: it has type %v", name, pointer.Target)
	}
	return len(function.Params) - 1, nil // the first is the tracepoint's own
}

// missingType reports whether the kernel has no type of this kind and name,
// which is how it tells what hooks it has. It fails if the kernel does not
// describe its types at all.
func missingType(kind btf.Type, name string) (bool, error) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return false, fmt.Errorf("the kernel has no type information (%w): it needs /sys/kernel/btf/vmlinux, from a kernel built with CONFIG_DEBUG_INFO_BTF (Linux 5.2)", err)
	}
	found, err := kernel.AnyTypesByName(name)
	if errors.Is(err, btf.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up %s in the kernel's type information: %w", name, err)
	}
	for _, t := range found {
		if reflect.TypeOf(t) == reflect.TypeOf(kind) {
			return false, nil
		}
	}
	return true, nil
}

var capabilityNames = map[int]string{
	unix.CAP_BPF:       "CAP_BPF",
	unix.CAP_PERFMON:   "CAP_PERFMON",
	unix.CAP_NET_ADMIN: "CAP_NET_ADMIN",
	unix.CAP_SYS_ADMIN: "CAP_SYS_ADMIN",
}

// ownStatus is where the kernel shows what this thread may do.
const ownStatus = "/proc/thread-self/status"

// missingPrivilege names those of the capabilities that are not effective by a
// status file. CAP_SYS_ADMIN stands for all of them, as in the kernel.
func missingPrivilege(status string, capabilities ...int) error {
	held, err := effectiveCapabilities(status)
	if err != nil {
		return err
	}
	if held&(1<<unix.CAP_SYS_ADMIN) != 0 {
		return nil
	}
	var missing []string
	for _, c := range capabilities {
		if held&(1<<c) == 0 {
			missing = append(missing, capabilityNames[c])
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("no privilege to load BPF programs: run as root, or grant %s (setcap, AmbientCapabilities= in a unit, securityContext.capabilities in a pod)",
		strings.Join(missing, " and "))
}

// effectiveCapabilities reads the CapEff line of a status file.
func effectiveCapabilities(path string) (uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("read own capabilities: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "CapEff:"); ok {
			held, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			if err != nil {
				return 0, fmt.Errorf("read own capabilities in %s: %w", path, err)
			}
			return held, nil
		}
	}
	return 0, fmt.Errorf("read own capabilities: no CapEff line in %s", path)
}
