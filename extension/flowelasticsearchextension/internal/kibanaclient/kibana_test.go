package kibanaclient_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/kibanaclient"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// server answers as Kibana 8.19 does, keeps what is imported and writes down what was asked.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	objects  map[string]string // lines by type and id
	recorded strings.Builder
	// refuse are the objects that an import does not take, by type and id.
	refuse map[string]string
	// answer goes before all of that, where its status is not 0.
	answer struct {
		status int
		body   string
	}
}

func newServer(t *testing.T) *server {
	s := &server{objects: make(map[string]string), refuse: make(map[string]string)}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.recorded, "%s %s\nUser-Agent: %s\nkbn-xsrf: %s\nAuthorization: %s\n", r.Method, r.URL, r.UserAgent(), r.Header.Get("kbn-xsrf"), r.Header.Get("Authorization"))
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	switch {
	case s.answer.status != 0:
		w.WriteHeader(s.answer.status)
		io.WriteString(w, s.answer.body)
	case strings.HasSuffix(r.URL.Path, "/_export"):
		s.export(w, r)
	case strings.HasSuffix(r.URL.Path, "/_import"):
		s.take(w, r)
	default:
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"statusCode":404,"error":"Not Found","message":"Not Found"}`)
	}
	s.recorded.WriteString("\n")
}

func (s *server) export(w http.ResponseWriter, r *http.Request) {
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
		io.WriteString(w, line) // without a newline at the end, as Kibana does
		return
	}
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"statusCode":400,"error":"Bad Request","message":"Error fetching objects to export","attributes":{"objects":[`+
		`{"id":%q,"type":%q,"error":{"statusCode":404,"error":"Not Found","message":"Saved object [%s/%s] not found"}}]}}`, o.ID, o.Type, o.Type, o.ID)
}

