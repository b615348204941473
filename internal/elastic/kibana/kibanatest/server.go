package kibanatest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
)

// Server answers as Kibana 8.19 does where saved objects are imported and exported, keeps
// what it takes and writes down what it was asked. Objects go by type and id, as in
// "dashboard flowlogs-overview". It is safe for concurrent use.
type Server struct {
	mu       sync.Mutex
	objects  map[string]string // lines of NDJSON
	imports  int
	refused  map[string]string
	answer   *answer
	recorded strings.Builder
}

type answer struct {
	status int
	body   string
}

// NewServer returns one without objects, at every path that ends as Kibana's do.
func NewServer() *Server {
	return &Server{objects: map[string]string{}, refused: map[string]string{}}
}

// Objects are those that it has, as lines without the newline.
func (s *Server) Objects() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.objects)
}

// SetObject replaces an object, as a person does who changes it.
func (s *Server) SetObject(name, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[name] = line
}

// Imports is how many requests to import there were.
func (s *Server) Imports() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.imports
}

// Refuse has imports not take some objects, and only those, each with the type of an error.
func (s *Server) Refuse(objects map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = objects
}

// AnswerAll has it answer every request with that.
func (s *Server) AnswerAll(status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = &answer{status, body}
}

// TakeRecorded returns what was asked since the last time.
func (s *Server) TakeRecorded() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.recorded.Reset()
	return s.recorded.String()
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.recorded, "%s %s\nUser-Agent: %s\nkbn-xsrf: %s\nAuthorization: %s\n", r.Method, r.URL, r.UserAgent(), r.Header.Get("kbn-xsrf"), r.Header.Get("Authorization"))
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	switch {
	case s.answer != nil:
		w.WriteHeader(s.answer.status)
		fmt.Fprint(w, s.answer.body)
	case strings.HasSuffix(r.URL.Path, "/_export"):
		s.export(w, r)
	case strings.HasSuffix(r.URL.Path, "/_import"):
		s.imports++
		s.take(w, r)
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"statusCode":404,"error":"Not Found","message":"Not Found"}`)
	}
	s.recorded.WriteString("\n")
}

func (s *Server) export(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(&s.recorded, "Content-Type: %s\n\n%s\n", r.Header.Get("Content-Type"), body)
	var asked struct{ Objects []struct{ Type, ID string } }
	if json.Unmarshal(body, &asked) != nil || len(asked.Objects) != 1 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	o := asked.Objects[0]
	if line, ok := s.objects[o.Type+" "+o.ID]; ok {
		w.Header().Set("Content-Type", "application/ndjson")
		fmt.Fprint(w, line) // without a newline at the end, as Kibana does
		return
	}
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"statusCode":400,"error":"Bad Request","message":"Error fetching objects to export","attributes":{"objects":[`+
		`{"id":%q,"type":%q,"error":{"statusCode":404,"error":"Not Found","message":"Saved object [%s/%s] not found"}}]}}`, o.ID, o.Type, o.Type, o.ID)
}

func (s *Server) take(w http.ResponseWriter, r *http.Request) {
	file, header, err := r.FormFile("file")
	if err != nil || !strings.HasSuffix(header.Filename, ".ndjson") {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"statusCode":400,"error":"Bad Request","message":"Invalid file extension"}`)
		return
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	fmt.Fprintf(&s.recorded, "Content-Type: %s\n\n%s, %s:\n", kind, header.Filename, header.Header.Get("Content-Type"))
	text, _ := io.ReadAll(file)
	var failures []map[string]any
	taken := 0
	for line := range strings.Lines(string(text)) {
		var o struct{ Type, ID string }
		if json.Unmarshal([]byte(line), &o) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		name := o.Type + " " + o.ID
		fmt.Fprintf(&s.recorded, "%s\n", name)
		if why := s.refused[name]; why != "" {
			failures = append(failures, map[string]any{
				"id": o.ID, "type": o.Type, "title": "t", "meta": map[string]any{"title": "t"}, "overwrite": true,
				"error": map[string]any{"type": why, "message": "because", "statusCode": 400},
			})
			continue
		}
		s.objects[name] = strings.TrimSuffix(line, "\n")
		taken++
	}
	result := map[string]any{"success": len(failures) == 0, "successCount": taken, "warnings": []any{}}
	if failures != nil {
		result["errors"] = failures
	}
	if err := json.NewEncoder(w).Encode(result); err != nil {
		panic(err)
	}
}
