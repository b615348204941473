/*
 * What the datagram programs share: which process made a socket.
 */
#pragma once

#include "flows.h"

/* The process that made a socket (BPF_MAP_TYPE_SK_STORAGE). */
struct datagram_owner {
	__u32 pid;
	enum flow_flag flags; /* OLD, EXCLUDED */
	__u8 exe[EXE_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct datagram_owner);
} datagram_owners SEC(".maps");
