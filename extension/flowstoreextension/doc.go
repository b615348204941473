// Package flowstoreextension is the embedded flow store: it opens the database,
// keeps its age and size within limits, and offers it to the components that
// write and read flow records.
package flowstoreextension
