//go:build ignore

/*
 * Hooks: cgroup_skb/egress and cgroup_skb/ingress at the root of cgroup2, every
 * packet that a local socket sends or gets, in every network namespace, and
 * cgroup/sock_create there, every new socket; or at the control group whose sockets
 * alone count. Counts UDP, ICMP, SCTP and every
 * other IP protocol but TCP, whose packets leave at once. Not loaded when the
 * datagram engine is off.
 *
 * Egress is seen before fragmentation and ingress after reassembly, so that a
 * datagram is one packet. A batch that the stack or the device takes apart (GSO)
 * or put together (GRO) counts as the packets that it is on the wire.
 */
#include "count.h"
#include "datagram.h"
#include "rejects.h"
#include "translate.h"

/* Keep the types in the BTF, from which the Go types are generated. */
const struct flow_event *const volatile flow_event_type = 0;

#define PASS 1 /* what every program here returns: nothing is ever refused */

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;

/* Reads the addresses and the protocol. False for TCP, first of all, and for what
 * is no IP. */
static __always_inline bool read_ip(struct __sk_buff *ctx, struct packet *p, bool out)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (ctx->protocol == bpf_htons(ETH_P_IP)) {
		struct ipv4_header *ip = data;

		if ((void *)(ip + 1) > end || ip->protocol == IPPROTO_TCP)
			return false;
		return take_ipv4(ctx, p, ip, out) && p->key.protocol != IPPROTO_TCP;
	}
	if (ctx->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6_header *ip = data;

		if ((void *)(ip + 1) > end || ip->next == IPPROTO_TCP)
			return false;
		return take_ipv6(ctx, p, ip, out) && p->key.protocol != IPPROTO_TCP;
	}
	return false;
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

static __always_inline void measure(struct __sk_buff *ctx, struct packet *p)
{
	__u32 headers = p->headers + p->transport;

	p->sum.packets = ctx->gso_segs > 1 ? ctx->gso_segs : 1;
	p->sum.payload = ctx->len > headers ? ctx->len - headers : 0;
	p->sum.bytes = ctx->len + (p->sum.packets - 1) * headers;
}

/* The process of a new flow: who made the socket, or else who sends. A datagram is
 * sent by its sender's system call; what ICMP sends may come from an interrupt. */
static __always_inline void name_owner(struct __sk_buff *ctx, struct flow *flow, const struct packet *p)
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
			flow->flags |= FLOW_FLAG_EXCLUDED;
	}
}

/* Until when a flow of an old socket may be older than the agent too. */
const volatile __u64 old_until = 0;

static __always_inline void start_flow(struct __sk_buff *ctx, struct flow *flow, const struct packet *p, __u64 now)
{
	flow->cgroup = bpf_skb_cgroup_id(ctx);
	name_owner(ctx, flow, p);
	if (now > old_until)
		flow->flags &= ~FLOW_FLAG_OLD;
	begin_flow(flow, p, now);
}

static __always_inline void account(struct __sk_buff *ctx, bool out)
{
	struct packet p = {.out = out};
	struct sk_buff *skb;
	struct sock *sk;

	if (!read_ip(ctx, &p, out) || !read_transport(ctx, &p, out))
		return;
	if (out && p.key.protocol == IPPROTO_ICMPV6 && p.key.icmp_type == ICMPV6_DEST_UNREACH)
		note_reject(ctx, &p);
	skb = bpf_cast_to_kern_ctx(ctx);
	sk = skb->sk;
	if (!sk)
		return;
	p.key.netns = netns_of(sk);
	if (out)
		undo_own_translation(skb, &p);
	measure(ctx, &p);
	count(ctx, &p);
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
		owner->flags = FLOW_FLAG_EXCLUDED;
	return PASS;
}

SEC("raw_tp")
int datagram_mark(void *ctx)
{
	return mark_all();
}

char LICENSE[] SEC("license") = "GPL";
