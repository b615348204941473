// Package bulk sends documents by Elasticsearch's bulk API and tells of each what became of
// it. It tries nothing again by itself but what is too large, which it sends in parts.
package bulk
