//go:build ignore

/*
 * No hook: run by user space, by BPF_PROG_TEST_RUN, in the network namespace whose
 * connection tracking is asked. Finds the entries of connections and with them
 * what their ends were translated to. Not loaded when the nat engine is off.
 *
 * A run answers one query and user space has it repeated: so nothing loops here,
 * which kernels before 6.4 could not do around a look-up, and between two queries
 * the kernel may do something else.
 */
#include "nat.h"

/* The next query, and how many there are. */
__u32 nat_next = 0;
__u32 nat_count = 0;

/* net/netfilter/nf_conntrack_bpf.c: the part that all kernels know, which is the
 * first 12 bytes. */
struct bpf_ct_opts {
	__s32 netns_id; /* -1 for the caller's */
	__s32 error;
	__u8 l4proto;
	__u8 dir; /* which one of the entry's tuples was found; set by the look-up */
	__u8 reserved[2];
};

extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *ctx, struct bpf_sock_tuple *tuple, __u32 tuple__sz,
					 struct bpf_ct_opts *opts, __u32 opts__sz) __ksym;
extern void bpf_ct_release(struct nf_conn *ct) __ksym;

static __always_inline bool is_ipv4(const struct nat_tuple *tuple)
{
	const __u32 *words = (const __u32 *)tuple->source;

	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

static __always_inline struct nf_conn *find(struct __sk_buff *ctx, const struct nat_query *q, struct bpf_ct_opts *opts)
{
	const __u32 *source = (const __u32 *)q->sent.source, *destination = (const __u32 *)q->sent.destination;
	struct bpf_sock_tuple tuple = {};

	if (is_ipv4(&q->sent)) {
		tuple.ipv4.saddr = source[3];
		tuple.ipv4.daddr = destination[3];
		tuple.ipv4.sport = bpf_htons(q->sent.source_port);
		tuple.ipv4.dport = bpf_htons(q->sent.destination_port);
		return bpf_skb_ct_lookup(ctx, &tuple, sizeof(tuple.ipv4), opts, sizeof(*opts));
	}
	__builtin_memcpy(tuple.ipv6.saddr, source, sizeof(tuple.ipv6.saddr));
	__builtin_memcpy(tuple.ipv6.daddr, destination, sizeof(tuple.ipv6.daddr));
	tuple.ipv6.sport = bpf_htons(q->sent.source_port);
	tuple.ipv6.dport = bpf_htons(q->sent.destination_port);
	return bpf_skb_ct_lookup(ctx, &tuple, sizeof(tuple.ipv6), opts, sizeof(*opts));
}

static __always_inline void copy_address(__u8 *to, const union nf_inet_addr *from, bool ipv4)
{
	__u32 *words = (__u32 *)to;

	if (ipv4) {
		map_in4(to, from->all[0]);
		return;
	}
	words[0] = from->all[0];
	words[1] = from->all[1];
	words[2] = from->all[2];
	words[3] = from->all[3];
}

static __always_inline void copy_tuple(struct nat_query *q, const struct nf_conntrack_tuple *from)
{
	bool ipv4 = is_ipv4(&q->sent);

	copy_address(q->answer.source, &from->src.u3, ipv4);
	copy_address(q->answer.destination, &from->dst.u3, ipv4);
	q->answer.source_port = bpf_ntohs(from->src.u.all);
	q->answer.destination_port = bpf_ntohs(from->dst.u.all);
	q->found = true;
}

SEC("tc")
int nat_find(struct __sk_buff *ctx)
{
	__u32 index = nat_next;
	struct bpf_ct_opts opts = {.netns_id = -1};
	struct nat_query *q;
	struct nf_conn *ct;

	if (index >= nat_count)
		return 0;
	nat_next = index + 1;
	q = bpf_map_lookup_elem(&nat_queries, &index);
	if (!q)
		return 0;
	opts.l4proto = q->protocol;
	ct = find(ctx, q, &opts);
	if (!ct)
		return 0;
	if (opts.dir == IP_CT_DIR_ORIGINAL)
		copy_tuple(q, &ct->tuplehash[IP_CT_DIR_REPLY].tuple);
	else
		copy_tuple(q, &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
	bpf_ct_release(ct);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
