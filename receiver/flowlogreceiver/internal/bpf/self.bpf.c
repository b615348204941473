//go:build ignore

/*
 * No hook: run once by user space, by BPF_PROG_TEST_RUN, before anything else is
 * loaded. Notes the thread group that ran it as the kernel numbers it, which a
 * process in a pid namespace of its own does not know.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>

__u32 self_tgid = 0;

SEC("raw_tp")
int note_self(void *ctx)
{
	self_tgid = bpf_get_current_pid_tgid() >> 32;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
