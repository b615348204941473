/*
 * The connection that a packet belongs to, as the connection tracker knows it.
 */
#pragma once

#include "address.h"

/* Returns it, with what the packet is of it (enum ip_conntrack_info) in info; 0 where
 * it is tracked as none, or the kernel tracks nothing. */
static __always_inline struct nf_conn *connection_of(struct sk_buff *skb, unsigned long *info)
{
	unsigned long tracked;

	if (!bpf_core_field_exists(skb->_nfct) || !bpf_core_type_exists(struct nf_conn))
		return 0;
	tracked = skb->_nfct;
	*info = tracked & NFCT_INFOMASK;
	return (struct nf_conn *)(tracked & ~NFCT_INFOMASK);
}
