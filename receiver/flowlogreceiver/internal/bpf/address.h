/*
 * Addresses and namespaces as all events carry them: in network order, an IPv4
 * address mapped into IPv6.
 */
#pragma once

#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

static __always_inline void copy_in6(__u8 *to, const struct in6_addr *from)
{
	__u32 *words = (__u32 *)to;

	words[0] = from->in6_u.u6_addr32[0];
	words[1] = from->in6_u.u6_addr32[1];
	words[2] = from->in6_u.u6_addr32[2];
	words[3] = from->in6_u.u6_addr32[3];
}

static __always_inline void map_in4(__u8 *to, __be32 from)
{
	__u32 *words = (__u32 *)to;

	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = from;
}

static __always_inline __u32 netns_of(const struct sock *sk)
{
	return sk->__sk_common.skc_net.net->ns.inum;
}

/* to must be aligned to four bytes. */
static __always_inline void read_local(__u8 *to, const struct sock *sk)
{
	if (sk->__sk_common.skc_family == AF_INET6 && bpf_core_field_exists(sk->__sk_common.skc_v6_rcv_saddr))
		copy_in6(to, &sk->__sk_common.skc_v6_rcv_saddr);
	else
		map_in4(to, sk->__sk_common.skc_rcv_saddr);
}

static __always_inline void read_remote(__u8 *to, const struct sock *sk)
{
	if (sk->__sk_common.skc_family == AF_INET6 && bpf_core_field_exists(sk->__sk_common.skc_v6_daddr))
		copy_in6(to, &sk->__sk_common.skc_v6_daddr);
	else
		map_in4(to, sk->__sk_common.skc_daddr);
}
