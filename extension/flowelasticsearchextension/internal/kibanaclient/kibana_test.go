package kibanaclient_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/kibanaclient"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/kibanatest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// server is a Kibana that tests ask and change.
type server struct {
	*kibanatest.Server
	web *httptest.Server
}

func newServer(t *testing.T) *server {
	kibana := kibanatest.NewServer()
	s := &server{kibana, httptest.NewServer(kibana)}
	t.Cleanup(s.web.Close)
	return s
}

// round makes one as a collector that has just started.
func (s *server) round(t *testing.T, space string) (kibanaclient.Result, error) {
	t.Helper()
	importer, err := kibanaclient.NewImporter(&kibanaclient.Client{
		HTTP: s.web.Client(), Endpoint: s.web.URL + "/base/", Space: space, Authorization: "ApiKey key", UserAgent: "test/1",
	}, schema.ECS)
	require.NoError(t, err)
	return importer.Round(t.Context())
}

func TestAnEmptyKibanaIsAskedAndFilled(t *testing.T) {
	s := newServer(t)
	result, err := s.round(t, "")
	require.NoError(t, err)
	assert.Equal(t, kibanaclient.Result{Imported: len(s.Objects())}, result)
	const file = "testdata/requests.txt"
	got := s.TakeRecorded()
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
		assert.Equal(t, strings.TrimSuffix(line, "\n"), s.Objects()[o.Type+" "+o.ID], "as deploy/kibana has it")
		lines++
	}
	assert.Len(t, s.Objects(), lines)
}

func TestWhatPeopleChangedStays(t *testing.T) {
	s := newServer(t)
	_, err := s.round(t, "")
	require.NoError(t, err)
	s.SetObject("dashboard flowlogs-overview", `{"mine":true}`)
	s.TakeRecorded()
	result, err := s.round(t, "")
	require.NoError(t, err)
	assert.Zero(t, result)
	assert.Equal(t, `{"mine":true}`, s.Objects()["dashboard flowlogs-overview"])
	assert.NotContains(t, s.TakeRecorded(), "_import")
}

// retag has the tag say another version.
func (s *server) retag(t *testing.T, stamp string) {
	t.Helper()
	const tag = "tag flowlogs-tag"
	set, err := kibana.Build(kibana.Options{})
	require.NoError(t, err)
	line := s.Objects()[tag]
	require.Contains(t, line, set.Stamp.String())
	s.SetObject(tag, strings.ReplaceAll(line, set.Stamp.String(), stamp))
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
	refused := map[string]string{}
	for _, id := range []string{"overview", "dns", "tcp", "denied"} {
		refused["dashboard flowlogs-"+id] = "missing_references"
	}
	s.Refuse(refused)
	_, err := s.round(t, "")
	var failed *kibanaclient.ImportError
	require.ErrorAs(t, err, &failed)
	assert.Len(t, failed.Failures, 4)
	assert.ErrorContains(t, err, "did not take 4 of 16; dashboard flowlogs-overview: missing_references: because; ")
	assert.ErrorContains(t, err, "; …")
	assert.NotContains(t, s.Objects(), "tag flowlogs-tag", "which would say that all is there")

	s.Refuse(nil)
	result, err := s.round(t, "")
	require.NoError(t, err)
	assert.Equal(t, 17, result.Imported)
}

func TestASpaceHasObjectsOfItsOwn(t *testing.T) {
	s := newServer(t)
	_, err := s.round(t, "team-1")
	require.NoError(t, err)
	assert.Contains(t, s.Objects(), "dashboard flowlogs-team-1-overview")
	assert.Contains(t, s.TakeRecorded(), "POST /base/s/team-1/api/saved_objects/_import?overwrite=true\n")
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
		s.AnswerAll(test.status, test.body)
		_, err := s.round(t, "")
		assert.ErrorContains(t, err, test.want)
		assert.NotContains(t, s.TakeRecorded(), "_import")
	}
}
