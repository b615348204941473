// Package filtering runs the recipes of docs/filtering.md, by the stock processors, over
// a sample of every kind of record that they meet.
package filtering
