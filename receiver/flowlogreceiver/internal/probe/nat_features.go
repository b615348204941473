//go:build linux

package probe

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

const (
	conntrackModule = "nf_conntrack"
	conntrackLookup = "bpf_skb_ct_lookup"
)

// conntrackTypes are the types of connection tracking where that is a module; the
// kernel's own do not hold them then.
func conntrackTypes() []*btf.Spec {
	types, err := btf.LoadKernelModuleSpec(conntrackModule)
	if err != nil {
		return nil // built in, or not there
	}
	return []*btf.Spec{types}
}

// missingForNAT checks what the nat engine rests on.
func missingForNAT() error {
	if err := missingPrivilege(ownStatus, unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_NET_ADMIN); err != nil {
		return err
	}
	missing, err := missingType(&btf.Func{}, conntrackLookup)
	if err != nil || !missing {
		return err
	}
	return missingInModule("/sys/module/"+conntrackModule, ownStatus, func() (*btf.Spec, error) {
		return btf.LoadKernelModuleSpec(conntrackModule)
	})
}

// missingInModule checks connection tracking where it is a module. Who uses a
// function of a module must be allowed to list all BPF objects.
func missingInModule(module, status string, types func() (*btf.Spec, error)) error {
	if _, err := os.Stat(module); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("connection tracking is not loaded (module %s): %w; if that changes, restart the receiver", conntrackModule, ErrUnneeded)
	}
	var lookup *btf.Func
	if spec, err := types(); err != nil || spec.TypeByName(conntrackLookup, &lookup) != nil {
		return errors.New("the kernel lacks the look-up of tracked connections from BPF (Linux 5.18): run a newer kernel, or one built with CONFIG_DEBUG_INFO_BTF_MODULES")
	}
	if err := missingPrivilege(status, unix.CAP_SYS_ADMIN); err != nil {
		return errors.New("connection tracking is a module of this kernel, whose functions BPF programs may call by CAP_SYS_ADMIN only: grant it, or leave translations out (engines::nat::enabled: false)")
	}
	return nil
}