func (s *server) take(w http.ResponseWriter, r *http.Request) {
	file, header, err := r.FormFile("file")
	if err != nil || !strings.HasSuffix(header.Filename, ".ndjson") {
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"statusCode":400,"error":"Bad Request","message":"Invalid file extension"}`)
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
		if why := s.refuse[name]; why != "" {
			failures = append(failures, map[string]any{
				"id": o.ID, "type": o.Type, "title": "t", "meta": map[string]any{"title": "t"}, "overwrite": true,
				"error": map[string]any{"type": why, "message": "because", "statusCode": 400},
			})
			continue
		}
		s.objects[name] = strings.TrimSuffix(line, "\n")
		taken++
	}
	answer := map[string]any{"success": len(failures) == 0, "successCount": taken, "warnings": []any{}}
	if failures != nil {
		answer["errors"] = failures
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		panic(err)
	}
}

// round makes one as a collector that has just started.
func (s *server) round(t *testing.T, space string) (kibanaclient.Result, error) {
	t.Helper()
	importer, err := kibanaclient.NewImporter(&kibanaclient.Client{
		HTTP: s.Client(), Endpoint: s.URL + "/base/", Space: space, Authorization: "ApiKey key", UserAgent: "test/1",
	}, schema.ECS)
	require.NoError(t, err)
	return importer.Round(t.Context())
}

func (s *server) takeRecorded() string {
	text := s.recorded.String()
	s.recorded.Reset()
	return text
}

func TestAnEmptyKibanaIsAskedAndFilled(t *testing.T) {
	s := newServer(t)
	result, err := s.round(t, "")
	require.NoError(t, err)
	assert.Equal(t, kibanaclient.Result{Imported: len(s.objects)}, result)
	const file = "testdata/requests.txt"
	got := s.takeRecorded()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("other requests than in %s: run UPDATE_GOLDEN=1 go test if that is meant\n%s", file, diff)
	}

	committed, err := os.ReadFile("../../../../deploy/kibana/ecs.ndjson")
	require.NoError(t, err)
	lines := 0
	for line := range strings.Lines(string(committed)) {
		var o struct{ Type, ID string }
		require.NoError(t, json.Unmarshal([]byte(line), &o))
		assert.Equal(t, strings.TrimSuffix(line, "\n"), s.objects[o.Type+" "+o.ID], "as deploy/kibana has it")
		lines++
	}
	assert.Len(t, s.objects, lines)
}

func TestWhatPeopleChangedStays(t *testing.T) {
	s := newServer(t)
	_, err := s.round(t, "")
	require.NoError(t, err)
	s.objects["dashboard flowlogs-overview"] = `{"mine":true}`
	s.takeRecorded()
	result, err := s.round(t, "")
	require.NoError(t, err)
	assert.Zero(t, result)
	assert.Equal(t, `{"mine":true}`, s.objects["dashboard flowlogs-overview"])
	assert.NotContains(t, s.takeRecorded(), "_import")
}

// retag has the tag say another version.
func (s *server) retag(t *testing.T, stamp string) {
	t.Helper()
	const tag = "tag flowlogs-tag"
	set, err := kibana.Build(kibana.Options{})
	require.NoError(t, err)
	require.Contains(t, s.objects[tag], set.Stamp.String())
	s.objects[tag] = strings.ReplaceAll(s.objects[tag], set.Stamp.String(), stamp)
}

func TestOlderAndOtherObjectsAreReplacedAndNewerOnesAreNot(t *testing.T) {
	newer := kibana.Version + 1
	for stamp, want := range map[string]kibanaclient.Result{
		"version 0, 0123456789abcdef":                               {Imported: 17},
		fmt.Sprintf("version %d, 0123456789abcdef", kibana.Version): {Imported: 17},
		fmt.Sprintf("version %d, 0123456789abcdef", newer):          {Newer: newer},
		"our flows": {Imported: 17},
	} {
		s := newServer(t)
		_, err := s.round(t, "")
		require.NoError(t, err)
		s.retag(t, stamp)
		result, err := s.round(t, "")
		require.NoError(t, err)
		assert.Equal(t, want, result, stamp)
	}
}

func TestAnImportThatFailedInPartIsToldAndRepeated(t *testing.T) {
	s := newServer(t)
	for _, id := range []string{"overview", "dns", "tcp", "denied"} {
		s.refuse["dashboard flowlogs-"+id] = "missing_references"
	}
	_, err := s.round(t, "")
	var failed *kibanaclient.ImportError
	require.ErrorAs(t, err, &failed)
	assert.Len(t, failed.Failures, 4)
	assert.ErrorContains(t, err, "did not take 4 of 16; dashboard flowlogs-overview: missing_references: because; ")
	assert.ErrorContains(t, err, "; …")
	assert.NotContains(t, s.objects, "tag flowlogs-tag", "which would say that all is there")

	clear(s.refuse)
	result, err := s.round(t, "")
	require.NoError(t, err)
	assert.Equal(t, 17, result.Imported)
}

func TestASpaceHasObjectsOfItsOwn(t *testing.T) {
	s := newServer(t)
	_, err := s.round(t, "team-1")
	require.NoError(t, err)
	assert.Contains(t, s.objects, "dashboard flowlogs-team-1-overview")
	assert.Contains(t, s.takeRecorded(), "POST /base/s/team-1/api/saved_objects/_import?overwrite=true\n")
}

func TestARefusalSaysWhatToDo(t *testing.T) {
	forbidden := `{"statusCode":400,"error":"Bad Request","message":"Error fetching objects to export","attributes":{"objects":[` +
		`{"id":"x","type":"tag","error":{"statusCode":403,"error":"Forbidden","message":"Unable to bulk_get tag"}}]}}`
	for _, test := range []struct {
		status int
		body   string
		want   string
	}{
		{http.StatusServiceUnavailable, "Kibana server is not ready yet", "status 503"},
		{http.StatusUnauthorized, `{"statusCode":401,"error":"Unauthorized","message":"no"}`, "status 401: no: check user and password, or api_key"},
		{http.StatusForbidden, `{"statusCode":403,"error":"Forbidden","message":"no"}`, "feature_savedObjectsManagement.all"},
		{http.StatusBadRequest, forbidden, "status 403: Unable to bulk_get tag: grant"},
		{http.StatusBadGateway, "<html>", "status 502"},
		{http.StatusOK, "<html>", "decode answer"},
	} {
		s := newServer(t)
		s.answer.status, s.answer.body = test.status, test.body
		_, err := s.round(t, "")
		assert.ErrorContains(t, err, test.want)
		assert.NotContains(t, s.recorded.String(), "_import")
	}
}
