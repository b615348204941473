//go:build ignore

/*
 * Hooks: cgroup_skb/egress and cgroup_skb/ingress at the root of cgroup2, every
 * packet that a local socket sends or gets, in every network namespace, and
 * cgroup/sock_create there, every new socket. Counts UDP, ICMP, SCTP and every
 * other IP protocol but TCP, whose packets leave at once. Not loaded when the
 * datagram engine is off.
 *
 * Egress is seen before fragmentation and ingress after reassembly, so that a
 * datagram is one packet. A batch that the stack or the device takes apart (GSO)
 * or put together (GRO) counts as the packets that it is on the wire.
 */
#include "datagram.h"
#include "ip.h"
#include "rejects.h"

/* Keep the types in the BTF, from which the Go types are generated. */
const struct datagram_event *const volatile datagram_event_type = 0;

#define MAX_EXTENSIONS 6

#define ICMP_ECHOREPLY 0
#define ICMP_ECHO 8
#define ICMP_TIMESTAMP 13
#define ICMP_TIMESTAMPREPLY 14
#define ICMPV6_DEST_UNREACH 1
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY 129
#define ICMPV6_MLD_QUERY 130
#define ICMPV6_NDISC_REDIRECT 137
#define ICMPV6_MLD2_REPORT 143

/* A packet on its way through account. */
struct packet {
	struct datagram_key key;
	__u32 headers;       /* bytes of IP and its extensions */
	struct datagram_sum sum;
	bool out;
	bool reply; /* to something that the other end asked */
};

static __always_inline void lost(void)
{
	enum datagram_counter index = DATAGRAM_LOST_RING;
	__u64 *n = bpf_map_lookup_elem(&datagram_counters, &index);

	if (n)
		(*n)++;
}

/* Skips extension headers; false if there is no transport to find. */
static __always_inline bool skip_extensions(struct __sk_buff *ctx, struct packet *p)
{
	for (int i = 0; i < MAX_EXTENSIONS; i++) {
		__u8 header[2];

		switch (p->key.protocol) {
		case 0:   /* hop-by-hop options */
		case 43:  /* routing */
		case 60:  /* destination options */
		case 135: /* mobility */
			break;
		default:
			return true;
		}
		if (bpf_skb_load_bytes(ctx, p->headers, header, sizeof(header)))
			return false;
		p->key.protocol = header[0];
		p->headers += (header[1] + 1) * 8;
	}
	return true;
}

/* Reads the addresses and the protocol. False for TCP, first of all, and for what
 * is no IP. */
static __always_inline bool read_ip(struct __sk_buff *ctx, struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u8 *source = p->out ? p->key.local : p->key.remote;
	__u8 *destination = p->out ? p->key.remote : p->key.local;

	if (ctx->protocol == bpf_htons(ETH_P_IP)) {
		struct ipv4_header *ip = data;

		if ((void *)(ip + 1) > end || ip->protocol == IPPROTO_TCP)
			return false;
		p->key.protocol = ip->protocol;
		p->headers = (ip->version_length & 15) * 4;
		map_in4(source, ip->source);
		map_in4(destination, ip->destination);
		return true;
	}
	if (ctx->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6_header *ip = data;

		if ((void *)(ip + 1) > end || ip->next == IPPROTO_TCP)
			return false;
		p->key.protocol = ip->next;
		p->headers = IPV6_HEADER;
		copy_in6(source, &ip->source);
		copy_in6(destination, &ip->destination);
		return skip_extensions(ctx, p) && p->key.protocol != IPPROTO_TCP;
	}
	return false;
}

/* Neighbour discovery and reports of multicast groups are upkeep of the link, as
 * ARP is, not traffic of a workload. IGMP is left out for the same reason. */
static __always_inline bool is_link_upkeep(__u8 type)
{
	return (type >= ICMPV6_MLD_QUERY && type <= ICMPV6_NDISC_REDIRECT) || type == ICMPV6_MLD2_REPORT;
}

/* A reply belongs to the flow of its request. */
static __always_inline void read_icmp(struct packet *p, __u8 type, __u8 code)
{
	p->reply = true;
	if (p->key.protocol == IPPROTO_ICMP && type == ICMP_ECHOREPLY)
		type = ICMP_ECHO;
	else if (p->key.protocol == IPPROTO_ICMP && type == ICMP_TIMESTAMPREPLY)
		type = ICMP_TIMESTAMP;
	else if (p->key.protocol == IPPROTO_ICMPV6 && type == ICMPV6_ECHO_REPLY)
		type = ICMPV6_ECHO_REQUEST;
	else
		p->reply = false;
	p->key.icmp_type = type;
	p->key.icmp_code = code;
}

