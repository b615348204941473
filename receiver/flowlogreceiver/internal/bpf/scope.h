/*
 * Whose sockets count where several nodes share one kernel: those that were made in
 * a control group, or below it. It is the socket's group that tells, never the
 * current task's: much of what a socket does happens in interrupts.
 */
#pragma once

#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* The group by its id, 0 for every group, and how far below the root it is. The
 * loader sets them; without a group the verifier removes the check. */
const volatile __u64 scope_group = 0;
const volatile int scope_level = 0;

static __always_inline bool group_in_scope(const struct cgroup *group)
{
	const struct cgroup *ancestor = 0;
	__u64 id = 0;

	if (!scope_group)
		return true;
	if (!group || group->level < scope_level)
		return false;
	/* The verifier knows no array of pointers that has no length. */
	bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
			      (void *)group + bpf_core_field_offset(group->ancestors) + scope_level * sizeof(ancestor));
	BPF_CORE_READ_INTO(&id, ancestor, kn, id);
	return id == scope_group;
}

static __always_inline bool in_scope(const struct sock *sk)
{
	return !scope_group || group_in_scope(sk->sk_cgrp_data.cgroup);
}
