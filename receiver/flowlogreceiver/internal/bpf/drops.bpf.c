//go:build ignore

/*
 * Hook: tp_btf/kfree_skb, every packet that the kernel drops, in every network
 * namespace. Counts those whose reason has a rule, by flow. Not loaded when the
 * drops engine is off.
 *
 * Most calls are not about traffic that was denied, so the reason comes first. The
 * packet may be at any layer: its IP header is found by what the kernel noted of
 * it, and the size is the header's, for the layer that drops may have taken headers
 * off.
 */
#include "dropped.h"
#include "rejects.h"

/* Keep the types in the BTF, from which the Go types are generated. */
const struct drop_key *const volatile drop_key_type = 0;
const struct drop_flow *const volatile drop_flow_type = 0;

/* The rule for each of the kernel's reasons, whose numbers differ from kernel to
 * kernel; the loader sets it. */
const volatile enum drop_rule drop_rules[DROP_REASONS] = {};
/* Whether the tracepoint also passes the socket that a packet was for. */
const volatile bool has_socket = false;
/* Set when there is something to read. */
bool drop_news = false;

struct drop_inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, struct drop_key);
	__type(value, struct drop_flow);
};

/* User space puts an empty table in the place of one that it then reads: the kernel
 * returns from that when no program can add to the old one any more. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, DROP_TABLES);
	__type(key, enum drop_table);
	__array(values, struct drop_inner);
} drop_tables SEC(".maps");

/* What found no room at all, by reason, since the start. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DROP_REASONS);
	__type(key, __u32);
	__type(value, struct drop_sum);
} drop_rest SEC(".maps");

/* Network namespaces that are known to be others', where the scope is not everything.
 * Which are its own, user space decides when it reads the tables: a namespace may be
 * newer than what it knew last. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u8);
} drop_others SEC(".maps");

#define SOCK_RAW 3
#define TCP_TIME_WAIT 6
#define TCP_NEW_SYN_RECV 12
#define RTN_LOCAL 2
#define RTF_LOCAL 0x80000000

static __always_inline bool is_full(const struct sock *sk)
{
	__u8 state = sk->__sk_common.skc_state;

	return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV;
}

/* Where it was dropped: namespace, interface, and at which end of the flow. rx is
 * the socket that it was for, if that is known. False for copies that only watchers
 * get, and for a route that leads somewhere, if that is what matters. */
static __always_inline bool read_place(struct dropped *p, struct sk_buff *skb, struct sock *rx)
{
	struct dst_entry *dst = (struct dst_entry *)(skb->_skb_refdst & ~1UL);
	struct net_device *dev = 0;
	struct sock *sk = skb->sk;
	struct net *net = 0;
	__u16 route = 0;
	__s16 error = 0;
	__u32 flags = 0;

	if (rx && rx->sk_type == SOCK_RAW)
		return false;
	if (!(p->rule & DROP_IN_SOCKET))
		dev = skb->dev;
	if (dst && p->v6) {
		bpf_core_read(&flags, sizeof(flags), &((struct rt6_info *)dst)->rt6i_flags);
		route = flags & RTF_LOCAL ? RTN_LOCAL : 0;
	} else if (dst) {
		bpf_core_read(&route, sizeof(route), &((struct rtable *)dst)->rt_type);
	}
	if (dst && p->rule & (DROP_BY_ROUTE | DROP_WITH_ROUTE)) {
		bpf_core_read(&error, sizeof(error), &dst->error);
		p->key.error = error < 0 ? -error : error; /* IPv4 has it positive */
	}
	if (p->rule & DROP_BY_ROUTE && !p->key.error)
		return false;
	if (!skb->skb_iif && sk)
		p->flow.flags |= DROP_FLAG_AT_SOURCE;
	else if (rx || route == RTN_LOCAL)
		p->flow.flags |= DROP_FLAG_AT_DESTINATION;
	if (rx) {
		p->key.netns = netns_of(rx);
		if (is_full(rx))
			p->flow.cgroup = cgroup_of(rx);
	} else if (dev) {
		p->key.netns = dev->nd_net.net->ns.inum;
		bpf_probe_read_kernel_str(p->flow.interface, IFNAME_LEN, dev->name);
	} else if (sk) {
		p->key.netns = netns_of(sk);
	} else if (dst) {
		bpf_core_read(&dev, sizeof(dev), &dst->dev);
		if (dev && !bpf_core_read(&net, sizeof(net), &dev->nd_net.net))
			bpf_core_read(&p->key.netns, sizeof(p->key.netns), &net->ns.inum);
	}
	return true;
}

/* Whether a drop is in scope, or may be: by the packet's socket, or else by the
 * network namespace. A socket in the root group, such as those by which the kernel
 * itself answers, says nothing. */
static __always_inline bool is_own(struct dropped *p, const struct sock *sk)
{
	struct cgroup *group = 0;

	if (!scope_group)
		return true;
	if (sk && is_full(sk))
		group = sk->sk_cgrp_data.cgroup;
	if (!group || !group->level)
		return !bpf_map_lookup_elem(&drop_others, &p->key.netns);
	p->flow.flags |= DROP_FLAG_OWN;
	return group_in_scope(group);
}

