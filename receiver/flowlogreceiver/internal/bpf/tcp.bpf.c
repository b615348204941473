//go:build ignore

/*
 * Hook: tp_btf/inet_sock_set_state, every TCP state change of every network
 * namespace. Begins a socket's state at connect, listen and accept, names the
 * process again where the owner closes, and sends the final event. No packet
 * runs through it. Not loaded when the tcp engine is off.
 *
 * The kernel does not run a program while the same one runs on that CPU. Were
 * there one program, an interrupt during a connect could bring the end of
 * another connection, which would go unseen. Hence two: tcp_change sees every
 * change, and tcp_change_again what interrupts make, in case the former was passed
 * over. One of them runs always: interrupts that change sockets do not interrupt
 * each other, so no more than one program can be busy. What both see is done once.
 *
 * The answer to a connect comes by an interrupt as well and is seen by the first
 * only: when it is passed over, no more than the time of a handshake is missing.
 */
#include "tcp.h"

/* Keeps the event in the BTF, from which its Go type is generated. */
const struct tcp_event *const volatile tcp_event_type = 0;

static __always_inline void name_process(struct tcp_state *st)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u8 exe[EXE_LEN];

	read_exe(exe, task);
	bpf_spin_lock(&st->lock);
	st->pid = task->tgid;
	__builtin_memcpy(st->exe, exe, EXE_LEN);
	bpf_spin_unlock(&st->lock);
}

/* A worker may close what another process accepted. It names itself, except a
 * kernel thread that only cleans up, and a process on its way out of which
 * nothing but the command name is left. */
static __always_inline void rename_process(struct sock *sk)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct tcp_state *st = bpf_sk_storage_get(&tcp_sockets, sk, 0, 0);

	if (!st || st->flags & TCP_FLAG_EXCLUDED || st->pid == (__u32)task->tgid)
		return;
	if (task->flags & PF_KTHREAD && st->pid)
		return;
	name_process(st);
}

static __always_inline void on_listen(struct sock *sk, struct tcp_sock *tp)
{
	struct tcp_state *st = bpf_sk_storage_get(&tcp_sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!st) {
		count(TCP_LOST_LISTENER);
		return;
	}
	begin(st, tp, TCP_ROLE_LISTENER, 0);
	name_process(st);
	if (st->pid == own_process)
		st->flags |= TCP_FLAG_EXCLUDED;
	announce(sk, bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport), st, TCP_EVENT_LISTEN);
}

static __always_inline void on_unlisten(struct sock *sk, struct tcp_sock *tp)
{
	struct tcp_state *st = bpf_sk_storage_get(&tcp_sockets, sk, 0, 0);

	announce(sk, bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport), st, TCP_EVENT_UNLISTEN);
}

static __always_inline void on_connect(struct sock *sk, struct tcp_sock *tp)
{
	struct tcp_state *st = bpf_sk_storage_get(&tcp_sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!st) {
		count(TCP_LOST_STORAGE);
		return;
	}
	begin(st, tp, TCP_ROLE_CLIENT, 0);
	name_process(st);
	if (st->pid == own_process || unwanted(tp, TCP_ROLE_CLIENT))
		st->flags |= TCP_FLAG_EXCLUDED;
}

static __always_inline void name_after_listener(struct tcp_state *st, struct tcp_sock *tp)
{
	struct tcp_old_listener *listener = old_listener(tp);

	if (!listener)
		return;
	st->flags |= listener->flags & TCP_FLAG_EXCLUDED;
	st->pid = listener->pid;
	__builtin_memcpy(st->exe, listener->exe, EXE_LEN);
}

/* The connection has its listener's state by BPF_F_CLONE, unless the listener
 * has none. */
