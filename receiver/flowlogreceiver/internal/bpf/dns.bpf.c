//go:build ignore

/*
 * Hooks: cgroup_skb/egress and cgroup_skb/ingress at the root of cgroup2, every
 * packet that a local socket sends or gets, in every network namespace, or at the
 * control group whose sockets alone count. Copies
 * the DNS queries and answers over UDP of local clients; everything else leaves at
 * once, TCP after one byte. Not loaded unless the dns engine is on.
 *
 * The records wake nobody: user space looks before it handles what came after.
 */
#include "dns.h"

/* Keep the types in the BTF, from which the Go types are generated. */
const struct dns_event *const volatile dns_event_type = 0;

/* Where name servers listen, 0 for none; the loader sets them. */
const volatile __u16 dns_ports[DNS_PORTS] = {};

#define PASS 1 /* what every program here returns: nothing is ever refused */
#define DNS_HEADER 12

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;

static __always_inline void count(enum dns_counter index)
{
	__u64 *n = bpf_map_lookup_elem(&dns_counters, &index);

	if (n)
		(*n)++;
}

static __always_inline bool is_dns(__u16 port)
{
#pragma unroll
	for (int i = 0; i < DNS_PORTS; i++) {
		if (port && port == dns_ports[i])
			return true;
	}
	return false;
}

/* Reads the addresses, and returns where UDP begins, or 0 if this is no UDP. DNS
 * behind extension headers of IPv6 is not looked for. */
static __always_inline __u32 find_udp(struct __sk_buff *ctx, struct dns_event *e, bool out)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u8 *source = out ? e->local : e->remote;
	__u8 *destination = out ? e->remote : e->local;

	if (ctx->protocol == bpf_htons(ETH_P_IP)) {
		struct ipv4_header *ip = data;

		if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_UDP)
			return 0;
		map_in4(source, ip->source);
		map_in4(destination, ip->destination);
		return (ip->version_length & 15) * 4;
	}
	if (ctx->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6_header *ip = data;

		if ((void *)(ip + 1) > end || ip->next != IPPROTO_UDP)
			return 0;
		copy_in6(source, &ip->source);
		copy_in6(destination, &ip->destination);
		return IPV6_HEADER;
	}
	return 0;
}

/* Sends e and the message of an answer, which begins at offset and has length
 * bytes; room is how many of them there can be. */
static __always_inline void send(struct __sk_buff *ctx, const struct dns_event *e, __u32 offset, __u32 length, const __u32 room)
{
	struct dns_event *record = bpf_ringbuf_reserve(&dns_events, sizeof(*e) + room, 0);

	if (!record) {
		count(DNS_LOST_RING);
		return;
	}
	*record = *e;
	if (room) {
		if (length > room) {
			length = room;
			count(DNS_CUT);
		}
		if (length < DNS_HEADER || bpf_skb_load_bytes(ctx, offset, record + 1, length)) {
			bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
			return;
		}
		record->answer = length;
	}
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

static __always_inline void look(struct __sk_buff *ctx, bool out)
{
	struct dns_event e = {};
	__u8 ports[4], header[4];
	__u16 source, destination;
	__u32 offset, length;
	struct sk_buff *skb;
	struct sock *sk;

	offset = find_udp(ctx, &e, out);
	if (!offset || bpf_skb_load_bytes(ctx, offset, ports, sizeof(ports)))
		return;
	source = ports[0] << 8 | ports[1];
	destination = ports[2] << 8 | ports[3];
	e.local_port = out ? source : destination;
	e.remote_port = out ? destination : source;
	skb = bpf_cast_to_kern_ctx(ctx);
	sk = skb->sk;
	if (!sk)
		return;
	/* What a packet of the host's shows may be translated already. */
	e.connected = sk->__sk_common.skc_dport != 0;
	if (e.connected)
		e.remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
	if (!is_dns(e.remote_port))
		return;
	offset += UDP_HEADER;
	if (ctx->len < offset + DNS_HEADER || bpf_skb_load_bytes(ctx, offset, header, sizeof(header)))
		return;
	/* A client sends queries and gets answers; only the usual operation names. */
	if ((header[2] & 0x80) != (out ? 0 : 0x80) || header[2] & 0x78)
		return;
	/* A datagram is sent by its sender's system call. */
	if (out && own_process && (__u32)bpf_get_current_task_btf()->tgid == own_process)
		return;
	if (e.connected)
		read_remote(e.remote, sk);
	e.time = bpf_ktime_get_ns();
	e.netns = netns_of(sk);
	e.socket = bpf_get_socket_cookie(ctx);
	e.id = header[0] << 8 | header[1];
	length = ctx->len - offset;
	if (out)
		send(ctx, &e, offset, length, 0);
	else if (length <= DNS_SMALL)
		send(ctx, &e, offset, length, DNS_SMALL);
	else
		send(ctx, &e, offset, length, DNS_LARGE);
}

SEC("cgroup_skb/egress")
int dns_out(struct __sk_buff *ctx)
{
	look(ctx, true);
	return PASS;
}

SEC("cgroup_skb/ingress")
int dns_in(struct __sk_buff *ctx)
{
	look(ctx, false);
	return PASS;
}

char LICENSE[] SEC("license") = "GPL";
