/*
 * Reads the headers of a packet: IP with its extensions, ports, ICMP.
 */
#pragma once

#include "flows.h"
#include "ip.h"

/* A packet on its way to be counted. */
struct packet {
	struct flow_key key;
	__u32 at;        /* where IP begins in what the program is given */
	__u32 headers;   /* bytes of IP and its extensions */
	__u32 transport; /* bytes of the header after them, 0 if it is not known */
	__u32 fragment_id;
	__u16 fragment;  /* FRAGMENT_OFFSET and MORE_FRAGMENTS, 0 for a whole packet */
	__u8 tcp;        /* flags */
	bool v6;
	bool ports;      /* it has such */
	bool out;        /* sent by the local end */
	bool reply;      /* to something that the other end asked */
	bool tracked;    /* the connection tracker told whether it is one */
	bool fresh;      /* and that it is the first */
	struct flow_sum sum;
	struct nf_conn *translated; /* by whom, if it was */
};

/* Skips extension headers; false if there is no transport to find. */
static __always_inline bool skip_extensions(struct __sk_buff *ctx, struct packet *p)
{
	for (int i = 0; i < MAX_EXTENSIONS && is_extension(p->key.protocol); i++) {
		__u8 header[8];

		if (p->fragment & FRAGMENT_OFFSET)
			return true; /* what follows is of no header */
		if (bpf_skb_load_bytes(ctx, p->at + p->headers, header, sizeof(header)))
			return false;
		if (p->key.protocol == IPPROTO_FRAGMENT) {
			__u16 offset = header[2] << 8 | header[3];

			p->fragment = offset >> 3 | (offset & 1 ? MORE_FRAGMENTS : 0);
			__builtin_memcpy(&p->fragment_id, header + 4, sizeof(p->fragment_id));
		}
		p->headers += extension_size(p->key.protocol, header[1]);
		p->key.protocol = header[0];
	}
	return true;
}

/* Takes the addresses and the protocol from a header; out is p->out, as a constant.
 * False if there is no transport. */
static __always_inline bool take_ipv4(struct __sk_buff *ctx, struct packet *p, const struct ipv4_header *ip, bool out)
{
	p->key.protocol = ip->protocol;
	p->headers = (ip->version_length & 15) * 4;
	p->fragment = bpf_ntohs(ip->fragment) & (FRAGMENT_OFFSET | MORE_FRAGMENTS);
	p->fragment_id = ip->id;
	map_in4(out ? p->key.local : p->key.remote, ip->source);
	map_in4(out ? p->key.remote : p->key.local, ip->destination);
	return ip->protocol != IPPROTO_AH || skip_extensions(ctx, p);
}

static __always_inline bool take_ipv6(struct __sk_buff *ctx, struct packet *p, const struct ipv6_header *ip, bool out)
{
	p->v6 = true;
	p->key.protocol = ip->next;
	p->headers = IPV6_HEADER;
	copy_in6(out ? p->key.local : p->key.remote, &ip->source);
	copy_in6(out ? p->key.remote : p->key.local, &ip->destination);
	return skip_extensions(ctx, p);
}

/* A reply belongs to the flow of its request. */
static __always_inline void read_icmp(struct packet *p, __u8 type, __u8 code)
{
	p->key.icmp_type = request_of(p->key.protocol, type);
	p->key.icmp_code = code;
	p->reply = p->key.icmp_type != type;
}

/* Reads what the transport has of ports or types. False for what is not counted. */
static __always_inline bool read_transport(struct __sk_buff *ctx, struct packet *p, bool out)
{
	__u8 start[4];

	switch (p->key.protocol) {
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		p->transport = 8;
		break;
	case IPPROTO_SCTP:
		p->transport = 12;
		break;
	case IPPROTO_TCP:
		p->transport = 20;
		break;
	case IPPROTO_IGMP:
		return false;
	default:
		return true;
	}
	if (bpf_skb_load_bytes(ctx, p->at + p->headers, start, sizeof(start)))
		return false;
	if (p->key.protocol == IPPROTO_ICMP || p->key.protocol == IPPROTO_ICMPV6) {
		if (p->key.protocol == IPPROTO_ICMPV6 && is_link_upkeep(start[0]))
			return false;
		read_icmp(p, start[0], start[1]);
	} else {
		__u16 source = start[0] << 8 | start[1], destination = start[2] << 8 | start[3];

		p->ports = true;
		p->key.local_port = out ? source : destination;
		p->key.remote_port = out ? destination : source;
	}
	return true;
}
