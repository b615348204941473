//go:build ignore

/*
 * Hook: iter/task_file, run by user space once at start. Names the processes
 * that hold sockets older than the agent. Loaded with datagram.bpf.c.
 */
#include "datagram.h"
#include "scope.h"

SEC("iter/task_file")
int datagram_adopt(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct datagram_owner owner = {.flags = FLOW_FLAG_OLD};
	struct socket *socket;
	struct sock *sk;

	if (!file || !task)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || sk->sk_protocol == IPPROTO_TCP || sk->sk_protocol == IPPROTO_MPTCP)
		return 0;
	if ((sk->__sk_common.skc_family != AF_INET && sk->__sk_common.skc_family != AF_INET6) || !in_scope(sk))
		return 0;
	/* Born after the program that names new sockets was attached. */
	if (bpf_sk_storage_get(&datagram_owners, sk, 0, 0))
		return 0;
	owner.pid = task->tgid;
	if (owner.pid == own_process)
		owner.flags |= FLOW_FLAG_EXCLUDED;
	read_exe(owner.exe, task);
	bpf_sk_storage_get(&datagram_owners, sk, &owner, BPF_SK_STORAGE_GET_F_CREATE);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
