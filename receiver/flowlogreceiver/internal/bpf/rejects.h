/*
 * IPv6 packets whose sender was just told that they get nowhere. The kernel has a
 * tracepoint for the errors of ICMP, but none for those of ICMPv6: the datagram
 * programs see them leave and note the packet that they quote, which the kernel drops
 * next. The map belongs to both engines.
 */
#pragma once

#include "kernel.h"
#include <bpf/bpf_helpers.h>

/* Longer than a packet stays between being answered and being dropped. */
#define REJECT_NS 1000000

struct reject_key {
	__u8 source[16];
	__u8 destination[16];
	__u16 source_port;
	__u16 destination_port;
	__u8 protocol;
	__u8 unused[3];
};

/* Values are CLOCK_MONOTONIC nanoseconds. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct reject_key);
	__type(value, __u64);
} rejects SEC(".maps");
