/*
 * Adds packets to their flows, and marks flows that are idle. A program that
 * includes this says in start_flow what it knows of a flow when it begins.
 */
#pragma once

#include "packet.h"

#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4
#define TCP_ACK 16

static __always_inline void start_flow(struct __sk_buff *ctx, struct flow *flow, const struct packet *p, __u64 now);

static __always_inline bool asks_for_connection(const struct packet *p)
{
	return (p->tcp & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* Which end spoke first. Of a flow that may be older than the agent the packet
 * that is seen first need not be the first: servers have the lower port. */
static __always_inline bool is_local_first(const struct packet *p, enum flow_flag flags)
{
	if (flags & FLOW_FLAG_OLD && !p->tracked && p->key.local_port != p->key.remote_port)
		return p->key.local_port > p->key.remote_port;
	return p->out != p->reply;
}

/* What all flows begin with; flags and owner are set. */
static __always_inline void begin_flow(struct flow *flow, const struct packet *p, __u64 now)
{
	flow->first = now;
	flow->last = now;
	if (is_local_first(p, flow->flags))
		flow->flags |= FLOW_FLAG_LOCAL_FIRST;
	if (filter_parts) {
		__u16 port = flow->flags & FLOW_FLAG_LOCAL_FIRST ? p->key.remote_port : p->key.local_port;

		if (filtered(p->key.local, p->key.remote, port))
			flow->flags |= FLOW_FLAG_EXCLUDED;
	}
	if (flow->flags & FLOW_FLAG_EXCLUDED)
		return;
	if (p->out)
		flow->sent = p->sum;
	else
		flow->received = p->sum;
}

static __always_inline bool is_over(enum flow_flag flags)
{
	return flags & FLOW_FLAG_RESET || (flags & FLOW_FLAG_LOCAL_FIN && flags & FLOW_FLAG_REMOTE_FIN);
}

/* Keeps the state of a TCP connection by the flags of its packets. */
static __always_inline void follow_tcp(struct flow *flow, const struct packet *p)
{
	enum flow_flag set = 0, ends = FLOW_FLAG_LOCAL_FIN | FLOW_FLAG_REMOTE_FIN | FLOW_FLAG_RESET;
	bool over = is_over(flow->flags);

	if (asks_for_connection(p)) {
		if (over) {
			__sync_fetch_and_and(&flow->flags, ~ends);
			flow->restarts++;
		}
		return;
	}
	if (flow->flags & FLOW_FLAG_UNANSWERED)
		__sync_fetch_and_and(&flow->flags, ~FLOW_FLAG_UNANSWERED);
	if (p->tcp & TCP_FIN)
		set |= p->out ? FLOW_FLAG_LOCAL_FIN : FLOW_FLAG_REMOTE_FIN;
	if (p->tcp & TCP_RST && !over) {
		set |= FLOW_FLAG_RESET;
		flow->resets++;
	}
	if (set & ~flow->flags)
		__sync_fetch_and_or(&flow->flags, set);
}

static __always_inline void add(struct flow_sum *to, const struct flow_sum *sum)
{
	__sync_fetch_and_add(&to->packets, sum->packets);
	__sync_fetch_and_add(&to->bytes, sum->bytes);
	__sync_fetch_and_add(&to->payload, sum->payload);
}

static __always_inline void lost(void)
{
	enum flow_counter index = FLOW_LOST_RING;
	__u64 *n = bpf_map_lookup_elem(&flow_counters, &index);

	if (n)
		(*n)++;
}

static __always_inline void send_flow(const struct flow_key *key, const struct flow *flow)
{
	struct flow_event *e = bpf_ringbuf_reserve(&flow_events, sizeof(*e), 0);

	if (!e) {
		lost();
		return;
	}
	e->key = *key;
	e->unused = 0;
	e->flow = *flow;
	bpf_ringbuf_submit(e, bpf_ringbuf_query(&flow_events, BPF_RB_AVAIL_DATA) > 1 << 18 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/* Sends a packet for whose flow there is no room. */
static __always_inline void send_packet(struct __sk_buff *ctx, const struct packet *p, __u64 now)
{
	struct flow fresh = {};

	start_flow(ctx, &fresh, p, now);
	if (!(fresh.flags & FLOW_FLAG_EXCLUDED))
		send_flow(&p->key, &fresh);
}

static __always_inline void count(struct __sk_buff *ctx, const struct packet *p)
{
	__u64 now = bpf_ktime_get_ns();
	struct flow *flow;

	flow = bpf_map_lookup_elem(&flows, &p->key);
	if (!flow) {
		struct flow fresh = {};

		start_flow(ctx, &fresh, p, now);
		if (!bpf_map_update_elem(&flows, &p->key, &fresh, BPF_NOEXIST))
			return;
		/* Another CPU may have been faster. */
		flow = bpf_map_lookup_elem(&flows, &p->key);
	}
	if (!flow || flow->flags & FLOW_FLAG_IDLE) {
		send_packet(ctx, p, now);
		return;
	}
	flow->last = now;
	if (flow->flags & FLOW_FLAG_EXCLUDED)
		return;
	add(p->out ? &flow->sent : &flow->received, &p->sum);
	if (p->tcp)
		follow_tcp(flow, p);
}

/* After how long a silence a flow is idle, in nanoseconds; set by user space. */
struct idle_times {
	__u64 udp;
	__u64 icmp;
	__u64 other;
	__u64 tcp;
	__u64 tcp_unanswered;
	__u64 tcp_over;
};

struct idle_times idle = {};

static __always_inline __u64 idle_time(__u8 protocol, enum flow_flag flags)
{
	switch (protocol) {
	case IPPROTO_UDP:
		return idle.udp;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return idle.icmp;
	case IPPROTO_TCP:
		if (is_over(flags))
			return idle.tcp_over;
		return flags & FLOW_FLAG_UNANSWERED ? idle.tcp_unanswered : idle.tcp;
	default:
		return idle.other;
	}
}

static long mark_idle(struct bpf_map *map, const struct flow_key *key, struct flow *flow, const __u64 *now)
{
	if (*now > flow->last && *now - flow->last > idle_time(key->protocol, flow->flags))
		__sync_fetch_and_or(&flow->flags, FLOW_FLAG_IDLE);
	return 0;
}

/* What user space runs before it reads the flows: marks those that were idle for
 * longer than their protocol allows. */
static __always_inline int mark_all(void)
{
	__u64 now = bpf_ktime_get_ns();

	bpf_for_each_map_elem(&flows, mark_idle, &now, 0);
	return 0;
}
