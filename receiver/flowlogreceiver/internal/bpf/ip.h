/*
 * What the programs that see packets at the root of cgroup2 share: the headers
 * of IP, and what such a program returns.
 */
#pragma once

#include "kernel.h"

#define PASS 1 /* nothing is ever refused */

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd

#define IPV6_HEADER 40
#define UDP_HEADER 8

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;

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
