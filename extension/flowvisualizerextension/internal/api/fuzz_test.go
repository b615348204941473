package api

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// FuzzParameters sends every endpoint parameters that nobody thought of: the
// answer is always JSON in the described shape, or an export.
func FuzzParameters(f *testing.F) {
	for _, seed := range []string{
		"", "limit=10&cursor=AQ", "q=source.port+%3D+80&reporter=all", "by=host.name,source.address&sort=denied",
		"from=0&to=1", "from=2026-01-02T00:00:00Z", "buckets=5000&to=7258118400000&from=0", "buckets=1&from=0", "field=source.address&prefix=%FF",
		"%", "a;b", "q=%00", "q=either.", "limit=99999999999999999999", "from=-9223372036854775808", "from=9223372036854775807",
		"cursor=" + string(flowstore.Place{End: ago(0), ID: flow.ID{Node: 1, Counter: 2}}.Cursor()),
	} {
		for i := range uint8(9) {
			f.Add(i, seed)
		}
	}
	h := newHandler(f, sampleStore(f))
	paths := []string{"/status", "/fields", "/flows", "/flows.csv", "/flows.ndjson", "/groups", "/histogram", "/values", "/losses"}
	f.Fuzz(func(t *testing.T, which uint8, query string) {
		request := httptest.NewRequest(http.MethodGet, basePath+paths[int(which)%len(paths)], http.NoBody)
		request.URL.RawQuery = query
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, request)
		response := recorder.Result()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := conforms(request, response, body); err != nil {
			t.Errorf("%s?%s: %v\n%s", request.URL.Path, query, err, body)
		}
		if status := response.StatusCode; status != http.StatusOK && status != http.StatusBadRequest {
			t.Errorf("%s?%s: status %d\n%s", request.URL.Path, query, status, body)
		}
		export := strings.HasSuffix(request.URL.Path, "csv") || strings.HasSuffix(request.URL.Path, "ndjson")
		if (!export || response.StatusCode != http.StatusOK) && !json.Valid(body) {
			t.Errorf("%s?%s: not JSON: %q", request.URL.Path, query, body)
		}
	})
}

// FuzzString compares the writer of strings with the standard library's.
func FuzzString(f *testing.F) {
	for _, seed := range []string{"", "plain", "quo\"te \\ back", "</script>", "\x00\x1f\x7f", "é\u2028\U0001f600", "\xff\xc3(", "a\xe2\x82"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		printed := appendString(nil, s)
		if !utf8.Valid(printed) {
			t.Fatalf("%q is not UTF-8", printed)
		}
		var got string
		if err := json.Unmarshal(printed, &got); err != nil {
			t.Fatalf("%q: %v", printed, err)
		}
		reference, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var want string
		if err := json.Unmarshal(reference, &want); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%q reads back as %q, want %q", s, got, want)
		}
	})
}
