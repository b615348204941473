//go:build linux

package elastictest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fault is what happens to a request or its answer.
type fault string

const (
	none       fault = "nothing"
	lost       fault = "request lost"
	unanswered fault = "answer lost"
	truncated  fault = "answer cut"
	slow       fault = "slow"
	tooLarge   fault = "413"
	busy       fault = "429"
	away       fault = "503"
	someBusy   fault = "429 for some of what was stored"
)

// faults is an HTTP server between an exporter and a real Elasticsearch.
type faults struct {
	*httptest.Server
	to     target
	client *http.Client

	// limit is how many bytes a request may have, as it is for many proxies.
	limit int

	mu     sync.Mutex
	random *rand.Rand
	over   bool
	counts map[fault]int
}

// newFaults returns one that ends with the test, whose faults follow from the seed.
func newFaults(t *testing.T, to target, seed uint64) *faults {
	t.Helper()
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM([]byte(to.CA)))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableCompression: true}
	random := rand.New(rand.NewPCG(seed, 1))
	f := &faults{to: to, client: &http.Client{Transport: transport}, limit: 700 + random.IntN(2500), random: random, counts: map[fault]int{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(func() {
		f.CloseClientConnections()
		f.Close()
		transport.CloseIdleConnections()
	})
	return f
}

// faultless lets everything pass from now on.
func (f *faults) faultless() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
}

// next draws what happens to a request of that size, and numbers for it.
func (f *faults) next(size int) (fault, *rand.Rand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	drawn := none
	switch {
	case f.over:
	case size > f.limit:
		drawn = tooLarge
	case f.random.IntN(2) == 0:
		all := []fault{lost, unanswered, truncated, slow, busy, away, someBusy}
		drawn = all[f.random.IntN(len(all))]
	}
	f.counts[drawn]++
	return drawn, rand.New(rand.NewPCG(f.random.Uint64(), 0))
}

// mustHaveHappened fails where the exporter was lucky.
func (f *faults) mustHaveHappened(t *testing.T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	require.Greater(t, len(f.counts), 5, "%v", f.counts)
}

func (f *faults) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var texts []string
	for _, fault := range slices.Sorted(maps.Keys(f.counts)) {
		texts = append(texts, fmt.Sprintf("%s: %d", fault, f.counts[fault]))
	}
	return strings.Join(texts, ", ")
}

func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the exporter was killed
	}
	drawn, random := f.next(len(body))
	switch drawn {
	case lost:
		panic(http.ErrAbortHandler) // closes the connection
	case slow:
		time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
	case tooLarge:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	case busy:
		w.Header().Set("Retry-After", strconv.Itoa(random.IntN(2)))
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case away:
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "<html>no upstream</html>")
		return
	}
	// The server is to commit even if the exporter goes meanwhile.
	header, status, answer, err := f.forward(context.WithoutCancel(r.Context()), r, body)
	if err != nil || drawn == unanswered {
		panic(http.ErrAbortHandler)
	}
	if drawn == someBusy && status == http.StatusOK {
		answer = doubt(answer, random)
	}
	maps.Copy(w.Header(), header)
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(status)
	if drawn == truncated {
		_, _ = w.Write(answer[:random.IntN(len(answer))])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(answer)
}

// forward makes the request of the server.
func (f *faults) forward(ctx context.Context, r *http.Request, body []byte) (http.Header, int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, f.to.URL+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, 0, nil, err
	}
	request.Header = r.Header.Clone()
	request.Header.Del("Accept-Encoding")
	response, err := f.client.Do(request)
	if err != nil {
		return nil, 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.Header, response.StatusCode, answer, err
}

// doubt has an answer say of some documents that they were not taken, though they were.
func doubt(answer []byte, random *rand.Rand) []byte {
	var results struct {
		Took  int
		Items []map[string]json.RawMessage
	}
	if json.Unmarshal(answer, &results) != nil {
		return answer
	}
	for _, item := range results.Items {
		if random.IntN(2) == 0 {
			item["create"] = json.RawMessage(`{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"rejected"}}`)
		}
	}
	changed, err := json.Marshal(map[string]any{"took": results.Took, "errors": true, "items": results.Items})
	if err != nil {
		return answer
	}
	return changed
}
