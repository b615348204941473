// Package flowaggregationprocessor merges flow records: by workloads or by what is chosen, in
// windows of time, with every total exact and in bounded memory. See README.md.
package flowaggregationprocessor
