/*
 * What the dns program sends: DNS messages over UDP at the client's end. Of a
 * query that is its id, of an answer the message as well.
 */
#pragma once

#include "address.h"
#include "ip.h"
#include "process.h"

/* What of an answer is copied. Most fit into the small size; what does not fit
 * into the large one is cut. */
#define DNS_SMALL 512
#define DNS_LARGE 4096

/* How many ports of name servers there may be. */
#define DNS_PORTS 8

/* One record of the ring buffer; an answer's message lies behind it. Addresses in
 * network order, an IPv4 one mapped into IPv6; ports in host order. */
struct dns_event {
	__u64 time; /* CLOCK_MONOTONIC nanoseconds */
	__u64 socket; /* its cookie */
	__u8 local[16];
	__u8 remote[16];
	__u32 netns;
	__u16 local_port;
	__u16 remote_port;
	__u16 id;
	__u16 answer; /* bytes of the message that were copied; 0 for a query */
	__u32 connected; /* whether the socket gets answers from one address only */
};

/* Indexes of the counters map. */
enum dns_counter {
	DNS_LOST_RING = 0, /* messages that found the ring full */
	DNS_CUT = 1,       /* answers of which a part was copied */
	DNS_COUNTERS = 2,
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);
} dns_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DNS_COUNTERS);
	__type(key, enum dns_counter);
	__type(value, __u64);
} dns_counters SEC(".maps");
