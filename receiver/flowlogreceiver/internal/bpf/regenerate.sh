#!/bin/sh
# Compiles the programs and writes the Go files that embed them. The compiler is
# pinned, paths are mapped away and debug information is stripped, so that the
# same source gives the same bytes everywhere.
#
#   regenerate.sh          write
#   regenerate.sh --check  fail if what is committed differs from the source
#
# Needs clang-16, llvm-strip-16 (package llvm-16) and libbpf-dev.
set -eu
cd "$(dirname "$0")"

for tool in clang-16 llvm-strip-16 go; do
	command -v "$tool" >/dev/null || { echo "regenerate: $tool not found: apt-get install clang-16 llvm-16 libbpf-dev" >&2; exit 1; }
done

out=.
if [ "${1:-}" = --check ]; then
	out=$(mktemp -d)
	trap 'rm -rf "$out"' EXIT
fi

compile() { # Go identifier, source, further bpf2go options
	ident=$1
	source=$2
	shift 2
	go tool -modfile=../../../../tools/go.mod bpf2go \
		-cc clang-16 -strip llvm-strip-16 -target bpfel -go-package bpf -output-dir "$out" \
		-cflags "-O2 -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -ffile-prefix-map=$PWD=. -fdebug-prefix-map=$PWD=." \
		"$@" "$ident" "$source" >/dev/null
}

compile TCP tcp.bpf.c -type tcp_event -type tcp_state -type tcp_event_kind -type tcp_role -type tcp_flag \
	-type tcp_counter -type filter_part -type filter_prefix
compile Self self.bpf.c -no-global-types
compile Groups groups.bpf.c -no-global-types
compile TCPSweep tcp_sweep.bpf.c -no-global-types
compile TCPAdopt tcp_adopt.bpf.c -no-global-types
compile Datagram datagram.bpf.c -type flow_event -type flow_key -type flow -type flow_sum -type flow_flag \
	-type flow_counter -type translation -type idle_times -no-global-types
compile Drops drops.bpf.c -type drop_key -type drop_flow -type drop_sum -type drop_rule -type drop_flag \
	-type drop_table -no-global-types
compile DropsReject drops_reject.bpf.c -no-global-types
compile DropsPlaces drops_places.bpf.c -type drop_place -no-global-types
compile DatagramAdopt datagram_adopt.bpf.c -no-global-types
compile NAT nat.bpf.c -type nat_query -type nat_tuple -no-global-types
compile Forward forward.bpf.c -type forward_interface -no-global-types
compile DNS dns.bpf.c -type dns_event -type dns_counter -no-global-types

if [ "$out" != . ]; then
	for file in "$out"/*_bpfel.*; do
		cmp "$file" "$(basename "$file")" || { echo "regenerate: $(basename "$file") is not what the source gives: run $0" >&2; exit 1; }
	done
fi
