//go:build linux

// Package capture turns what the engines see into flow records and hands them
// on, once per interval. It starts and stops without a collector.
//
// One goroutine (Capture.run) owns the open records. Each engine has a reader
// that feeds it, a sweep runs beside them, and the outbox talks to the pipeline:
// nothing that the pipeline does can hold up the readers.
//
// Events are completed by their translations, all that came together at once, before
// they are merged: what differs by them is not one flow.
//
// An interval ends with a sweep, which makes every living connection report,
// and the cut that follows it in the stream of events. A connection so appears
// at most once in each interval, either open or completed.
package capture
