/*
 * Leaves out connections by address and port, once for each connection: a match
 * is remembered with the socket, which costs nothing from then on.
 */
#pragma once

#include "address.h"

/* What the configuration asks for; the loader sets it, and the verifier removes
 * the lookups that nobody asked for. */
enum filter_part {
	FILTER_INCLUDE_ADDRESS = 1,
	FILTER_EXCLUDE_ADDRESS = 2,
	FILTER_INCLUDE_PORT = 4,
	FILTER_EXCLUDE_PORT = 8,
};

const volatile __u8 filter_parts = 0;

struct filter_prefix {
	__u32 bits; /* 96 more than the length of an IPv4 prefix */
	__u8 address[16];
};

/* Values are sets of enum filter_part. A prefix carries the parts of all wider
 * ones as well, for only the longest match is found. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct filter_prefix);
	__type(value, enum filter_part);
} filter_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u16);
	__type(value, __u8);
} filter_ports SEC(".maps");

/* Whether a flow is left out. Addresses match at either end, ports at the
 * destination, so that both ends of a flow decide alike. */
static __always_inline bool filtered(const __u8 *local, const __u8 *remote, __u16 destination_port)
{
	__u8 found = 0;

	if (filter_parts & (FILTER_INCLUDE_ADDRESS | FILTER_EXCLUDE_ADDRESS)) {
		struct filter_prefix key = {.bits = 128};
		enum filter_part *parts;

		__builtin_memcpy(key.address, local, sizeof(key.address));
		parts = bpf_map_lookup_elem(&filter_addresses, &key);
		if (parts)
			found |= *parts;
		__builtin_memcpy(key.address, remote, sizeof(key.address));
		parts = bpf_map_lookup_elem(&filter_addresses, &key);
		if (parts)
			found |= *parts;
	}
	if (filter_parts & (FILTER_INCLUDE_PORT | FILTER_EXCLUDE_PORT)) {
		__u8 *parts = bpf_map_lookup_elem(&filter_ports, &destination_port);

		if (parts)
			found |= *parts;
	}
	if (found & (FILTER_EXCLUDE_ADDRESS | FILTER_EXCLUDE_PORT))
		return true;
	return filter_parts & ~found & (FILTER_INCLUDE_ADDRESS | FILTER_INCLUDE_PORT);
}
