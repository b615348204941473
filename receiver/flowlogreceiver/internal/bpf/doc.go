// Package bpf holds the programs that run in the kernel, compiled, and the Go
// types of what they exchange with user space. It knows nothing of the rest of
// the receiver.
//
// The objects and the *_bpfel.go files are generated: run regenerate.sh after a
// change, and commit what it writes. One little-endian object serves amd64 and
// arm64, for no program reads registers.
package bpf

//go:generate ./regenerate.sh
