//go:build ignore

/*
 * Hook: TCX egress at the head of every interface of the agent's network
 * namespace. Counts the packets that came in by one interface and leave by another,
 * if either is chosen. Packets are only looked at, and go on to the next program. Not
 * loaded when the forward engine is off.
 *
 * A packet counts where it leaves, for there it has passed all that may refuse it,
 * and once, however many interfaces lie on top of each other.
 */
#include "count.h"
#include "translate.h"

#define NEXT -1 /* TCX_NEXT, what the program always returns */

#define ETH_P_8021Q 0x8100
#define ETH_P_8021AD 0x88a8
#define MAX_TAGS 2

#define DST_NOREF 1UL /* SKB_DST_NOREF */

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;
extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym;

enum forward_interface {
	FORWARD_CHOSEN = 1,  /* what enters or leaves by it counts */
	FORWARD_STACKED = 2, /* what leaves by it leaves by another one too: VLANs, bridges, bonds */
};

/* Keep the type in the BTF, from which the Go type is generated. */
const enum forward_interface *const volatile forward_interface_type = 0;

/* By index: sets of enum forward_interface. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u8);
} forward_interfaces SEC(".maps");

/* Only the first fragment of a packet has ports; the others find it here. */
struct fragment_key {
	__u8 source[16];
	__u8 destination[16];
	__u32 netns;
	__u32 id;
	__u32 protocol;
};

struct fragment {
	struct flow_key key;
	__u32 out;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct fragment_key);
	__type(value, struct fragment);
} forward_fragments SEC(".maps");

/* Until when a flow without a connection may be older than the agent. */
const volatile __u64 old_until = 0;

/* A packet of a socket counts with the socket, whichever namespace that is in. What
 * virtual machines and the like send may belong to a socket too, but to none of IP. */
static __always_inline bool has_ip_socket(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	return sk && (sk->__sk_common.skc_family == AF_INET || sk->__sk_common.skc_family == AF_INET6);
}

/* Whether this interface is where the packet counts: the one that it was routed to,
 * or for what is bridged, the last one. */
static __always_inline bool counts_here(struct __sk_buff *ctx, struct sk_buff *skb, __u8 interface)
{
	unsigned long route = skb->_skb_refdst & ~DST_NOREF;
	struct dst_entry *dst;

	if (!route)
		return !(interface & FORWARD_STACKED);
	dst = bpf_rdonly_cast((void *)route, bpf_core_type_id_kernel(struct dst_entry));
	return (__u32)dst->dev->ifindex == ctx->ifindex;
}

static __always_inline __u8 interface_at(__u32 index)
{
	__u8 *interface = bpf_map_lookup_elem(&forward_interfaces, &index);

	return interface ? *interface : 0;
}

static __always_inline bool is_wanted(struct __sk_buff *ctx, struct sk_buff *skb)
{
	__u8 out;

	if (!ctx->ingress_ifindex || has_ip_socket(skb))
		return false;
	out = interface_at(ctx->ifindex);
	if (!(out & FORWARD_CHOSEN) && !(interface_at(ctx->ingress_ifindex) & FORWARD_CHOSEN))
		return false;
	return counts_here(ctx, skb, out);
}

/* Skips the tags that are within the packet; the outermost may be beside it. Returns
 * the protocol behind them. */
static __always_inline __be16 skip_tags(struct __sk_buff *ctx, struct packet *p)
{
	__be16 protocol = ctx->protocol;

	for (int i = 0; i < MAX_TAGS; i++) {
		__be16 tag[2];

		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
			break;
		if (bpf_skb_load_bytes(ctx, p->at, tag, sizeof(tag)))
			return 0;
		protocol = tag[1];
		p->at += sizeof(tag);
	}
	return protocol;
}

/* Reads the addresses and the protocol, and how long the packet says that it is, for
 * short ones are padded on the wire. False for what is no IP. */
static __always_inline bool read_ip(struct __sk_buff *ctx, struct packet *p, __u32 *length)
{
	__be16 protocol = skip_tags(ctx, p);

	if (protocol == bpf_htons(ETH_P_IP)) {
		struct ipv4_header ip;

		if (bpf_skb_load_bytes(ctx, p->at, &ip, sizeof(ip)))
			return false;
		*length = bpf_ntohs(ip.total);
		return take_ipv4(ctx, p, &ip, true);
	}
	if (protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6_header ip;

		if (bpf_skb_load_bytes(ctx, p->at, &ip, sizeof(ip)))
			return false;
		*length = ip.payload ? bpf_ntohs(ip.payload) + IPV6_HEADER : 0;
		return take_ipv6(ctx, p, &ip, true);
	}
	return false;
}

