package bulk

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/klauspost/compress/gzip"
)

// bodies makes bodies of requests from memory that was used before.
type bodies struct {
	pool   sync.Pool
	level  int // of gzip, 0 for none
	header http.Header
}

func newBodies(level int) *bodies {
	header := http.Header{"Content-Type": {"application/x-ndjson"}}
	if level > 0 {
		header.Set("Content-Encoding", "gzip")
	}
	return &bodies{level: level, header: header}
}

// body is that of one request, in memory that is used again once nobody reads it: a
// transport that gave up may still do so, until it closes what it reads.
type body struct {
	from  *bodies
	text  bytes.Buffer
	zip   *gzip.Writer // nil for bodies as they are
	line  []byte
	users atomic.Int32
}

// get returns the body for some of the entries of a batch. It is to be released.
func (p *bodies) get(b *Batch, entries []Entry) *body {
	t, _ := p.pool.Get().(*body)
	if t == nil {
		t = &body{from: p}
		if p.level > 0 {
			t.zip, _ = gzip.NewWriterLevel(nil, p.level) // the configuration checks levels
		}
	}
	t.users.Store(1)
	t.text.Reset()
	if t.zip == nil {
		t.line = b.write(&t.text, entries, t.line)
		return t
	}
	t.zip.Reset(&t.text)
	t.line = b.write(t.zip, entries, t.line)
	_ = t.zip.Close() // into memory
	return t
}

func (t *body) release() {
	if t.users.Add(-1) == 0 {
		t.from.pool.Put(t)
	}
}

// open returns a reader of the body. The caller has not released it.
func (t *body) open() io.ReadCloser {
	t.users.Add(1)
	return &reading{Reader: bytes.NewReader(t.text.Bytes()), body: t}
}

// reading is a reader of a body. It may be closed more than once.
type reading struct {
	*bytes.Reader
	body *body
	end  sync.Once
}

func (r *reading) Close() error {
	r.end.Do(r.body.release)
	return nil
}

// through is transport with what esapi does not tell of a body: its length, and how to
// read it again, which the transport needs where a connection had ended before.
func (t *body) through(transport esapi.Transport) esapi.Transport {
	return performer(func(request *http.Request) (*http.Response, error) {
		request.Body, request.ContentLength = t.open(), int64(t.text.Len())
		request.GetBody = func() (io.ReadCloser, error) { return t.open(), nil }
		return transport.Perform(request)
	})
}

type performer func(*http.Request) (*http.Response, error)

func (f performer) Perform(request *http.Request) (*http.Response, error) { return f(request) }

// counter counts what is read.
type counter struct {
	io.Reader
	n *int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	*c.n += int64(n)
	return n, err
}
