/*
 * What the connection tracker knows of a packet: which end asked, and which ends it
 * has apart from translation.
 */
#pragma once

#include "packet.h"

/* include/uapi/linux/netfilter/nf_conntrack_common.h */
#define CT_RELATED 1
#define CT_NEW 2
#define CT_REPLY 3
#define CT_RELATED_REPLY 4
#define CT_INFO 7UL
#define CT_SRC_NAT (1UL << 4)
#define CT_DST_NAT (1UL << 5)

static __always_inline void read_end(__u8 *address, __u16 *port, const struct packet *p, const union nf_inet_addr *from, const __be16 *from_port)
{
	struct in6_addr all = {};
	__be16 number = 0;

	bpf_probe_read_kernel(&all, sizeof(all), from);
	if (p->v6)
		copy_in6(address, &all);
	else
		map_in4(address, all.in6_u.u6_addr32[0]);
	if (p->ports)
		bpf_probe_read_kernel(&number, sizeof(number), from_port);
	*port = bpf_ntohs(number);
}

/* Replaces the ends of a packet, one of which is not what the other calls it; the one
 * that asked is then the local one. */
static __always_inline void undo_translation(struct packet *p, struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *asked = &ct->tuplehash[0].tuple, *answer = &ct->tuplehash[1].tuple;

	read_end(p->key.local, &p->key.local_port, p, &asked->src.u3, &asked->src.u.all);
	read_end(p->key.remote, &p->key.remote_port, p, &answer->src.u3, &answer->src.u.all);
	p->out = !p->reply;
	p->translated = ct;
}

static __always_inline void note_translation(struct translation *t, const struct packet *p)
{
	const struct nf_conntrack_tuple *asked = &p->translated->tuplehash[0].tuple;
	const struct nf_conntrack_tuple *answer = &p->translated->tuplehash[1].tuple;

	read_end(t->called, &t->called_port, p, &asked->dst.u3, &asked->dst.u.all);
	read_end(t->seen, &t->seen_port, p, &answer->dst.u3, &answer->dst.u.all);
}

static __always_inline void read_tracked(struct sk_buff *skb, struct packet *p)
{
	unsigned long tracked, status = 0;
	struct nf_conn *ct;

	if (!bpf_core_type_exists(struct nf_conn))
		return;
	tracked = skb->_nfct;
	ct = (struct nf_conn *)(tracked & ~CT_INFO);
	tracked &= CT_INFO;
	/* What is only related to a connection, such as an ICMP error, is a flow of its own. */
	if (!ct || tracked == CT_RELATED || tracked == CT_RELATED_REPLY)
		return;
	p->tracked = true;
	p->fresh = tracked == CT_NEW;
	p->reply = tracked == CT_REPLY;
	bpf_core_read(&status, sizeof(status), &ct->status);
	if (status & (CT_SRC_NAT | CT_DST_NAT))
		undo_translation(p, ct);
}