static __always_inline bool read_tcp(struct __sk_buff *ctx, struct packet *p)
{
	__u8 header[2]; /* from where the header's length is */

	if (bpf_skb_load_bytes(ctx, p->at + p->headers + 12, header, sizeof(header)))
		return false;
	p->transport = (header[0] >> 4) * 4;
	p->tcp = header[1] & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK);
	p->reply = (p->tcp & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
	return true;
}

/* A batch counts as the packets that it becomes on the wire, which a virtual machine
 * may leave to us to find out. */
static __always_inline void measure(struct __sk_buff *ctx, struct packet *p, __u32 length)
{
	__u32 headers = p->headers + p->transport, size = ctx->gso_size;
	__u32 rest = ctx->len - p->at;

	if (size == 0 && length && length < rest)
		rest = length;
	p->sum.payload = rest > headers ? rest - headers : 0;
	p->sum.packets = 1;
	if (size && p->sum.payload > size)
		p->sum.packets = ((__u32)p->sum.payload + size - 1) / size;
	p->sum.bytes = rest + (p->sum.packets - 1) * headers;
}

/* Puts the ends in an order that both directions agree on. */
static __always_inline void order(struct packet *p)
{
	__u32 *local = (__u32 *)p->key.local, *remote = (__u32 *)p->key.remote;
	struct flow_key key = p->key;
	bool swap = p->key.local_port > p->key.remote_port;

	for (int i = 0; i < 4; i++) {
		if (local[i] == remote[i])
			continue;
		swap = local[i] > remote[i];
		break;
	}
	if (!swap)
		return;
	__builtin_memcpy(p->key.local, key.remote, sizeof(key.remote));
	__builtin_memcpy(p->key.remote, key.local, sizeof(key.local));
	p->key.local_port = key.remote_port;
	p->key.remote_port = key.local_port;
	p->out = !p->out;
}

static __always_inline void start_flow(struct __sk_buff *ctx, struct flow *flow, const struct packet *p, __u64 now)
{
	if (p->key.protocol == IPPROTO_TCP)
		flow->flags |= asks_for_connection(p) ? FLOW_FLAG_UNANSWERED : FLOW_FLAG_OLD;
	else if (now < old_until && !p->fresh)
		flow->flags |= FLOW_FLAG_OLD;
	if (p->translated)
		note_translation(&flow->translation, p);
	begin_flow(flow, p, now);
	if (p->tcp)
		follow_tcp(flow, p);
}

static __always_inline void name_fragment(struct fragment_key *key, const struct packet *p)
{
	__builtin_memcpy(key->source, p->key.local, sizeof(key->source));
	__builtin_memcpy(key->destination, p->key.remote, sizeof(key->destination));
	key->netns = p->key.netns;
	key->id = p->fragment_id;
	key->protocol = p->key.protocol;
}

/* Gives a later fragment the flow of the first. False if that did not come by. */
static __always_inline bool follow_fragment(struct packet *p)
{
	struct fragment_key key;
	struct fragment *first;

	name_fragment(&key, p);
	first = bpf_map_lookup_elem(&forward_fragments, &key);
	if (!first)
		return false;
	p->key = first->key;
	p->out = first->out;
	return true;
}

/* Reads what tells the packet's flow. False for what is not counted. */
static __always_inline bool read_flow(struct __sk_buff *ctx, struct sk_buff *skb, struct packet *p)
{
	struct fragment_key key;

	if (p->fragment & FRAGMENT_OFFSET) {
		if (!follow_fragment(p))
			order(p);
		return true;
	}
	if (p->fragment)
		name_fragment(&key, p);
	if (!read_transport(ctx, p, true))
		return false;
	if (p->key.protocol == IPPROTO_TCP && !read_tcp(ctx, p))
		return false;
	read_tracked(skb, p);
	order(p);
	if (p->fragment) {
		struct fragment first = {.key = p->key, .out = p->out};

		bpf_map_update_elem(&forward_fragments, &key, &first, BPF_ANY);
	}
	return true;
}

static __always_inline void account(struct __sk_buff *ctx)
{
	struct sk_buff *skb = bpf_cast_to_kern_ctx(ctx);
	struct packet p = {.out = true};
	__u32 length = 0;

	if (!is_wanted(ctx, skb))
		return;
	p.at = skb->network_header - skb->mac_header; /* a leaving packet begins with the latter */
	p.key.netns = skb->dev->nd_net.net->ns.inum;
	if (!read_ip(ctx, &p, &length) || !read_flow(ctx, skb, &p))
		return;
	measure(ctx, &p, length);
	count(ctx, &p);
}

SEC("tcx/egress")
int forward_out(struct __sk_buff *ctx)
{
	account(ctx);
	return NEXT;
}

SEC("raw_tp")
int forward_mark(void *ctx)
{
	return mark_all();
}

char LICENSE[] SEC("license") = "GPL";
