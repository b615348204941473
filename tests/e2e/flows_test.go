package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// groups is the part of GET /groups that the tests read.
type groups struct {
	Groups []struct {
		Key    map[string]any
		Sums   map[string]int64
		Denied int64
	}
}

// traffic makes connections to a server of its own and returns its port.
func traffic(t *testing.T, count int, request, response string) (port string) {
	t.Helper()
	port, err := connect(count, request, response)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// connect opens count connections to a server of its own, one after another,
// sends request and gets response on each, and returns the server's port.
func connect(count int, request, response string) (port string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() { served <- serve(l, count, len(request), response) }()
	for range count {
		if err := exchange(l.Addr().String(), request, response); err != nil {
			return "", err
		}
	}
	if err := <-served; err != nil {
		return "", err
	}
	_, port, err = net.SplitHostPort(l.Addr().String())
	return port, err
}

func exchange(address, request, response string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	got, err := io.ReadAll(conn)
	if err == nil && string(got) != response {
		err = fmt.Errorf("response %q, want %q", got, response)
	}
	return err
}

func serve(l net.Listener, count, requestSize int, response string) error {
	request := make([]byte, requestSize)
	for range count {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		if _, err := io.ReadFull(conn, request); err != nil {
			return err
		}
		if _, err := io.WriteString(conn, response); err != nil {
			return err
		}
		if err := conn.Close(); err != nil {
			return err
		}
	}
	return nil
}

// sums asks for one group of all flows to port and compares its counters.
func (c *collector) sums(port, reporter string, want map[string]int64) error {
	var got groups
	query := url.Values{"by": {"destination.port"}, "q": {"destination.port = " + port}, "reporter": {reporter}}
	if err := c.get("/api/v1/groups", query, &got); err != nil {
		return err
	}
	if len(got.Groups) != 1 {
		return fmt.Errorf("%d groups, want 1", len(got.Groups))
	}
	for name, n := range want {
		if sum := got.Groups[0].Sums[name]; sum != n {
			return fmt.Errorf("%s is %d, want %d (all: %v)", name, sum, n, got.Groups[0].Sums)
		}
	}
	return nil
}

// anyGroup is nil once the store holds any flow.
func (c *collector) anyGroup() error {
	var got groups
	if err := c.get("/api/v1/groups", url.Values{"by": {"destination.port"}}, &got); err != nil {
		return err
	}
	if len(got.Groups) == 0 {
		return errors.New("no flows yet")
	}
	return nil
}

func TestFlowsOfThisMachineAreRecordedExactly(t *testing.T) {
	c := start(t, t.TempDir()).ready()
	const count, request, response = 250, "hello", "a longer answer\n"
	port := traffic(t, count, request, response)
	want := map[string]int64{
		"flow.connections.started":   count,
		"flow.connections.completed": count,
		"source.payload.bytes":       count * int64(len(request)),
		"destination.payload.bytes":  count * int64(len(response)),
	}
	for _, reporter := range []string{"once", "source", "destination"} {
		c.eventually("flows reported as "+reporter, func() error { return c.sums(port, reporter, want) })
	}

	// The process is this test's, at both ends.
	var got groups
	query := url.Values{"by": {"source.process.executable.name,destination.process.executable.name"}, "q": {"destination.port = " + port}}
	if err := c.get("/api/v1/groups", query, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Groups) != 1 {
		t.Fatalf("%d groups, want 1: %v", len(got.Groups), got.Groups)
	}
	for _, end := range []string{"source", "destination"} {
		if name := got.Groups[0].Key[end+".process.executable.name"]; name != "e2e.test" {
			t.Errorf("the %s process is %v", end, name)
		}
	}
}

func TestDatagramsOfThisMachineAreRecordedExactly(t *testing.T) {
	c := start(t, t.TempDir(), "--set=receivers.flowlog.engines.datagram.idle_timeout.udp=2s").ready()
	const count, size = 100, 500
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := net.Dial("udp", server.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	buffer := make([]byte, size)
	for range count {
		if _, err := client.Write(buffer); err != nil {
			t.Fatal(err)
		}
		_, from, err := server.ReadFrom(buffer)
		if err == nil {
			_, err = server.WriteTo(buffer[:size/2], from)
		}
		if err == nil {
			_, err = client.Read(buffer)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	_, port, err := net.SplitHostPort(server.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, reporter := range []string{"once", "source", "destination"} {
		c.eventually("flows reported as "+reporter, func() error {
			return c.sums(port, reporter, map[string]int64{
				"flow.connections.started": 1, "flow.connections.completed": 1,
				"source.packets": count, "destination.packets": count,
				"source.payload.bytes": count * size, "destination.payload.bytes": count * size / 2,
			})
		})
	}
}

func TestRefusedConnectionIsADeny(t *testing.T) {
	c := start(t, t.TempDir()).ready()
	address := freeAddress(t)
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Fatal("somebody listens")
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	c.eventually("a deny", func() error {
		var got groups
		query := url.Values{"by": {"flow.action,flow.deny.reason,flow.deny.class,source.process.executable.name"}, "q": {"destination.port = " + port}}
		if err := c.get("/api/v1/groups", query, &got); err != nil {
			return err
		}
		if len(got.Groups) != 1 || got.Groups[0].Denied != 1 ||
			got.Groups[0].Key["flow.action"] != "deny" || got.Groups[0].Key["flow.deny.reason"] != "no_socket" ||
			got.Groups[0].Key["flow.deny.class"] != "no_listener" || got.Groups[0].Key["source.process.executable.name"] == nil {
			return fmt.Errorf("got %+v", got.Groups)
		}
		return nil
	})
}

// flowIDs returns the ids of all flows between two times.
func (c *collector) flowIDs(from, to time.Time) (map[string]bool, error) {
	ids := map[string]bool{}
	cursor := ""
	for {
		var page struct {
			Flows []map[string]any
			Next  string
		}
		query := url.Values{
			"from": {strconv.FormatInt(from.UnixMilli(), 10)}, "to": {strconv.FormatInt(to.UnixMilli(), 10)},
			"reporter": {"all"}, "limit": {"1000"},
		}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		if err := c.get("/api/v1/flows", query, &page); err != nil {
			return nil, err
		}
		for _, f := range page.Flows {
			id, _ := f["flow.id"].(string)
			if id == "" || ids[id] {
				return nil, fmt.Errorf("flow without an id of its own: %v", f)
			}
			ids[id] = true
		}
		if cursor = page.Next; cursor == "" {
			return ids, nil
		}
	}
}

func TestFlowsOutliveKillAndRestart(t *testing.T) {
	dir := t.TempDir()
	from := time.Now()
	c := start(t, dir).ready()
	port := traffic(t, 100, "ping", "pong")
	want := map[string]int64{"flow.connections.completed": 100}
	c.eventually("flows", func() error { return c.sums(port, "once", want) })
	to := time.Now()
	// What a query returned was acknowledged.
	before, err := c.flowIDs(from, to)
	if err != nil {
		t.Fatal(err)
	}
	if len(before) == 0 {
		t.Fatal("no flows to lose")
	}

	for _, end := range []func(*collector){(*collector).kill, func(c *collector) { c.stop() }} {
		end(c)
		c = start(t, dir).ready()
		after, err := c.flowIDs(from, to)
		if err != nil {
			t.Fatal(err)
		}
		for id := range before {
			if !after[id] {
				t.Errorf("flow %s is lost", id)
			}
		}
		if err := c.sums(port, "once", want); err != nil {
			t.Errorf("after a restart: %v", err)
		}
	}
}

func TestGracefulStopKeepsTheLastInterval(t *testing.T) {
	dir := t.TempDir()
	// An interval longer than the test: only the stop can flush it.
	c := start(t, dir, "--set=receivers.flowlog.interval=5m").ready()
	port := traffic(t, 20, "ping", "pong")
	if code := c.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	c = start(t, dir).ready()
	if err := c.sums(port, "once", map[string]int64{"flow.connections.completed": 20}); err != nil {
		t.Error(err)
	}
}

func TestGarbageQueriesAreRefusedWithAReason(t *testing.T) {
	c := start(t, t.TempDir()).ready()
	for name, tc := range map[string]struct {
		path, query string
	}{
		"no operator":         {"/api/v1/flows", "q=destination.port"},
		"unknown field":       {"/api/v1/flows", "q=" + url.QueryEscape("destination.prot = 443")},
		"open parenthesis":    {"/api/v1/groups", "by=source.address&q=" + url.QueryEscape("(source.address = 10.0.0.1")},
		"SQL":                 {"/api/v1/flows", "q=" + url.QueryEscape("1; drop table flows")},
		"group by nothing":    {"/api/v1/groups", "by=no.such.field"},
		"time of no calendar": {"/api/v1/histogram", "from=yesterday"},
		"buckets below zero":  {"/api/v1/histogram", "buckets=-1"},
		"limit of no number":  {"/api/v1/flows", "limit=many"},
		"unknown reporter":    {"/api/v1/flows", "reporter=everybody"},
	} {
		t.Run(name, func(t *testing.T) {
			query, err := url.ParseQuery(tc.query)
			if err != nil {
				t.Fatal(err)
			}
			err = c.get(tc.path, query, nil)
			var refused *apiError
			if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest {
				t.Fatalf("want status 400, got %v", err)
			}
			if refused.Detail.Code != "bad_query" && refused.Detail.Code != "bad_request" || refused.Detail.Message == "" {
				t.Errorf("the refusal says %+v", refused.Detail)
			}
		})
	}
	if err := c.get("/api/v1/status", nil, nil); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

func TestPageIsServedAndAsksNoOtherHost(t *testing.T) {
	c := start(t, t.TempDir()).ready()
	resp, err := http.Get(c.base + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(page), `id="root"`) {
		t.Errorf("status %d, page:\n%s", resp.StatusCode, page)
	}
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'self'") {
		t.Errorf("Content-Security-Policy is %q", policy)
	}
}
