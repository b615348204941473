/*
 * What the connection tracker knows of a packet: which end asked, and which ends it
 * has apart from translation.
 */
#pragma once

#include "conntrack.h"
#include "packet.h"

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
	unsigned long info, status = 0;
	struct nf_conn *ct = connection_of(skb, &info);

	/* What is only related to a connection, such as an ICMP error, is a flow of its own. */
	if (!ct || info == IP_CT_RELATED || info == IP_CT_RELATED_REPLY)
		return;
	p->tracked = true;
	p->fresh = info == IP_CT_NEW;
	p->reply = info == IP_CT_IS_REPLY;
	bpf_core_read(&status, sizeof(status), &ct->status);
	if (status & (IPS_SRC_NAT | IPS_DST_NAT))
		undo_translation(p, ct);
}

/* Packets of the host's own sockets are seen when they are translated already, and
 * the answers to them when they no longer are. The flow goes by what the socket knows. */
static __always_inline void undo_own_translation(struct sk_buff *skb, struct packet *p)
{
	const struct nf_conntrack_tuple *sent;
	unsigned long info, status = 0;
	struct nf_conn *ct = connection_of(skb, &info);
	__u8 protocol = 0;

	if (!ct || bpf_core_read(&status, sizeof(status), &ct->status) || !(status & (IPS_SRC_NAT | IPS_DST_NAT)))
		return;
	if (info >= IP_CT_IS_REPLY)
		sent = &ct->tuplehash[IP_CT_DIR_REPLY].tuple;
	else
		sent = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	/* An error of ICMP is not of the connection that it is about. */
	if (bpf_core_read(&protocol, sizeof(protocol), &sent->dst.protonum) || protocol != p->key.protocol)
		return;
	read_end(p->key.local, &p->key.local_port, p, &sent->src.u3, &sent->src.u.all);
	read_end(p->key.remote, &p->key.remote_port, p, &sent->dst.u3, &sent->dst.u.all);
}
