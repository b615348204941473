/*
 * Headers of IP, the numbers in them, and what the types of ICMP mean.
 */
#pragma once

#include "kernel.h"
#include <bpf/bpf_helpers.h>

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER 8

/* Headers between that of IP and the transport's (RFC 7045, RFC 4302). */
#define IPPROTO_HOPOPTS 0
#define IPPROTO_ROUTING 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_AH 51
#define IPPROTO_DSTOPTS 60
#define IPPROTO_MH 135
#define MAX_EXTENSIONS 6

#define FRAGMENT_OFFSET 0x1fff /* in units of 8 bytes */
#define MORE_FRAGMENTS 0x2000

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

struct ipv4_header {
	__u8 version_length;
	__u8 tos;
	__be16 total;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 protocol;
	__u16 check;
	__be32 source;
	__be32 destination;
};

struct ipv6_header {
	__u32 version_class;
	__be16 payload;
	__u8 next;
	__u8 hops;
	struct in6_addr source;
	struct in6_addr destination;
};

static __always_inline bool is_extension(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
		return true;
	default:
		return false;
	}
}

/* The size in bytes of an extension whose second byte is length. */
static __always_inline __u32 extension_size(__u8 protocol, __u8 length)
{
	if (protocol == IPPROTO_FRAGMENT)
		return 8;
	if (protocol == IPPROTO_AH)
		return (length + 2) * 4;
	return (length + 1) * 8;
}

/* Neighbour discovery and reports of multicast groups are upkeep of the link, as
 * ARP is, not traffic of a workload. IGMP is left out for the same reason. */
static __always_inline bool is_link_upkeep(__u8 type)
{
	return (type >= ICMPV6_MLD_QUERY && type <= ICMPV6_NDISC_REDIRECT) || type == ICMPV6_MLD2_REPORT;
}

/* The type of what an ICMP reply answers; of everything else its own. */
static __always_inline __u8 request_of(__u8 protocol, __u8 type)
{
	if (protocol == IPPROTO_ICMP && type == ICMP_ECHOREPLY)
		return ICMP_ECHO;
	if (protocol == IPPROTO_ICMP && type == ICMP_TIMESTAMPREPLY)
		return ICMP_TIMESTAMP;
	if (protocol == IPPROTO_ICMPV6 && type == ICMPV6_ECHO_REPLY)
		return ICMPV6_ECHO_REQUEST;
	return type;
}
