// Package flowelasticsearchextension sets an Elasticsearch up for flow records, so that
// those who write them need no more than the right to create documents, and deletes the
// oldest before they are too old, too many or fill a disk.
package flowelasticsearchextension
