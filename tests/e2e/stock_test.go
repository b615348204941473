package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const logsToStockComponents = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[
	{"eventName":"network.flow","attributes":[
		{"key":"group","value":{"stringValue":"a"}},
		{"key":"card","value":{"stringValue":"4111111111111111"}},
		{"key":"source.bytes","value":{"intValue":"40"}},
		{"key":"destination.bytes","value":{"intValue":"2"}}]},
	{"eventName":"network.flow","attributes":[{"key":"drop","value":{"boolValue":true}}]}]}]}]}`

// TestStockComponentsWorkTogether sends logs through every stock component and
// looks for what each of them does.
func TestStockComponentsWorkTogether(t *testing.T) {
	var mu sync.Mutex
	received := map[string]string{} // path -> body
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		received[r.URL.Path] += r.Header.Get("Authorization") + string(body)
	}))
	defer server.Close()

	out := t.TempDir()
	config, err := filepath.Abs("testdata/stock.yaml")
	if err != nil {
		t.Fatal(err)
	}
	otlp, health := freeAddress(t), freeAddress(t)
	cmd := exec.Command(binary, "--config="+config)
	cmd.Env = []string{
		"OUT=" + out, "SERVER=" + server.URL, "OTLP_HTTP=" + otlp, "OTLP_GRPC=" + freeAddress(t),
		"HEALTH=" + health, "PPROF=" + freeAddress(t), "ZPAGES=" + freeAddress(t),
	}
	c := run(t, cmd, otlp, t.TempDir())
	c.eventually("the collector is healthy", func() error {
		c.running()
		return status(http.Get("http://" + health))
	})

	c.eventually("logs are taken", func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+otlp+"/v1/logs", strings.NewReader(logsToStockComponents))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.SetBasicAuth("agent", "secret")
		return status(http.DefaultClient.Do(req))
	})

	file := func(name string) func() string {
		return func() string {
			data, err := os.ReadFile(filepath.Join(out, name))
			if err != nil && !os.IsNotExist(err) {
				t.Error(err)
			}
			return string(data)
		}
	}
	post := func(path string) func() string {
		return func() string {
			mu.Lock()
			defer mu.Unlock()
			return received[path]
		}
	}
	total := `{"key":"total","value":{"intValue":"42"}}`
	for name, want := range map[string]struct {
		where func() string
		what  string
	}{
		"transform adds":            {file("logs.jsonl"), total},
		"attributes inserts":        {file("logs.jsonl"), `{"key":"added.by","value":{"stringValue":"attributes"}}`},
		"groupbyattrs moves":        {file("logs.jsonl"), `{"key":"group","value":{"stringValue":"a"}}]},"scopeLogs"`},
		"resource inserts":          {file("logs.jsonl"), `{"key":"cluster","value":{"stringValue":"test"}}`},
		"redaction masks":           {file("logs.jsonl"), `{"key":"card","value":{"stringValue":"****"}}`},
		"OTLP over gRPC delivers":   {file("received.jsonl"), total},
		"count counts":              {file("metrics.jsonl"), `"flow.records"`},
		"signal_to_metrics sums":    {file("metrics.jsonl"), `"flow.bytes"`},
		"OTLP over HTTP delivers":   {post("/otlp/v1/metrics"), `"flow.records"`},
		"bearertokenauth signs":     {post("/otlp/v1/metrics"), "Bearer secret"},
		"remote write is delivered": {post("/prometheus"), ""},
	} {
		c.eventually(name, func() error {
			if got := want.where(); got == "" || !strings.Contains(got, want.what) {
				return fmt.Errorf("%s is missing in %q", want.what, got)
			}
			return nil
		})
	}
	if got := file("logs.jsonl")(); strings.Contains(got, `"drop"`) {
		t.Errorf("filter let a record pass: %s", got)
	}
	if err := status(http.Get("http://" + otlp + "/v1/logs")); err == nil {
		t.Error("basicauth let a request without a password pass")
	}
	if code := c.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// status turns a response that is not 2xx into an error.
func status(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("status %s", resp.Status)
	}
	return nil
}
