package bulk

import (
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// Report is what there is to say of the sending of a batch, beside the results in it.
type Report struct {
	// Err says why there are documents to be sent again; nil if there are none.
	Err error
	// After is how long the server asks to be left alone.
	After time.Duration
	// Down is set when a request as a whole was not taken: more will not be either, now.
	Down bool
	// Unhealthy is set when it takes somebody to change something, or the server to come
	// back, and not just time.
	Unhealthy bool
}

// failure is why a request as a whole was not taken, or not answered.
type failure struct {
	verdict      Verdict
	status       int
	kind, reason string
	after        time.Duration
	err          error // why there is no answer that can be read
}

func (f *failure) outcome() Outcome {
	switch {
	case f == nil:
		return Answered
	case f.verdict == TooLarge:
		return Split
	default:
		return Failed
	}
}

// foreign says what else than Elasticsearch may have answered.
func foreign(response *esapi.Response) string {
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if kind == "" || strings.HasSuffix(kind, "json") {
		return ""
	}
	return fmt.Sprintf(": the answer is %s, as a proxy's would be: look at what the address leads to", kind)
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// loadOf is what a request's end says to the pace.
func loadOf(failed *failure, entries []Entry) load {
	if failed == nil {
		for i := range entries {
			if entries[i].Result.Verdict == Busy {
				return strained
			}
		}
		return fine
	}
	var network *net.OpError
	switch {
	case failed.verdict == TooLarge:
		return fine // the size that it takes is learned apart
	case failed.err != nil && errors.As(failed.err, &network) && network.Op == "dial", failed.verdict == Refused:
		return away
	default:
		// A connection that ends while a body is sent may do so because it is too large.
		return strained
	}
}

// fail notes the failure of a request.
func (r *Report) fail(f *failure) {
	r.Down, r.After = true, max(r.After, f.after)
	r.Unhealthy = r.Unhealthy || f.status != http.StatusTooManyRequests
	if r.Err == nil {
		r.Err = f.error()
	}
}

func (f *failure) error() error {
	if f.err != nil {
		return f.err
	}
	return errors.New(describe(f.status, f.kind, f.reason))
}

// add notes why documents of a request that was answered are to be sent again.
func (r *Report) add(entries []Entry) {
	again, first := 0, (*Result)(nil)
	for i := range entries {
		result := &entries[i].Result
		if !result.Verdict.Again() {
			continue
		}
		again++
		if first == nil || first.Verdict != Refused && result.Verdict == Refused {
			first = result
		}
	}
	if again == 0 {
		return
	}
	r.Unhealthy = r.Unhealthy || first.Verdict == Refused || first.Status != http.StatusTooManyRequests
	if r.Err == nil {
		r.Err = fmt.Errorf("%d of %d documents were not taken: %s", again, len(entries), describe(first.Status, first.Type, first.Reason))
	}
}

// describe is the text of an error of the server's, which quotes no document: what is to be
// sent again is not at fault.
func describe(status int, kind, reason string) string {
	text := fmt.Sprintf("status %d", status)
	for _, part := range []string{kind, cut(reason, 300), cures[kind]} {
		if part != "" {
			text += ": " + part
		}
	}
	return text
}
