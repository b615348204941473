// Package flowlogreceiver records the network connections of this machine: who
// talked to whom, how much, and how it ended. It watches sockets with BPF, not
// packets, and sends one log record for each flow and interval (see
// docs/fields.md).
package flowlogreceiver