/* Reads what the transport has of ports or types. False for what is not counted. */
static __always_inline bool read_transport(struct __sk_buff *ctx, struct packet *p)
{
	__u32 header = 0;
	__u8 start[4];

	switch (p->key.protocol) {
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		header = 8;
		break;
	case IPPROTO_SCTP:
		header = 12;
		break;
	case IPPROTO_IGMP:
		return false;
	}
	if (header) {
		if (bpf_skb_load_bytes(ctx, p->headers, start, sizeof(start)))
			return false;
		if (p->key.protocol == IPPROTO_ICMP || p->key.protocol == IPPROTO_ICMPV6) {
			if (p->key.protocol == IPPROTO_ICMPV6 && is_link_upkeep(start[0]))
				return false;
			read_icmp(p, start[0], start[1]);
		} else {
			__u16 source = start[0] << 8 | start[1], destination = start[2] << 8 | start[3];

			p->key.local_port = p->out ? source : destination;
			p->key.remote_port = p->out ? destination : source;
		}
	}
	p->sum.packets = ctx->gso_segs > 1 ? ctx->gso_segs : 1;
	header += p->headers;
	p->sum.payload = ctx->len > header ? ctx->len - header : 0;
	p->sum.bytes = ctx->len + (p->sum.packets - 1) * header;
	return true;
}

/* Tells the drops engine, if that is on, which packet an error is about. */
static __always_inline void note_reject(struct __sk_buff *ctx, const struct packet *p)
{
	struct {
		struct ipv6_header ip;
		__be16 source_port;
		__be16 destination_port;
	} quoted;
	struct reject_key key = {};
	__u64 now = bpf_ktime_get_ns();

	if (bpf_skb_load_bytes(ctx, p->headers + 8, &quoted, sizeof(quoted)))
		return;
	copy_in6(key.source, &quoted.ip.source);
	copy_in6(key.destination, &quoted.ip.destination);
	key.protocol = quoted.ip.next;
	key.source_port = bpf_ntohs(quoted.source_port);
	if (key.protocol != IPPROTO_ICMPV6) /* which has its checksum there */
		key.destination_port = bpf_ntohs(quoted.destination_port);
	bpf_map_update_elem(&rejects, &key, &now, BPF_ANY);
}

static __always_inline void add(struct datagram_sum *to, const struct datagram_sum *sum)
{
	__sync_fetch_and_add(&to->packets, sum->packets);
	__sync_fetch_and_add(&to->bytes, sum->bytes);
	__sync_fetch_and_add(&to->payload, sum->payload);
}

/* The process of a new flow: who made the socket, or else who sends. A datagram is
 * sent by its sender's system call; what ICMP sends may come from an interrupt. */
static __always_inline void name_owner(struct __sk_buff *ctx, struct datagram_flow *flow, const struct packet *p)
{
	struct datagram_owner *owner = 0;
	struct bpf_sock *sk = ctx->sk;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (sk)
		owner = bpf_sk_storage_get(&datagram_owners, sk, 0, 0);
	if (owner) {
		flow->pid = owner->pid;
		flow->flags |= owner->flags;
		__builtin_memcpy(flow->exe, owner->exe, EXE_LEN);
	} else if (p->out && p->key.protocol == IPPROTO_UDP) {
		struct task_struct *task = bpf_get_current_task_btf();

		if (task->flags & PF_KTHREAD)
			return;
		flow->pid = task->tgid;
		read_exe(flow->exe, task);
		if (flow->pid == own_process)
			flow->flags |= DATAGRAM_FLAG_EXCLUDED;
	}
}

/* Until when a flow of an old socket may be older than the agent too. */
const volatile __u64 old_until = 0;

/* Which end spoke first. Of a flow that may be older than the agent the packet
 * that is seen first need not be the first: servers have the lower port. */
static __always_inline bool is_local_first(const struct packet *p, enum datagram_flag flags)
{
	if (flags & DATAGRAM_FLAG_OLD_SOCKET && p->key.local_port != p->key.remote_port)
		return p->key.local_port > p->key.remote_port;
	return p->out != p->reply;
}

