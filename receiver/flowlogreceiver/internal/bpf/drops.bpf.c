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
#include "drops.h"
#include "ip.h"
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

#define TCP_FLAG_SYN 2
#define TCP_FLAG_ACK 16

#define SOCK_RAW 3
#define TCP_TIME_WAIT 6
#define TCP_NEW_SYN_RECV 12
#define RTN_LOCAL 2
#define RTF_LOCAL 0x80000000
#define WELL_KNOWN_PORTS 1024

union ip_header {
	struct ipv4_header v4;
	struct ipv6_header v6;
};

/* A dropped packet on its way through drop_packet. */
struct dropped {
	struct drop_key key;
	struct drop_flow flow;
	void *transport; /* header */
	__u32 headers;   /* bytes of IP and its extensions */
	enum drop_rule rule;
	bool v6;
	bool begins; /* no part of something that is known to exist */
};

static __always_inline void swap_ends(struct drop_key *key)
{
	__u8 address[16];
	__u16 port = key->source_port;

	__builtin_memcpy(address, key->source, sizeof(address));
	__builtin_memcpy(key->source, key->destination, sizeof(address));
	__builtin_memcpy(key->destination, address, sizeof(address));
	key->source_port = key->destination_port;
	key->destination_port = port;
	key->reply = 1;
}

/* Skips extension headers; false if there is no transport to find. */
static __always_inline bool skip_extensions(struct dropped *p, void *network)
{
	for (int i = 0; i < MAX_EXTENSIONS; i++) {
		__u8 header[4];

		switch (p->key.protocol) {
		case 0:   /* hop-by-hop options */
		case 43:  /* routing */
		case 44:  /* fragment */
		case 60:  /* destination options */
		case 135: /* mobility */
			break;
		default:
			return true;
		}
		if (bpf_probe_read_kernel(header, sizeof(header), network + p->headers))
			return false;
		/* Of a later fragment only the addresses are known. */
		if (p->key.protocol == 44 && (header[2] || header[3] & 0xf8))
			p->transport = 0;
		p->headers += p->key.protocol == 44 ? 8 : (header[1] + 1) * 8;
		p->key.protocol = header[0];
	}
	return true;
}

/* Reads addresses, protocol and size. False for what is no IP. */
static __always_inline bool read_ip(struct dropped *p, struct sk_buff *skb)
{
	void *network = skb->head + skb->network_header;
	union ip_header ip;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), network))
		return false;
	p->transport = network;
	switch (ip.v4.version_length >> 4) {
	case 4:
		p->key.protocol = ip.v4.protocol;
		p->headers = (ip.v4.version_length & 15) * 4;
		p->flow.bytes = bpf_ntohs(ip.v4.total);
		if (p->headers < IPV4_HEADER || ip.v4.fragment & bpf_htons(FRAGMENT_OFFSET))
			p->transport = 0;
		map_in4(p->key.source, ip.v4.source);
		map_in4(p->key.destination, ip.v4.destination);
		break;
	case 6:
		p->v6 = true;
		p->key.protocol = ip.v6.next;
		p->headers = IPV6_HEADER;
		p->flow.bytes = bpf_ntohs(ip.v6.payload) + IPV6_HEADER;
		copy_in6(p->key.source, &ip.v6.source);
		copy_in6(p->key.destination, &ip.v6.destination);
		if (!skip_extensions(p, network))
			return false;
		break;
	default:
		return false;
	}
	if (p->transport)
		p->transport = network + p->headers;
	return true;
}

/* A reply belongs to the flow of its request. */
static __always_inline bool read_icmp(struct dropped *p, __u8 type, __u8 code)
{
	if (p->key.protocol == IPPROTO_ICMPV6 && is_link_upkeep(type))
		return false;
	p->key.icmp_type = request_of(p->key.protocol, type);
	p->key.icmp_code = code;
	if (p->key.icmp_type != type)
		swap_ends(&p->key);
	return true;
}

/* Reads what the transport has of ports, types and flags, and which end is the
 * source. False for what is not counted. */
