package bulktest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Item is a document of a request.
type Item struct{ Stream, ID, Document string }

// Request is what came. N counts requests from 1.
type Request struct {
	N      int
	Header http.Header
	Query  url.Values
	Items  []Item
	Size   int // of the body as it was sent
}

// Answer is how to answer a request. The zero value does as Elasticsearch does when all is
// well: it stores what is new, and says of the rest that there is a conflict.
type Answer struct {
	// Status other than 0 answers the request as a whole, and stores nothing; with Type and
	// Reason of an error, Header, and Body instead of an error.
	Status       int
	Type, Reason string
	Header       map[string]string
	Body         string
	// Item is the status, type and reason for each document; 0 stores it as usual.
	Item func(Item) (status int, kind, reason string)
	// Reset ends the connection without an answer when the documents are stored, Length
	// when so many bytes of the answer are written.
	Reset  bool
	Length int
}

// Server is the server. Its methods may be called while it runs.
type Server struct {
	URL string
	// Plan says how to answer each request; nil is the zero Answer. It is called by one
	// goroutine at a time.
	Plan func(*Request) Answer

	mu       sync.Mutex
	requests int
	last     Request
	stored   map[string]map[string]string
	unnamed  int
}

// Start starts a server that ends with the test.
func Start(tb testing.TB, plan func(*Request) Answer) *Server {
	s := &Server{Plan: plan, stored: make(map[string]map[string]string)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.serve(w, r); err != nil {
			tb.Errorf("%s %s: %v", r.Method, r.URL, err)
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	tb.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Stored returns the documents of a stream by their ids. Those without get a number.
func (s *Server) Stored(stream string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.stored[stream])
}

// Requests is how many requests came.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Last is the last request.
func (s *Server) Last() Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost || r.URL.Path != "/_bulk" {
		return fmt.Errorf("only POST /_bulk is expected")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	request := Request{Header: r.Header, Query: r.URL.Query(), Size: len(body)}
	if r.ContentLength != int64(len(body)) {
		return fmt.Errorf("the length is %d and the body has %d", r.ContentLength, len(body))
	}
	if request.Items, err = parse(r.Header.Get("Content-Encoding"), body); err != nil {
		return err
	}
	text, answer := s.answer(&request)
	for name, value := range answer.Header {
		w.Header().Set(name, value)
	}
	switch {
	case answer.Reset:
		panic(http.ErrAbortHandler)
	case answer.Length > 0:
		_, _ = io.WriteString(w, text[:answer.Length])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	if answer.Status != 0 {
		w.WriteHeader(answer.Status)
	}
	_, _ = io.WriteString(w, text)
	return nil
}

// answer plans, stores and returns the text of the answer.
func (s *Server) answer(request *Request) (string, Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	request.N = s.requests
	s.last = *request
	var answer Answer
	if s.Plan != nil {
		answer = s.Plan(request)
	}
	switch {
	case answer.Body != "":
		return answer.Body, answer
	case answer.Status != 0:
		return fmt.Sprintf(`{"error":{"type":%q,"reason":%q},"status":%d}`, answer.Type, answer.Reason, answer.Status), answer
	}
	var text strings.Builder
	text.WriteString(`{"items":[`)
	for i, item := range request.Items {
		if i > 0 {
			text.WriteByte(',')
		}
		status, kind, reason := 0, "", ""
		if answer.Item != nil {
			status, kind, reason = answer.Item(item)
		}
		if status == 0 {
			status, kind = s.store(item)
		}
		fmt.Fprintf(&text, `{"create":{"status":%d`, status)
		if kind != "" {
			fmt.Fprintf(&text, `,"error":{"type":%q,"reason":%q}`, kind, reason)
		}
		text.WriteString("}}")
	}
	text.WriteString("]}")
	return text.String(), answer
}

func (s *Server) store(item Item) (status int, kind string) {
	stream := s.stored[item.Stream]
	if stream == nil {
		stream = make(map[string]string)
		s.stored[item.Stream] = stream
	}
	if item.ID == "" {
		s.unnamed++
		item.ID = fmt.Sprint(s.unnamed)
	}
	if _, found := stream[item.ID]; found {
		return http.StatusConflict, "version_conflict_engine_exception"
	}
	stream[item.ID] = item.Document
	return http.StatusCreated, ""
}

// parse reads the body of a bulk request, as strictly as Elasticsearch.
func parse(encoding string, body []byte) (items []Item, err error) {
	switch encoding {
	case "gzip":
		reader, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		if body, err = io.ReadAll(reader); err != nil {
			return nil, err
		}
	case "":
	default:
		return nil, fmt.Errorf("encoding %q", encoding)
	}
	if !bytes.HasSuffix(body, []byte("\n")) {
		return nil, fmt.Errorf("the body does not end with a newline")
	}
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, len(body)+1)
	for lines.Scan() {
		var action struct {
			Create struct {
				Index string `json:"_index"`
				ID    string `json:"_id"`
			} `json:"create"`
		}
		if err := json.Unmarshal(lines.Bytes(), &action); err != nil || action.Create.Index == "" {
			return nil, fmt.Errorf("action %.200q: %w", lines.Bytes(), err)
		}
		if !lines.Scan() || !json.Valid(lines.Bytes()) {
			return nil, fmt.Errorf("document %.200q is no JSON", lines.Bytes())
		}
		items = append(items, Item{action.Create.Index, action.Create.ID, lines.Text()})
	}
	return items, lines.Err()
}