static __always_inline void on_accept(struct sock *sk, struct tcp_sock *tp)
{
	struct tcp_state *st = bpf_sk_storage_get(&tcp_sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	enum tcp_flag inherited;

	if (!st) {
		count(TCP_LOST_STORAGE);
		return;
	}
	/* Begun by the other program, or two clients that meet half-way (simultaneous open). */
	if (st->role == TCP_ROLE_SERVER || st->role == TCP_ROLE_CLIENT)
		return;
	inherited = st->flags & TCP_FLAG_EXCLUDED;
	begin(st, tp, TCP_ROLE_SERVER, inherited);
	/* The one round trip measured so far is from the SYN-ACK to what answered it. */
	st->handshake_us = tp->srtt_us >> 3;
	if (!st->pid)
		name_after_listener(st, tp);
	if (unwanted(tp, TCP_ROLE_SERVER))
		st->flags |= TCP_FLAG_EXCLUDED;
}

static __always_inline void on_connected(struct sock *sk)
{
	struct tcp_state *st = bpf_sk_storage_get(&tcp_sockets, sk, 0, 0);

	if (st && !(st->flags & TCP_FLAG_ADOPTED))
		st->handshake_us = (bpf_ktime_get_ns() - st->since) / 1000;
}

/* The state of a connection that is older than the agent and was never seen by it:
 * only its end is known. */
static __always_inline struct tcp_state *begin_at_end(struct sock *sk, struct tcp_sock *tp, const struct tcp_totals *now)
{
	struct tcp_state *st = bpf_sk_storage_get(&tcp_sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!st) {
		count(TCP_LOST_STORAGE);
		return 0;
	}
	begin(st, tp, role_of_old(tp), TCP_FLAG_START_UNKNOWN);
	forgive_past(st, now);
	return st;
}

static __always_inline void on_close(struct sock *sk, struct tcp_sock *tp, int oldstate)
{
	struct tcp_state *st = bpf_sk_storage_get(&tcp_sockets, sk, 0, 0);
	struct tcp_totals now;
	struct tcp_event *e;
	bool done;

	if (st) {
		if (st->flags & TCP_FLAG_CLOSED || st->role == TCP_ROLE_LISTENER)
			return;
		/* A failed connect is told, so that what was dropped of it is left out too. */
		if (st->flags & TCP_FLAG_EXCLUDED && oldstate != TCP_SYN_SENT)
			return;
		/* Nothing left the machine, such as when no port was free. */
		if (oldstate == TCP_SYN_SENT && !tp->segs_out && !sk->sk_err)
			return;
	} else if (oldstate == TCP_SYN_SENT || oldstate == TCP_SYN_RECV || !in_scope(sk)) {
		return;
	}
	read_totals(&now, tp, 0);
	if (!st)
		st = begin_at_end(sk, tp, &now);
	if (!st)
		return;
	e = bpf_ringbuf_reserve(&tcp_events, sizeof(*e), 0);
	if (!e) {
		st->flags |= TCP_FLAG_CLOSED;
		count(TCP_LOST_RING);
		return;
	}
	describe(e, tp, oldstate == TCP_SYN_SENT ? TCP_EVENT_FAILED : TCP_EVENT_CLOSED);
	describe_end(e, sk, oldstate);
	bpf_spin_lock(&st->lock);
	done = st->flags & TCP_FLAG_CLOSED;
	if (!done) {
		take(e, st, &now);
		st->flags |= TCP_FLAG_CLOSED;
	}
	bpf_spin_unlock(&st->lock);
	if (done) {
		bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
		return;
	}
	submit(e);
}

/* Multipath TCP announces its subflows one by one, as plain TCP. */
static __always_inline struct tcp_sock *tcp_of(struct sock *sk)
{
	return sk->sk_protocol == IPPROTO_TCP ? bpf_skc_to_tcp_sock(sk) : 0;
}

/* For what begins a state: who has none is left alone from then on. */
static __always_inline struct tcp_sock *own_tcp_of(struct sock *sk)
{
	return in_scope(sk) ? tcp_of(sk) : 0;
}

/* What only the owner's system calls make. */
static __always_inline void by_owner(struct sock *sk, int oldstate, int newstate)
{
	struct tcp_sock *tp;

	switch (newstate) {
	case TCP_SYN_SENT:
		tp = own_tcp_of(sk);
		if (tp)
			on_connect(sk, tp);
		break;
	case TCP_LISTEN:
		tp = own_tcp_of(sk);
		if (tp)
			on_listen(sk, tp);
		break;
	case TCP_CLOSE:
		tp = oldstate == TCP_LISTEN ? own_tcp_of(sk) : 0;
		if (tp)
			on_unlisten(sk, tp);
		break;
	case TCP_ESTABLISHED:
		if (oldstate == TCP_SYN_SENT)
			on_connected(sk);
		break;
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
		if (oldstate != TCP_SYN_RECV && sk->sk_protocol == IPPROTO_TCP)
			rename_process(sk);
		break;
	}
}

/* What interrupts make as well. */
static __always_inline void by_any(struct sock *sk, int oldstate, int newstate)
{
	struct tcp_sock *tp;

	/* Most changes need nothing; leave before any load. */
	if (oldstate != TCP_SYN_RECV && (newstate != TCP_CLOSE || oldstate == TCP_LISTEN))
		return;
	tp = newstate == TCP_CLOSE ? tcp_of(sk) : own_tcp_of(sk);
	if (!tp)
		return;
	if (newstate != TCP_CLOSE) {
		on_accept(sk, tp);
		return;
	}
	/* A reset that the owner sends: the only close in its context. */
	if ((oldstate == TCP_ESTABLISHED || oldstate == TCP_CLOSE_WAIT) && !sk->sk_err)
		rename_process(sk);
	on_close(sk, tp, oldstate);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_change, struct sock *sk, int oldstate, int newstate)
{
	by_owner(sk, oldstate, newstate);
	by_any(sk, oldstate, newstate);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_change_again, struct sock *sk, int oldstate, int newstate)
{
	by_any(sk, oldstate, newstate);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