static __always_inline bool read_transport(struct dropped *p)
{
	__u8 start[14] = {};
	bool reply = false;
	__u8 flags;

	if (p->key.protocol == IPPROTO_IGMP)
		return false;
	if (!p->transport)
		return true;
	switch (p->key.protocol) {
	case IPPROTO_TCP:
		if (bpf_probe_read_kernel(start, 14, p->transport))
			return false;
		flags = start[13] & (TCP_FLAG_SYN | TCP_FLAG_ACK);
		p->begins = flags == TCP_FLAG_SYN;
		if (p->rule & DROP_SYN_ONLY && !p->begins)
			return false;
		p->headers += (start[12] >> 4) * 4;
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (bpf_probe_read_kernel(start, 4, p->transport))
			return false;
		p->headers += p->key.protocol == IPPROTO_SCTP ? 12 : 8;
		break;
	default:
		return true;
	}
	if (p->key.protocol == IPPROTO_ICMP || p->key.protocol == IPPROTO_ICMPV6)
		return read_icmp(p, start[0], start[1]);
	p->key.source_port = start[0] << 8 | start[1];
	p->key.destination_port = start[2] << 8 | start[3];
	if (p->key.protocol != IPPROTO_TCP)
		reply = p->key.source_port < WELL_KNOWN_PORTS && p->key.destination_port >= WELL_KNOWN_PORTS;
	else if (flags & TCP_FLAG_SYN)
		reply = flags & TCP_FLAG_ACK;
	else
		reply = p->key.source_port < p->key.destination_port;
	if (reply)
		swap_ends(&p->key);
	return true;
}

/* Conntrack knows which end began, and where the source had sent what was translated. */
static __always_inline void read_conntrack(struct dropped *p, struct sk_buff *skb)
{
	struct nf_conntrack_tuple *tuple;
	unsigned long nfct;
	struct nf_conn *ct;
	struct in6_addr to;
	__u8 protocol = 0;
	__be16 port = 0;
	bool reply;

	if (!bpf_core_field_exists(skb->_nfct) || !bpf_core_type_exists(struct nf_conn))
		return;
	nfct = skb->_nfct;
	ct = (struct nf_conn *)(nfct & ~NFCT_INFOMASK);
	if (!ct)
		return;
	tuple = __builtin_preserve_access_index(&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
	if (bpf_core_read(&protocol, sizeof(protocol), &tuple->dst.protonum) || protocol != p->key.protocol ||
	    bpf_core_read(&to, sizeof(to), &tuple->dst.u3) || bpf_core_read(&port, sizeof(port), &tuple->dst.u))
		return;
	reply = (nfct & NFCT_INFOMASK) >= IP_CT_IS_REPLY;
	if (reply != p->key.reply) {
		swap_ends(&p->key);
		p->key.reply = reply;
	}
	if (p->v6)
		copy_in6(p->flow.original, &to);
	else
		map_in4(p->flow.original, to.in6_u.u6_addr32[0]);
	if (p->key.destination_port)
		p->flow.original_port = bpf_ntohs(port);
}

/* Notes original only where it tells something. */
static __always_inline void drop_untranslated(struct dropped *p)
{
	__u64 *original = (__u64 *)p->flow.original, *to = (__u64 *)p->key.destination;

	if (original[0] != to[0] || original[1] != to[1] || p->flow.original_port != p->key.destination_port)
		return;
	original[0] = 0;
	original[1] = 0;
	p->flow.original_port = 0;
}

/* A batch that was to be cut (GSO) is the packets that it would have become. */
static __always_inline void read_size(struct dropped *p, struct sk_buff *skb)
{
	struct skb_shared_info *shared = (struct skb_shared_info *)(skb->head + skb->end);
	__u16 segments = 0;

	bpf_core_read(&segments, sizeof(segments), &shared->gso_segs);
	p->flow.packets = segments > 1 ? segments : 1;
	if (!p->flow.bytes) /* larger than its header can tell */
		p->flow.bytes = skb->len;
	if (p->key.protocol != IPPROTO_TCP && p->flow.bytes > p->headers)
		p->flow.payload = p->flow.bytes - p->headers;
	p->flow.bytes += (p->flow.packets - 1) * p->headers;
}

static __always_inline bool is_full(const struct sock *sk)
{
	__u8 state = sk->__sk_common.skc_state;

	return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV;
}

/* Where it was dropped: namespace, interface, and at which end of the flow. rx is
 * the socket that it was for, if that is known. False for copies that only watchers get, and for a
 * route that leads somewhere, if that is what matters. */
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

/* Who sent what was dropped on its way out. A datagram is sent by its sender's system
 * call; a connection's packets may come from an interrupt. False for what is left out. */
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
	if (!read_place(&p, skb, rx))
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
