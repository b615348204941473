/*
 * Who holds a socket: the name of a process, the one that is left out, and the
 * control group.
 */
#pragma once

#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define EXE_LEN 32

/* The thread group whose own sockets are left out, 0 for none; the loader sets it. */
const volatile __u32 own_process = 0;

/* Reads a process's name: that of its executable. A kernel thread and a process that
 * has let go of its memory have none: they go by their command name. */
static __always_inline void read_exe(__u8 *exe, struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	struct file *file = 0;

	__builtin_memset(exe, 0, EXE_LEN);
	if (mm)
		file = mm->exe_file;
	if (file) {
		const unsigned char *name = file->f_path.dentry->d_name.name;
		if (bpf_probe_read_kernel_str(exe, EXE_LEN, name) > 0)
			return;
	}
	bpf_probe_read_kernel_str(exe, sizeof(task->comm), task->comm);
}

static __always_inline __u64 cgroup_of(const struct sock *sk)
{
	struct cgroup *cgroup;

	/* Before 5.15 the pointer shares its word with the v1 class id. */
	if (!bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return 0;
	cgroup = sk->sk_cgrp_data.cgroup;
	return cgroup ? cgroup->kn->id : 0;
}
