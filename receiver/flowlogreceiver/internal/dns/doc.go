// Package dns makes sense of DNS messages over UDP as their clients see them:
// which names addresses were looked up by (Names), and how name servers answered
// (Lookups). It knows nothing of how messages are captured.
//
// Nothing here is safe for concurrent use; times are nanoseconds of one
// monotonic clock.
package dns
