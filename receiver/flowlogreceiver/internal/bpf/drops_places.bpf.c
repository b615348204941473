//go:build ignore

/*
 * Hook: iter/task, run by user space once in an interval. Tells of each task in which
 * network namespace it is, and whether it is in scope. Loaded with drops.bpf.c where
 * the scope is not everything.
 */
#include "scope.h"

struct drop_place {
	__u32 netns;
	__u32 own; /* the task is in scope */
};

/* Keep the type in the BTF, from which the Go type is generated. */
const struct drop_place *const volatile drop_place_type = 0;

SEC("iter/task")
int drop_places(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct drop_place place = {};
	struct nsproxy *namespaces;

	if (!task)
		return 0;
	namespaces = task->nsproxy;
	if (!namespaces)
		return 0; /* on its way out */
	place.netns = namespaces->net_ns->ns.inum;
	place.own = group_in_scope(task->cgroups->dfl_cgrp);
	bpf_seq_write(ctx->meta->seq, &place, sizeof(place));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
