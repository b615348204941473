// Package identity tests who is who against a real API server: what a watch makes of
// objects that come, change and go, and what it does when the server is away or says no.
package identity
