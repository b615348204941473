//go:build ignore

/*
 * Hook: iter/bpf_sk_storage_map over tcp_sockets, run by user space once in an
 * interval. Sends what each living connection did since its last event. Loaded
 * with tcp.bpf.c.
 *
 * It writes to the ring buffer, not to the iterator's file: the map has one
 * bucket for each possible CPU, and every read() of the file would begin its
 * bucket anew, which is quadratic.
 */
#include "tcp.h"

/* Set by user space before a run, which it counts from 1. */
__u32 sweep_generation = 0;
/* Read by user space after it: connections alive, and those left for another
 * run because the ring buffer was full. */
__u64 sweep_live = 0;
__u64 sweep_deferred = 0;

static __always_inline bool is_connection(__u8 state)
{
	switch (state) {
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
	case TCP_CLOSING:
		return true;
	}
	return false;
}

/* Tells who waits for an answer, so that what is dropped meanwhile has a process. Of
 * excluded sockets too: what is dropped of them is left out as well. */
static __always_inline void tell_connecting(struct sock *sk)
{
	struct tcp_state *st = bpf_sk_storage_get(&tcp_sockets, sk, 0, 0);
	struct tcp_event *e;
	struct tcp_sock *tp;

	if (!st || st->role != TCP_ROLE_CLIENT || st->flags & TCP_FLAG_CONNECTING)
		return; /* not begun yet, or told */
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return;
	e = bpf_ringbuf_reserve(&tcp_events, sizeof(*e), 0);
	if (!e)
		return; /* the next sweep comes by */
	__builtin_memset(e, 0, sizeof(*e));
	describe(e, tp, TCP_EVENT_CONNECTING);
	bpf_spin_lock(&st->lock);
	st->flags |= TCP_FLAG_CONNECTING;
	e->flags = st->flags;
	e->since = st->since;
	e->role = st->role;
	e->pid = st->pid;
	__builtin_memcpy(e->exe, st->exe, EXE_LEN);
	bpf_spin_unlock(&st->lock);
	submit(e);
}

SEC("iter/bpf_sk_storage_map")
int tcp_sweep(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;
	struct tcp_totals now;
	struct tcp_state *st;
	struct tcp_event *e;
	struct tcp_sock *tp;
	bool done, held_back;

	if (!sk)
		return 0;
	if (sk->__sk_common.skc_state == TCP_SYN_SENT)
		tell_connecting(sk);
	if (!is_connection(sk->__sk_common.skc_state))
		return 0;
	st = bpf_sk_storage_get(&tcp_sockets, sk, 0, 0);
	if (!st || st->role == TCP_ROLE_LISTENER || st->flags & (TCP_FLAG_EXCLUDED | TCP_FLAG_CLOSED))
		return 0;
	if (st->generation == sweep_generation)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	/* Idle since its last event: alive, and nothing to say. */
	if ((st->flags & (TCP_FLAG_REPORTED | TCP_FLAG_HELD_BACK)) == TCP_FLAG_REPORTED && st->segs_out == tp->segs_out &&
	    st->segs_in == tp->segs_in) {
		st->generation = sweep_generation;
		sweep_live++;
		return 0;
	}
	e = bpf_ringbuf_reserve(&tcp_events, sizeof(*e), 0);
	if (!e) {
		sweep_deferred++;
		return 0;
	}
	describe(e, tp, TCP_EVENT_LIVE);
	e->error = 0;
	read_totals(&now, tp, &held_back);
	bpf_spin_lock(&st->lock);
	done = st->flags & TCP_FLAG_CLOSED;
	if (!done) {
		st->generation = sweep_generation;
		take(e, st, &now);
		st->flags = held_back ? st->flags | TCP_FLAG_HELD_BACK : st->flags & ~TCP_FLAG_HELD_BACK;
	}
	bpf_spin_unlock(&st->lock);
	if (done) {
		bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
		return 0;
	}
	sweep_live++;
	submit(e);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
