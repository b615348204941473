//go:build ignore

/*
 * Hook: tp_btf/icmp_send, every ICMP error that the kernel is about to send.
 * Remembers the packet that it is about, which the kernel drops next: that tells a
 * firewall's REJECT from its DROP. Loaded with drops.bpf.c, on kernels that have
 * the tracepoint (Linux 6.10).
 */
#include "drops.h"

SEC("tp_btf/icmp_send")
int BPF_PROG(drop_reject, const struct sk_buff *skb)
{
	__u64 address = (__u64)skb, now = bpf_ktime_get_ns();

	bpf_map_update_elem(&drop_rejects, &address, &now, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
