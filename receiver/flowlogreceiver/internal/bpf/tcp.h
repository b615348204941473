/*
 * What the TCP programs share: the state kept with each socket, the event they
 * send to user space, and the maps.
 *
 * Two writers take deltas from one socket: the state-change program at the end
 * of a connection (often in softirq) and the sweep over living ones. Both
 * follow one order: reserve the event, lock, read the kernel's counters,
 * subtract what was reported before, store, unlock, submit. A reservation that
 * fails leaves the state as it was, so the next report carries the difference.
 */
#pragma once

#include "address.h"
#include "filter.h"
#include "process.h"
#include "scope.h"

/* Kinds of struct tcp_event. */
enum tcp_event_kind {
	TCP_EVENT_LIVE = 1, /* what a living connection did since its last event */
	TCP_EVENT_CLOSED,   /* the rest, at its end */
	TCP_EVENT_FAILED,   /* a connect that was never answered with a connection */
	TCP_EVENT_LISTEN,   /* a listener appeared */
	TCP_EVENT_UNLISTEN, /* a listener went */
	TCP_EVENT_CONNECTING, /* a connect is under way, told once */
};

/* Which end the socket is. */
enum tcp_role {
	TCP_ROLE_UNKNOWN = 0,
	TCP_ROLE_CLIENT,
	TCP_ROLE_SERVER,
	TCP_ROLE_LISTENER,
};

/* Flags of struct tcp_state and struct tcp_event. */
enum tcp_flag {
	TCP_FLAG_REPORTED = 1,      /* an event was sent before */
	TCP_FLAG_START_UNKNOWN = 2, /* the socket is older than the agent */
	TCP_FLAG_EXCLUDED = 4,      /* nothing is reported of it */
	TCP_FLAG_CLOSED = 8,        /* the final event was sent */
	TCP_FLAG_HELD_BACK = 16,    /* a byte waits for the next sweep, segments or not */
	TCP_FLAG_CONNECTING = 32,   /* an event told of the connect */
	TCP_FLAG_ADOPTED = 64,      /* its connect was under way when the agent started */
};

/* Kept with the socket (BPF_MAP_TYPE_SK_STORAGE), inherited from a listener by
 * the connections it accepts. Small, because the kernel refuses a connection
 * for which it cannot clone this. */
struct tcp_state {
	struct bpf_spin_lock lock;
	__u32 generation; /* the last sweep that visited it */
	__u64 since;      /* CLOCK_MONOTONIC ns of the last report, first of the start */
	__u64 sent;       /* reported so far: payload, */
	__u64 received;
	__u64 retransmitted; /* payload bytes sent again, */
	__u32 segs_out;
	__u32 segs_in;
	__u32 retransmits; /* segments sent again */
	__u32 lost;        /* segments taken for lost */
	__u32 limited;     /* jiffies in which data waited for the receiver's window */
	__u32 handshake_us; /* for the next report, 0 if there is nothing to tell */
	__u32 pid;
	enum tcp_role role;
	enum tcp_flag flags;
	__u8 exe[EXE_LEN];
};

/* One record of the ring buffer. Addresses are in network order, an IPv4 one
 * mapped into IPv6; ports in host order; times CLOCK_MONOTONIC nanoseconds. */
struct tcp_event {
	__u64 time;
	__u64 since;
	__u64 cgroup;
	__u64 sent; /* payload bytes, each once */
	__u64 received;
	__u64 retransmitted; /* payload bytes sent again */
	__u32 segs_out;
	__u32 segs_in;
	__u32 retransmits;
	__u32 lost;         /* segments taken for lost */
	__u32 limited;      /* jiffies in which data waited for the receiver's window */
	__u32 handshake_us; /* 0: not measured, or told before */
	__u32 srtt_us;
	__u32 min_rtt_us; /* ~0: not measured */
	__u32 cwnd;       /* segments */
	__u32 window;     /* bytes that the other end still takes */
	__u32 netns;
	__u32 pid;
	__u32 generation;
	__u8 local[16];
	__u8 remote[16];
	__u16 local_port;
	__u16 remote_port;
	__u16 header_len; /* of TCP, options included */
	__u16 error;      /* errno that ended it */
	__u16 mss;
	__u16 timeouts; /* in a row, without an answer since */
	enum tcp_event_kind kind;
	enum tcp_role role;
	enum tcp_flag flags; /* before this event */
	__u8 old_state;      /* that it was closed from */
	__u8 fin_received;
	__u8 orphaned; /* its owner had closed it */
	__u8 shut;     /* the owner would read no more */
	__u8 exe[EXE_LEN];
};

/* Indexes of the counters map. */
enum tcp_counter {
	TCP_LOST_STORAGE = 0,  /* connections for which there was no memory */
	TCP_LOST_RING = 1,     /* connections whose final event found the ring full */
	TCP_LOST_LISTENER = 2, /* listeners whose event found the ring full */
	TCP_COUNTERS = 3,
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct tcp_state);
} tcp_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} tcp_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TCP_COUNTERS);
	__type(key, enum tcp_counter);
	__type(value, __u64);
} tcp_counters SEC(".maps");

