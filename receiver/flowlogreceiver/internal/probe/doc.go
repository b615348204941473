//go:build linux

// Package probe is the kernel side of the receiver seen from Go: which ways of
// capturing (engines) this machine allows, their programs loaded and attached,
// and what the programs send, decoded into events.
//
// An engine that cannot run says so in a sentence with a cure; it never keeps
// the others from running.
package probe
