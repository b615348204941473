package bulk

import "io"

// Batch is a number of documents, and what became of them once they were sent. The zero
// value is empty and ready; one that was used keeps its memory. One goroutine uses it at a
// time.
type Batch struct {
	documents []byte
	entries   []Entry
}

// Entry is a document's place in a Batch.
type Entry struct {
	// Stream is the data stream it goes to and ID its _id, or "" for one that Elasticsearch
	// chooses. Both are written as they are: they hold nothing that JSON would escape.
	Stream, ID string
	// Record is the caller's own number for it.
	Record int
	// Result is what became of it.
	Result Result

	start, end int
}

// Buffer is what the next document is to be appended to, for Add.
func (b *Batch) Buffer() []byte { return b.documents }

// Add takes a document: what grown has more than Buffer had. It is one line of JSON,
// without its end.
func (b *Batch) Add(grown []byte, stream, id string, record int) {
	b.entries = append(b.entries, Entry{Stream: stream, ID: id, Record: record, start: len(b.documents), end: len(grown)})
	b.documents = grown
}

// Entries are the documents in the order in which they were added, until Reset.
func (b *Batch) Entries() []Entry { return b.entries }

// Document is the text of an entry, until Reset.
func (b *Batch) Document(e *Entry) []byte { return b.documents[e.start:e.end:e.end] }

// Size is what the documents take, in bytes, without the lines between.
func (b *Batch) Size() int { return len(b.documents) }

// Reset empties the batch.
func (b *Batch) Reset() {
	clear(b.entries) // their texts are of records that are done
	b.documents, b.entries = b.documents[:0], b.entries[:0]
}

// write writes the body of a request for some of the entries; line is scratch, which it
// returns to be used again. w reports no errors that matter: it is memory.
func (b *Batch) write(w io.Writer, entries []Entry, line []byte) []byte {
	for i := range entries {
		e := &entries[i]
		line = append(line[:0], `{"create":{"_index":"`...)
		line = append(line, e.Stream...)
		if e.ID != "" {
			line = append(line, `","_id":"`...)
			line = append(line, e.ID...)
		}
		line = append(line, "\"}}\n"...)
		_, _ = w.Write(line)
		_, _ = w.Write(b.Document(e))
		_, _ = w.Write(newline)
	}
	return line
}

var newline = []byte{'\n'}

// size is that of the documents of neighbouring entries.
func size(entries []Entry) int {
	if len(entries) == 0 {
		return 0
	}
	return entries[len(entries)-1].end - entries[0].start
}

// halve splits two or more entries where about half of the bytes are.
func halve(entries []Entry) (first, second []Entry) {
	half := entries[0].start + size(entries)/2
	at := 1
	for at < len(entries)-1 && entries[at].end <= half {
		at++
	}
	return entries[:at], entries[at:]
}
