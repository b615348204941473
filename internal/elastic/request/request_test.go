package request_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/request"
)

// answers is a transport that has one answer.
type answers struct {
	status int
	body   string
}

func (a answers) Perform(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

func TestAnswersAreBounded(t *testing.T) {
	var into struct{ A int }
	r := request.Request{Method: http.MethodGet, Path: "/", What: "ask", MaxAnswer: 7}
	require.NoError(t, request.Do(t.Context(), answers{200, `{"a":1}`}, r, &into))
	require.Equal(t, 1, into.A)
	err := request.Do(t.Context(), answers{200, `{"a":12}`}, r, &into)
	require.EqualError(t, err, "ask: the answer has more than 7 bytes")
}

func TestARefusalNamesThePrivilege(t *testing.T) {
	r := request.Request{Method: http.MethodGet, Path: "/", What: "ask", Privilege: "read on x"}
	err := request.Do(t.Context(), answers{403, `{"error":{"type":"security_exception","reason":"no"}}`}, r, nil)
	require.EqualError(t, err, "ask: status 403: security_exception: no: grant read on x")
	var refused *request.StatusError
	require.True(t, errors.As(err, &refused))
	assert.Equal(t, 403, refused.Status)
	err = request.Do(t.Context(), answers{502, "<html>"}, r, nil)
	require.EqualError(t, err, "ask: status 502")
}
