//go:build ignore

/*
 * No hook: run once by user space, by BPF_PROG_TEST_RUN, where the mount of cgroup2
 * shows a part of the hierarchy only. Notes the control groups that it is in, those
 * above the mount included, which no file tells.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>

#define LEVELS 64

/* Ids from the root down to its own; 0 from there on. */
__u64 own_groups[LEVELS] = {};

SEC("raw_tp")
int note_groups(void *ctx)
{
	for (int level = 0; level < LEVELS; level++)
		own_groups[level] = bpf_get_current_ancestor_cgroup_id(level);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
