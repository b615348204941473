/*
 * What the engines that count packets share: the flows they count, the event for
 * a flow that finds no room among them, and the maps. Each engine has its own.
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

/* A flow as its socket sees it; of one that passes through, either end is taken for
 * the local one. Addresses in network order, an IPv4 one mapped into IPv6; ports in
 * host order, 0 where the protocol has none. */
struct flow_key {
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

/* Flags of struct flow. */
enum flow_flag {
	FLOW_FLAG_LOCAL_FIRST = 1, /* the local end spoke first */
	FLOW_FLAG_OLD = 2,         /* may be older than the agent: its start was not seen */
	FLOW_FLAG_EXCLUDED = 4,    /* nothing is counted */
	FLOW_FLAG_IDLE = 8,        /* marked; soon taken out */
	FLOW_FLAG_LOCAL_FIN = 16,  /* TCP only, as all that follow */
	FLOW_FLAG_REMOTE_FIN = 32,
	FLOW_FLAG_RESET = 64,
	FLOW_FLAG_UNANSWERED = 128, /* one end has asked for a connection, and that is all */
};

/* What one end sent: bytes of the IP layer, and of what the transport carried. */
struct flow_sum {
	__u64 packets;
	__u64 bytes;
	__u64 payload;
};

/* Of a flow that is translated on its way through: the end that its source called, and
 * the one that its destination sees. Zeroes otherwise. */
struct translation {
	__u8 called[16];
	__u8 seen[16];
	__u16 called_port;
	__u16 seen_port;
};

/* Times are CLOCK_MONOTONIC nanoseconds. With its key and what the kernel adds, one
 * takes 256 bytes, and a byte more would take 512. */
struct flow {
	__u64 first;
	__u64 last;
	__u64 cgroup;
	struct flow_sum sent;
	struct flow_sum received;
	__u32 pid;
	enum flow_flag flags;
	__u8 exe[EXE_LEN];
	struct translation translation;
	/* How often one TCP connection followed another between the same ports, and how
	 * many were reset. */
	__u16 restarts;
	__u16 resets;
};

/* One record of the ring buffer: a packet, as a flow of its own. */
struct flow_event {
	struct flow_key key;
	__u32 unused;
	struct flow flow;
};

/* Indexes of the counters map. */
enum flow_counter {
	FLOW_LOST_RING = 0, /* packets that found neither room nor ring */
	FLOW_COUNTERS = 1,
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);
} flow_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FLOW_COUNTERS);
	__type(key, enum flow_counter);
	__type(value, __u64);
} flow_counters SEC(".maps");
