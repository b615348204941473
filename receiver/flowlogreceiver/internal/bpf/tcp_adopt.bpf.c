//go:build ignore

/*
 * Hook: iter/task_file, run by user space twice at start: once for listeners,
 * once for connections. Gives sockets older than the agent their state: the
 * counters they stand at, the process that holds them, and their role. Loaded
 * with tcp.bpf.c, which is attached first, so that no socket falls between.
 */
#include "filter.h"

/* False: take listeners. True: take connections. */
bool adopt_connections = false;

static __always_inline void adopt_listener(struct sock *sk, struct tcp_sock *tp, struct tcp_state *st)
{
	__u64 key = old_listener_key(tp);
	__u8 known = 1;

	st->role = TCP_ROLE_LISTENER;
	bpf_map_update_elem(&tcp_old_listeners, &key, &known, BPF_ANY);
	if (bpf_sk_storage_get(&tcp_sockets, sk, st, BPF_SK_STORAGE_GET_F_CREATE))
		announce(tp, st, TCP_EVENT_LISTEN);
	else
		count(TCP_LOST_LISTENER);
}

static __always_inline void adopt_connection(struct sock *sk, struct tcp_sock *tp, struct tcp_state *st)
{
	struct tcp_totals past;

	if (sk->__sk_common.skc_state == TCP_SYN_SENT) {
		/* Unanswered so far: all of it is still to be reported. */
		st->role = TCP_ROLE_CLIENT;
	} else {
		st->role = role_of_old(tp);
		st->flags |= TCP_FLAG_START_UNKNOWN;
		read_totals(&past, tp);
		forgive_past(st, &past);
	}
	if (filtered(tp, st->role))
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
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	state = sk->__sk_common.skc_state;
	if (state == TCP_CLOSE || (state == TCP_LISTEN) == adopt_connections)
		return 0;
	/* Born after the state-change program was attached. */
	if (bpf_sk_storage_get(&tcp_sockets, sk, 0, 0))
		return 0;
	st.since = bpf_ktime_get_ns();
	st.pid = task->tgid;
	read_exe(st.exe, task);
	if (st.pid == self())
		st.flags = TCP_FLAG_EXCLUDED;
	if (adopt_connections)
		adopt_connection(sk, tp, &st);
	else
		adopt_listener(sk, tp, &st);
	return 0;
}

/*
 * Run once by user space, by BPF_PROG_TEST_RUN, before adoption and before the
 * state-change program is attached: notes the thread group that ran it.
 */
SEC("raw_tp")
int tcp_note_self(void *ctx)
{
	__u32 zero = 0, own = bpf_get_current_pid_tgid() >> 32;

	bpf_map_update_elem(&tcp_self, &zero, &own, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
