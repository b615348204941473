// Package flowstoreexporter writes flow records to a flow store extension.
package flowstoreexporter