/* Who sent what was dropped on its way out. A datagram is sent by its sender's
 * system call; a connection's packets may come from an interrupt. False for what is
 * left out. */
static __always_inline bool name_sender(struct dropped *p, struct sk_buff *skb)
{
	struct task_struct *task;
	struct sock *sk = skb->sk;

	if (!sk || !(p->flow.flags & DROP_FLAG_AT_SOURCE) || !is_full(sk))
		return true;
	p->flow.cgroup = cgroup_of(sk);
	if (p->key.protocol != IPPROTO_UDP)
		return true;
	task = bpf_get_current_task_btf();
	if (task->flags & PF_KTHREAD)
		return true;
	p->flow.pid = task->tgid;
	read_exe(p->flow.exe, task);
	return p->flow.pid != own_process;
}

static __always_inline void take_reject_v6(struct dropped *p, __u64 now)
{
	struct drop_key *k = &p->key;
	struct reject_key key = {.protocol = k->protocol};
	__u64 *at;

	copy_in6(key.source, (struct in6_addr *)(k->reply ? k->destination : k->source));
	copy_in6(key.destination, (struct in6_addr *)(k->reply ? k->source : k->destination));
	if (k->protocol == IPPROTO_ICMPV6) {
		key.source_port = k->icmp_type << 8 | k->icmp_code;
	} else {
		key.source_port = k->reply ? k->destination_port : k->source_port;
		key.destination_port = k->reply ? k->source_port : k->destination_port;
	}
	at = bpf_map_lookup_elem(&rejects, &key);
	if (!at)
		return;
	if (now - *at < REJECT_NS)
		p->flow.flags |= DROP_FLAG_REJECTED;
	bpf_map_delete_elem(&rejects, &key);
}

static __always_inline void take_reject(struct dropped *p, struct sk_buff *skb, __u64 now)
{
	__u64 address = (__u64)skb;
	__u64 *at;

	if (p->v6) {
		take_reject_v6(p, now);
		return;
	}
	at = bpf_map_lookup_elem(&drop_rejects, &address);
	if (!at)
		return;
	if (now - *at < REJECT_NS)
		p->flow.flags |= DROP_FLAG_REJECTED;
	bpf_map_delete_elem(&drop_rejects, &address);
}

/* Adds p to its flow in that table; false if there is no room. */
static __always_inline bool add_to(enum drop_table index, const struct dropped *p)
{
	void *table = bpf_map_lookup_elem(&drop_tables, &index);
	struct drop_flow *flow;

	if (!table)
		return false;
	flow = bpf_map_lookup_elem(table, &p->key);
	if (!flow) {
		if (!bpf_map_update_elem(table, &p->key, &p->flow, BPF_NOEXIST))
			return true;
		/* Another CPU may have been faster. */
		flow = bpf_map_lookup_elem(table, &p->key);
		if (!flow)
			return false;
	}
	flow->last = p->flow.last;
	if (p->flow.flags & ~flow->flags)
		flow->flags |= p->flow.flags;
	__sync_fetch_and_add(&flow->packets, p->flow.packets);
	__sync_fetch_and_add(&flow->bytes, p->flow.bytes);
	__sync_fetch_and_add(&flow->payload, p->flow.payload);
	return true;
}

/* Leaves out what only the source knows of the flow. */
static __always_inline void coarsen(struct dropped *p)
{
	__builtin_memset(p->key.source, 0, sizeof(p->key.source));
	p->key.source_port = 0;
	p->flow.cgroup = 0;
	p->flow.pid = 0;
	__builtin_memset(p->flow.exe, 0, EXE_LEN);
}

static __always_inline void add(struct dropped *p)
{
	__u32 reason = p->key.reason;
	struct drop_sum *rest;

	if (!drop_news)
		drop_news = true;
	if (add_to(DROP_TABLE_FLOWS, p))
		return;
	coarsen(p);
	if (add_to(DROP_TABLE_COARSE, p))
		return;
	rest = bpf_map_lookup_elem(&drop_rest, &reason);
	if (!rest)
		return;
	rest->packets += p->flow.packets;
	rest->bytes += p->flow.bytes;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(drop_packet, struct sk_buff *skb, void *location, __u64 reason)
{
	struct dropped p = {};
	struct sock *rx = 0;

	if (reason >= DROP_REASONS)
		return 0;
	p.rule = drop_rules[reason];
	if (!p.rule)
		return 0;
	p.key.reason = reason;
	if (!read_ip(&p, skb) || !read_transport(&p))
		return 0;
	if (has_socket)
		rx = (struct sock *)ctx[3];
	if (!read_place(&p, skb, rx) || !is_own(&p, rx ? rx : skb->sk))
		return 0;
	read_conntrack(&p, skb);
	drop_untranslated(&p);
	read_size(&p, skb);
	if (filter_parts && filtered(p.key.source, p.key.destination, p.key.destination_port))
		return 0;
	if (!name_sender(&p, skb))
		return 0;
	p.flow.first = bpf_ktime_get_ns();
	p.flow.last = p.flow.first;
	take_reject(&p, skb, p.flow.first);
	add(&p);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
