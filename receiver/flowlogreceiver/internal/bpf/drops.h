/*
 * What the drops programs share: the packets that the kernel dropped, by flow
 * and reason, and the maps.
 *
 * Nothing here runs out. A flow that finds no room is counted without its source,
 * and where there is no room for that either, by its reason alone.
 */
#pragma once

#include "address.h"
#include "filter.h"
#include "process.h"
#include "scope.h"

#define IFNAME_LEN 16
#define DROP_REASONS 256

/* What to make of a reason that the kernel gives; 0: it does not deny anything. */
enum drop_rule {
	DROP_COUNT = 1,
	/* Only if the packet's route leads nowhere. */
	DROP_BY_ROUTE = 2,
	/* By a socket that packets were handed to; skb->dev is then no longer one. */
	DROP_IN_SOCKET = 4,
	/* Of TCP only what would begin a connection: the rest is what lingers of
	 * those that have ended. */
	DROP_SYN_ONLY = 8,
	/* A route that leads nowhere tells more. */
	DROP_WITH_ROUTE = 16,
};

/* Flags of struct drop_flow. */
enum drop_flag {
	DROP_FLAG_AT_SOURCE = 1,      /* on its way out of the source's namespace */
	DROP_FLAG_AT_DESTINATION = 2, /* delivered in the destination's namespace */
	DROP_FLAG_REJECTED = 4,       /* the sender was told */
	DROP_FLAG_OWN = 8,            /* of a socket in scope; set only where there is a scope */
};

/* A flow by its ends, not by the dropped packet's. Addresses in network order, an
 * IPv4 one mapped into IPv6; ports in host order, 0 where the protocol has none. */
struct drop_key {
	__u8 source[16];
	__u8 destination[16];
	__u32 netns; /* where it was dropped */
	__u16 source_port;
	__u16 destination_port;
	__u16 reason; /* enum skb_drop_reason of the running kernel */
	__u16 error;  /* errno of a route that leads nowhere */
	__u8 protocol;
	__u8 icmp_type; /* of the request, for a reply */
	__u8 icmp_code;
	__u8 reply; /* the destination sent it */
};

/* Times are CLOCK_MONOTONIC nanoseconds. */
struct drop_flow {
	__u64 first;
	__u64 last;
	__u64 packets;
	__u64 bytes; /* of the IP layer */
	__u64 payload;
	__u64 cgroup;
	/* Where the source had sent it, if that was translated on the way; or zeroes. */
	__u8 original[16];
	__u16 original_port;
	__u16 unused;
	__u32 pid;
	enum drop_flag flags;
	__u8 interface[IFNAME_LEN];
	__u8 exe[EXE_LEN];
	__u32 unused2;
};

struct drop_sum {
	__u64 packets;
	__u64 bytes;
};

/* Places in drop_tables. */
enum drop_table {
	DROP_TABLE_FLOWS = 0,
	DROP_TABLE_COARSE = 1, /* without their sources */
	DROP_TABLES = 2,
};

/* Packets about which the sender was just told, by their address in memory: the
 * kernel drops them next. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} drop_rejects SEC(".maps");
