/*
 * What the look-up of translations shares with user space: the connections it is
 * asked for and what it finds.
 */
#pragma once

#include "address.h"

#define NAT_BATCH 512

/* Both ends of a connection as packets from source to destination carry them.
 * Addresses in network order, an IPv4 one mapped into IPv6; ports in host order. */
struct nat_tuple {
	__u8 source[16];
	__u8 destination[16];
	__u16 source_port;
	__u16 destination_port;
};

struct nat_query {
	struct nat_tuple sent;   /* by the end that is asked for; set by user space */
	struct nat_tuple answer; /* that comes back to it, before it is translated; set if found */
	__u8 protocol;           /* TCP or UDP */
	__u8 found;
	__u8 unused[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, NAT_BATCH);
	__type(key, __u32);
	__type(value, struct nat_query);
} nat_queries SEC(".maps");
