//go:build linux

package elasticsearch_test

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

// another is an address that every machine has beside 127.0.0.1.
var another = netip.AddrFrom4([4]byte{127, 0, 0, 2})

var shared = elasticsearch.Shared{Options: elasticsearch.Options{Security: true, TLS: true, Address: another}}

func TestMain(m *testing.M) { shared.Main(m) }

func TestServesAtAnotherAddressByTheSameCertificate(t *testing.T) {
	s := shared.Get(t)
	there := *s
	there.URL = strings.Replace(s.URL, "127.0.0.1", another.String(), 1)
	if err := there.As(s.Admin).Do(t.Context(), http.MethodGet, "/_cluster/health", nil, nil); err != nil {
		t.Fatal(err)
	}
}

func TestRestartKeepsWhatWasIndexed(t *testing.T) {
	s := shared.Get(t)
	admin := s.As(s.Admin)
	if err := admin.Do(t.Context(), http.MethodPut, "/kept/_doc/1?refresh=true", map[string]any{"name": "a"}, nil); err != nil {
		t.Fatal(err)
	}
	for _, end := range []struct {
		how string
		do  func(testing.TB)
	}{
		{"in order", s.Stop},
		{"killed", s.Kill},
	} {
		end.do(t)
		if err := admin.Do(t.Context(), http.MethodGet, "/_cluster/health", nil, nil); err == nil {
			t.Fatalf("%s: it still answers", end.how)
		}
		s.Restart(t)
		var found struct {
			Hits struct {
				Hits []struct {
					Source struct{ Name string } `json:"_source"`
				}
			}
		}
		if err := admin.Do(t.Context(), http.MethodGet, "/kept/_search?q=name:a", nil, &found); err != nil {
			t.Fatal(err)
		}
		if len(found.Hits.Hits) != 1 || found.Hits.Hits[0].Source.Name != "a" {
			t.Errorf("%s: found %+v, want the document", end.how, found)
		}
	}
}

func TestUsersMayDoWhatTheirRolesAllow(t *testing.T) {
	s := shared.Get(t)
	s.SetRoles(t, `
test_writer:
  indices:
    - names: ["test-*"]
      privileges: ["create_doc", "auto_configure"]
`)
	u := s.SetUser(t, "test-user", "test_writer")
	user := s.As(u)
	put := func() error {
		return user.Do(t.Context(), http.MethodPost, "/test-1/_create/"+http.MethodPost, map[string]any{}, nil)
	}
	want := func(err error, status int) {
		t.Helper()
		var answer *elasticsearch.StatusError
		if !errors.As(err, &answer) || answer.Status != status {
			t.Errorf("got %v, want status %d", err, status)
		}
	}
	if err := put(); err != nil {
		t.Errorf("create: %v", err)
	}
	want(put(), http.StatusConflict)
	want(user.Do(t.Context(), http.MethodGet, "/test-1/_search", nil, nil), http.StatusForbidden)

	s.SetRoles(t, `test_writer: {indices: [{names: ["test-*"], privileges: [read]}]}`)
	want(put(), http.StatusForbidden)
	if err := user.Do(t.Context(), http.MethodGet, "/test-1/_search", nil, nil); err != nil {
		t.Errorf("search after the role changed: %v", err)
	}

	s.RemoveUser(t, u.Name)
	want(user.Do(t.Context(), http.MethodGet, "/test-1/_search", nil, nil), http.StatusUnauthorized)
}