static __always_inline void start_flow(struct __sk_buff *ctx, struct datagram_flow *flow, struct packet *p, __u64 now)
{
	flow->first = now;
	flow->last = now;
	flow->cgroup = bpf_skb_cgroup_id(ctx);
	name_owner(ctx, flow, p);
	if (now > old_until)
		flow->flags &= ~DATAGRAM_FLAG_OLD_SOCKET;
	if (is_local_first(p, flow->flags))
		flow->flags |= DATAGRAM_FLAG_LOCAL_FIRST;
	if (filter_parts) {
		__u16 port = flow->flags & DATAGRAM_FLAG_LOCAL_FIRST ? p->key.remote_port : p->key.local_port;

		if (filtered(p->key.local, p->key.remote, port))
			flow->flags |= DATAGRAM_FLAG_EXCLUDED;
	}
	if (flow->flags & DATAGRAM_FLAG_EXCLUDED)
		return;
	if (p->out)
		flow->sent = p->sum;
	else
		flow->received = p->sum;
}

static __always_inline void send_flow(const struct datagram_key *key, const struct datagram_flow *flow)
{
	struct datagram_event *e = bpf_ringbuf_reserve(&datagram_events, sizeof(*e), 0);

	if (!e) {
		lost();
		return;
	}
	e->key = *key;
	e->unused = 0;
	e->flow = *flow;
	bpf_ringbuf_submit(e, bpf_ringbuf_query(&datagram_events, BPF_RB_AVAIL_DATA) > 1 << 18 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

static __always_inline void account(struct __sk_buff *ctx, bool out)
{
	struct packet p = {.out = out};
	struct datagram_flow fresh = {};
	struct datagram_flow *flow;
	struct sk_buff *skb;
	struct sock *sk;
	__u64 now;

	if (!read_ip(ctx, &p) || !read_transport(ctx, &p))
		return;
	if (out && p.key.protocol == IPPROTO_ICMPV6 && p.key.icmp_type == ICMPV6_DEST_UNREACH)
		note_reject(ctx, &p);
	skb = bpf_cast_to_kern_ctx(ctx);
	sk = skb->sk;
	if (!sk)
		return;
	p.key.netns = netns_of(sk);
	now = bpf_ktime_get_ns();
	flow = bpf_map_lookup_elem(&datagram_flows, &p.key);
	if (!flow) {
		start_flow(ctx, &fresh, &p, now);
		if (!bpf_map_update_elem(&datagram_flows, &p.key, &fresh, BPF_NOEXIST))
			return;
		/* Another CPU may have been faster. */
		flow = bpf_map_lookup_elem(&datagram_flows, &p.key);
	}
	if (!flow || flow->flags & DATAGRAM_FLAG_IDLE) {
		if (!fresh.first)
			start_flow(ctx, &fresh, &p, now);
		if (!(fresh.flags & DATAGRAM_FLAG_EXCLUDED))
			send_flow(&p.key, &fresh);
		return;
	}
	flow->last = now;
	if (!(flow->flags & DATAGRAM_FLAG_EXCLUDED))
		add(out ? &flow->sent : &flow->received, &p.sum);
}

SEC("cgroup_skb/egress")
int datagram_out(struct __sk_buff *ctx)
{
	account(ctx, true);
	return PASS;
}

SEC("cgroup_skb/ingress")
int datagram_in(struct __sk_buff *ctx)
{
	account(ctx, false);
	return PASS;
}

SEC("cgroup/sock_create")
int datagram_create(struct bpf_sock *sk)
{
	struct datagram_owner *owner;
	struct task_struct *task;

	if (sk->protocol == IPPROTO_TCP || (sk->family != AF_INET && sk->family != AF_INET6))
		return PASS;
	owner = bpf_sk_storage_get(&datagram_owners, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!owner)
		return PASS; /* the flow then goes by who sends */
	task = bpf_get_current_task_btf();
	owner->pid = task->tgid;
	read_exe(owner->exe, task);
	if (owner->pid == own_process)
		owner->flags = DATAGRAM_FLAG_EXCLUDED;
	return PASS;
}

/* What user space runs before it reads the flows: marks those that were idle for
 * longer than their protocol allows. */
__u64 idle_udp = 0;
__u64 idle_icmp = 0;
__u64 idle_other = 0;

static long mark_idle(struct bpf_map *map, const struct datagram_key *key, struct datagram_flow *flow, const __u64 *now)
{
	__u64 limit = idle_other;

	if (key->protocol == IPPROTO_UDP)
		limit = idle_udp;
	else if (key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6)
		limit = idle_icmp;
	if (*now > flow->last && *now - flow->last > limit)
		flow->flags |= DATAGRAM_FLAG_IDLE;
	return 0;
}

SEC("raw_tp")
int datagram_mark(void *ctx)
{
	__u64 now = bpf_ktime_get_ns();

	bpf_for_each_map_elem(&datagram_flows, mark_idle, &now, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
