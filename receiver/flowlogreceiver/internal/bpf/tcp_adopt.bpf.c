//go:build ignore

/*
 * Hook: iter/task_file, run by user space twice at start: once for listeners,
 * once for connections. Gives sockets older than the agent their state: the
 * counters they stand at, the process that holds them, and their role. Loaded
 * with tcp.bpf.c, which is attached first, so that no socket falls between.
 */
#include "tcp.h"

/* False: take listeners. True: take connections. */
bool adopt_connections = false;

static __always_inline void remember_listener(const struct sock *sk, __u16 port, const struct tcp_state *st)
{
	__u64 key = (__u64)netns_of(sk) << 16 | port;
	struct tcp_old_listener listener = {.pid = st->pid, .flags = st->flags};

	__builtin_memcpy(listener.exe, st->exe, EXE_LEN);
	bpf_map_update_elem(&tcp_old_listeners, &key, &listener, BPF_ANY);
	announce(sk, port, st, TCP_EVENT_LISTEN);
}

static __always_inline void adopt_listener(struct sock *sk, struct tcp_sock *tp, struct tcp_state *st)
{
	st->role = TCP_ROLE_LISTENER;
	if (!bpf_sk_storage_get(&tcp_sockets, sk, st, BPF_SK_STORAGE_GET_F_CREATE))
		count(TCP_LOST_LISTENER);
	remember_listener(sk, bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport), st);
}

static __always_inline void adopt_connection(struct sock *sk, struct tcp_sock *tp, struct tcp_state *st)
{
	struct tcp_totals past;

	if (sk->__sk_common.skc_state == TCP_SYN_SENT) {
		/* Unanswered so far: all of it is still to be reported. */
		st->role = TCP_ROLE_CLIENT;
		st->flags |= TCP_FLAG_ADOPTED;
	} else {
		st->role = role_of_old(tp);
		st->flags |= TCP_FLAG_START_UNKNOWN;
		/* A FIN that is taken for payload here is the last of it: nothing follows
		 * that could come out too small. */
		read_totals(&past, tp, 0);
		forgive_past(st, &past);
	}
	if (unwanted(tp, st->role))
		st->flags |= TCP_FLAG_EXCLUDED;
	if (!bpf_sk_storage_get(&tcp_sockets, sk, st, BPF_SK_STORAGE_GET_F_CREATE))
		count(TCP_LOST_STORAGE);
}

SEC("iter/task_file")
int tcp_adopt(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct tcp_state st = {};
	struct socket *socket;
	struct tcp_sock *tp;
	struct sock *sk;
	__u8 state;

	if (!file || !task)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk)
		return 0;
	if (sk->sk_protocol != IPPROTO_TCP && sk->sk_protocol != IPPROTO_MPTCP)
		return 0;
	state = sk->__sk_common.skc_state;
	if (state == TCP_CLOSE || (state == TCP_LISTEN) == adopt_connections || !in_scope(sk))
		return 0;
	st.since = bpf_ktime_get_ns();
	st.pid = task->tgid;
	if (st.pid == own_process)
		st.flags = TCP_FLAG_EXCLUDED;
	/*
	 * What a process holds of a multipath listener is no TCP socket, and the
	 * subflow that is one is out of reach. Go programs listen like this by
	 * default; what they accept from plain clients are plain TCP sockets.
	 */
	if (sk->sk_protocol == IPPROTO_MPTCP && state == TCP_LISTEN) {
		read_exe(st.exe, task);
		remember_listener(sk, sk->__sk_common.skc_num, &st);
		return 0;
	}
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	/* Born after the state-change program was attached. */
	if (bpf_sk_storage_get(&tcp_sockets, sk, 0, 0))
		return 0;
	read_exe(st.exe, task);
	if (adopt_connections)
		adopt_connection(sk, tp, &st);
	else
		adopt_listener(sk, tp, &st);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