/* A listener that a process held when the agent started, for connections whose
 * listener has no state of its own: those older than the agent, and those of a
 * multipath listener, whose TCP socket no process holds. */
struct tcp_old_listener {
	__u32 pid;
	enum tcp_flag flags;
	__u8 exe[EXE_LEN];
};

/* The key is network namespace << 16 | port. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct tcp_old_listener);
} tcp_old_listeners SEC(".maps");

static __always_inline void count(enum tcp_counter index)
{
	__u64 *n = bpf_map_lookup_elem(&tcp_counters, &index);
	if (n)
		(*n)++;
}

struct tcp_totals {
	__u64 sent, received, retransmitted;
	__u32 segs_out, segs_in, retransmits, lost, limited;
};

static __always_inline bool has_flag(const struct sock *sk, __u64 bit)
{
	return sk->__sk_common.skc_flags >> bit & 1;
}

/* For how long, in jiffies, data waited for the receiver's window. Without the
 * socket's lock a wait that ends meanwhile may be counted twice, so this can come
 * out too large; take_most evens that out. */
static __always_inline __u32 limited_by_window(const struct tcp_sock *tp)
{
	__u32 limited = tp->chrono_stat[TCP_CHRONO_RWND_LIMITED - 1];

	if (BPF_CORE_READ_BITFIELD(tp, chrono_type) == TCP_CHRONO_RWND_LIMITED)
		limited += (__u32)bpf_jiffies64() - tp->chrono_start;
	return limited;
}

/* Whether somebody works on the socket, in an interrupt or in a system call. */
static __always_inline bool is_held(const struct sock *sk)
{
	if (sk->sk_lock.owned)
		return true;
	return bpf_core_field_exists(sk->sk_lock.slock.rlock.raw_lock.val) && sk->sk_lock.slock.rlock.raw_lock.val.counter;
}

/* Reads the kernel's counters. Without the socket's lock they move meanwhile,
 * so each pair is read in the order that can only come out too small, and the
 * rest follows with the next report.
 *
 * bytes_received counts the peer's FIN as a byte, and SOCK_DONE is set a little
 * later, in one hold of the socket. Who does not hold it passes held_back: while
 * somebody else does, the last byte may be a FIN, and is left out. */
static __always_inline void read_totals(struct tcp_totals *t, const struct tcp_sock *tp, bool *held_back)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;
	__u64 fin;

	t->sent = tp->bytes_sent;
	t->received = tp->bytes_received;
	barrier();
	t->retransmitted = tp->bytes_retrans;
	t->sent -= t->retransmitted;
	if (held_back)
		*held_back = is_held(sk);
	if (held_back && *held_back)
		fin = 1;
	else
		fin = has_flag(sk, bpf_core_enum_value(enum sock_flags, SOCK_DONE));
	t->received -= t->received ? fin : 0;
	t->segs_out = tp->segs_out;
	t->segs_in = tp->segs_in;
	t->retransmits = tp->total_retrans;
	t->lost = tp->lost;
	t->limited = limited_by_window(tp);
}

/* The difference from what was reported, which is brought up to date. */
static __always_inline __u64 take64(__u64 *reported, __u64 now)
{
	__u64 delta = now > *reported ? now - *reported : 0;

	*reported += delta;
	return delta;
}

/* Of counters that wrap around. */
static __always_inline __u32 take32(__u32 *reported, __u32 now)
{
	__u32 delta = now - *reported;

	*reported = now;
	return delta;
}

/* Of counters that may be read too large: what was told too much is not told again. */
static __always_inline __u32 take_most(__u32 *reported, __u32 now)
{
	__s32 delta = now - *reported;

	if (delta <= 0)
		return 0;
	*reported = now;
	return delta;
}

/* Moves what happened since the last report from st to e. Call with st locked. */
static __always_inline void take(struct tcp_event *e, struct tcp_state *st, const struct tcp_totals *now)
{
	e->since = st->since;
	e->flags = st->flags;
	e->role = st->role;
	e->pid = st->pid;
	__builtin_memcpy(e->exe, st->exe, EXE_LEN);
	e->sent = take64(&st->sent, now->sent);
	e->received = take64(&st->received, now->received);
	e->retransmitted = take64(&st->retransmitted, now->retransmitted);
	e->segs_out = take32(&st->segs_out, now->segs_out);
	e->segs_in = take32(&st->segs_in, now->segs_in);
	e->retransmits = take32(&st->retransmits, now->retransmits);
	e->lost = take32(&st->lost, now->lost);
	e->limited = take_most(&st->limited, now->limited);
	e->handshake_us = st->handshake_us;
	st->handshake_us = 0;
	e->generation = st->generation;
	st->since = e->time;
	st->flags |= TCP_FLAG_REPORTED;
}

