/*
 * What the datagram programs share: the flows they count, the event for a flow
 * that finds no room among them, and the maps.
 *
 * Packets only add to a flow. User space reads the flows once in an interval,
 * and decides when one is idle. It is then marked, and taken out an interval
 * later, when no packet that found it before can still be on its way; a packet
 * that finds the mark goes the way of those that find no room.
 */
#pragma once

#include "address.h"
#include "filter.h"
#include "process.h"

/* A flow as its socket sees it. Addresses in network order, an IPv4 one mapped
 * into IPv6; ports in host order, 0 where the protocol has none. */
struct datagram_key {
	__u8 local[16];
	__u8 remote[16];
	__u32 netns;
	__u16 local_port;
	__u16 remote_port;
	__u8 protocol;
	__u8 icmp_type; /* of the request, for a reply */
	__u8 icmp_code;
	__u8 unused;
};

/* Flags of struct datagram_flow. */
enum datagram_flag {
	DATAGRAM_FLAG_LOCAL_FIRST = 1, /* the local end spoke first */
	DATAGRAM_FLAG_OLD_SOCKET = 2,  /* the socket, and maybe the flow, is older than the agent */
	DATAGRAM_FLAG_EXCLUDED = 4,    /* nothing is counted */
	DATAGRAM_FLAG_IDLE = 8,        /* marked; soon taken out */
};

/* What one end sent: bytes of the IP layer, and of what the transport carried. */
struct datagram_sum {
	__u64 packets;
	__u64 bytes;
	__u64 payload;
};

/* Times are CLOCK_MONOTONIC nanoseconds. */
struct datagram_flow {
	__u64 first;
	__u64 last;
	__u64 cgroup;
	struct datagram_sum sent;
	struct datagram_sum received;
	__u32 pid;
	enum datagram_flag flags;
	__u8 exe[EXE_LEN];
};

/* One record of the ring buffer: a packet, as a flow of its own. */
struct datagram_event {
	struct datagram_key key;
	__u32 unused;
	struct datagram_flow flow;
};

/* Indexes of the counters map. */
enum datagram_counter {
	DATAGRAM_LOST_RING = 0, /* packets that found neither room nor ring */
	DATAGRAM_COUNTERS = 1,
};

/* The process that made a socket (BPF_MAP_TYPE_SK_STORAGE). */
struct datagram_owner {
	__u32 pid;
	enum datagram_flag flags; /* OLD_SOCKET, EXCLUDED */
	__u8 exe[EXE_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct datagram_key);
	__type(value, struct datagram_flow);
} datagram_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);
} datagram_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DATAGRAM_COUNTERS);
	__type(key, enum datagram_counter);
	__type(value, __u64);
} datagram_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct datagram_owner);
} datagram_owners SEC(".maps");
