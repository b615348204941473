// Package recycle deletes the oldest flow records of an Elasticsearch by age, by size
// and by the use of disks. What goes is decided by a function of what the server looks
// like, Limits.Plan; Recycler looks and carries out. The reasons are in
// docs/design/elasticsearch.md.
package recycle
