// Package networks gives names to ranges of addresses: from the configuration, from a file
// that may change, from objects of a cluster. The longest prefix wins, and what scope an
// address has can be said otherwise than by the RFCs.
package networks