/* Fills in what does not depend on the state. */
static __always_inline void describe(struct tcp_event *e, const struct tcp_sock *tp, enum tcp_event_kind kind)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;

	e->time = bpf_ktime_get_ns();
	e->cgroup = cgroup_of(sk);
	e->srtt_us = tp->srtt_us >> 3;
	e->min_rtt_us = tp->rtt_min.s[0].v;
	e->netns = netns_of(sk);
	read_local(e->local, sk);
	read_remote(e->remote, sk);
	/* skc_num may be gone at the end of a connection, inet_sport is not. */
	e->local_port = bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport);
	e->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
	e->header_len = tp->tcp_header_len;
	e->error = sk->sk_err;
	e->cwnd = tp->snd_cwnd;
	e->window = tp->snd_wnd;
	e->mss = tp->mss_cache;
	e->timeouts = tp->inet_conn.icsk_retransmits;
	e->kind = kind;
	e->old_state = 0;
	e->fin_received = 0;
	e->orphaned = 0;
	e->shut = 0;
}

/* Fills in how the connection comes to its end. */
static __always_inline void describe_end(struct tcp_event *e, const struct sock *sk, int oldstate)
{
	e->old_state = oldstate;
	e->fin_received = has_flag(sk, bpf_core_enum_value(enum sock_flags, SOCK_DONE));
	e->orphaned = has_flag(sk, bpf_core_enum_value(enum sock_flags, SOCK_DEAD));
	e->shut = sk->sk_shutdown & RCV_SHUTDOWN;
}

/* Starts st anew: role, process and start as given, nothing counted yet. A socket
 * that is used again keeps some of its counters. */
static __always_inline void begin(struct tcp_state *st, const struct tcp_sock *tp, enum tcp_role role, enum tcp_flag flags)
{
	st->generation = 0;
	st->since = bpf_ktime_get_ns();
	st->sent = 0;
	st->received = 0;
	st->retransmitted = 0;
	st->segs_out = 0;
	st->segs_in = 0;
	st->retransmits = 0;
	st->lost = tp->lost;
	st->limited = tp->chrono_stat[TCP_CHRONO_RWND_LIMITED - 1];
	st->handshake_us = 0;
	st->role = role;
	st->flags = flags;
}

/* Takes what a socket older than the agent has counted as reported, so that its
 * past is not mistaken for news. */
static __always_inline void forgive_past(struct tcp_state *st, const struct tcp_totals *past)
{
	st->sent = past->sent;
	st->received = past->received;
	st->retransmitted = past->retransmitted;
	st->segs_out = past->segs_out;
	st->segs_in = past->segs_in;
	st->retransmits = past->retransmits;
	st->lost = past->lost;
	st->limited = past->limited;
}

static __always_inline struct tcp_old_listener *old_listener(const struct tcp_sock *tp)
{
	__u64 key = (__u64)netns_of(&tp->inet_conn.icsk_inet.sk) << 16 | bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport);

	return bpf_map_lookup_elem(&tcp_old_listeners, &key);
}

static __always_inline enum tcp_role role_of_old(const struct tcp_sock *tp)
{
	return old_listener(tp) ? TCP_ROLE_SERVER : TCP_ROLE_CLIENT;
}

/* User space polls; it is only woken when the ring fills faster than that. */
static __always_inline void submit(struct tcp_event *e)
{
	__u64 waiting = bpf_ringbuf_query(&tcp_events, BPF_RB_AVAIL_DATA);

	bpf_ringbuf_submit(e, waiting > 1 << 20 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/* Tells user space of a listener that came or went; st may be null. */
static __always_inline void announce(const struct sock *sk, __u16 port, const struct tcp_state *st,
				     enum tcp_event_kind kind)
{
	struct tcp_event *e = bpf_ringbuf_reserve(&tcp_events, sizeof(*e), 0);

	if (!e) {
		count(TCP_LOST_LISTENER);
		return;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->time = bpf_ktime_get_ns();
	e->cgroup = cgroup_of(sk);
	e->netns = netns_of(sk);
	read_local(e->local, sk);
	e->local_port = port;
	e->kind = kind;
	e->role = TCP_ROLE_LISTENER;
	if (st) {
		e->since = st->since;
		e->flags = st->flags;
		e->pid = st->pid;
		__builtin_memcpy(e->exe, st->exe, EXE_LEN);
	}
	submit(e);
}

/* Whether the configuration leaves the connection out. */
static __always_inline bool unwanted(const struct tcp_sock *tp, enum tcp_role role)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;
	__u8 local[16] __attribute__((aligned(4)));
	__u8 remote[16] __attribute__((aligned(4)));

	if (!filter_parts)
		return false;
	read_local(local, sk);
	read_remote(remote, sk);
	return filtered(local, remote,
			bpf_ntohs(role == TCP_ROLE_SERVER ? tp->inet_conn.icsk_inet.inet_sport : sk->__sk_common.skc_dport));
}
