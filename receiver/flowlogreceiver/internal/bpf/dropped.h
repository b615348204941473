/*
 * Reads a packet that the kernel drops, at whatever layer that is: its ends, which of
 * them began, its size, and what it was before translation.
 */
#pragma once

#include "conntrack.h"
#include "drops.h"
#include "ip.h"

#define TCP_FLAG_SYN 2
#define TCP_FLAG_ACK 16
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
	for (int i = 0; i < MAX_EXTENSIONS && p->transport && is_extension(p->key.protocol); i++) {
		__u8 header[4];

		if (bpf_probe_read_kernel(header, sizeof(header), network + p->headers))
			return false;
		/* Of a later fragment only the addresses are known. */
		if (p->key.protocol == IPPROTO_FRAGMENT && (header[2] || header[3] & 0xf8))
			p->transport = 0;
		p->headers += extension_size(p->key.protocol, header[1]);
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
		if (p->key.protocol == IPPROTO_AH && !skip_extensions(p, network))
			return false;
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
		if (p->rule & DROP_SYN_ONLY && flags != TCP_FLAG_SYN)
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
	unsigned long info;
	struct nf_conn *ct;
	struct in6_addr to;
	__u8 protocol = 0;
	__be16 port = 0;
	bool reply;

	ct = connection_of(skb, &info);
	if (!ct)
		return;
	tuple = __builtin_preserve_access_index(&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
	if (bpf_core_read(&protocol, sizeof(protocol), &tuple->dst.protonum) || protocol != p->key.protocol ||
	    bpf_core_read(&to, sizeof(to), &tuple->dst.u3) || bpf_core_read(&port, sizeof(port), &tuple->dst.u))
		return;
	reply = info >= IP_CT_IS_REPLY;
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
