package main

import (
	"bytes"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"
)

// tell gives an order and returns the outcome.
func tell(t *testing.T, k *keeper, o order) outcome {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		defer theirs.Close()
		_ = k.obey(theirs) // the reply below fails then
	}()
	o.Timeout = time.Minute
	if err := json.NewEncoder(ours).Encode(o); err != nil {
		t.Fatal(err)
	}
	var out outcome
	if err := json.NewDecoder(ours).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestKeptConnectionSendsWhatItIsToldUntilItIsClosed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var c counts
	ended := make(chan struct{})
	go func() {
		_ = accept(l, func(conn net.Conn) error {
			defer close(ended)
			return c.echo(conn)
		})
	}()
	k := &keeper{conns: map[string]net.Conn{}}
	opened := tell(t, k, order{What: "open", Address: l.Addr().String()})
	if opened.OK != 1 || opened.Local == "" {
		t.Fatalf("open: %+v", opened)
	}
	for _, n := range []int{1, 100_000} {
		if got, want := tell(t, k, order{What: "send", Address: opened.Local, Bytes: n}), (outcome{
			OK: 1, Sent: int64(n), Received: int64(n), Local: opened.Local,
		}); got != want {
			t.Errorf("send %d: got %+v, want %+v", n, got, want)
		}
	}
	if got := tell(t, k, order{What: "close", Address: opened.Local}); got.OK != 1 {
		t.Errorf("close: %+v", got)
	}
	<-ended
	if n, b := c.Connections.Load(), c.TCPBytes.Load(); n != 1 || b != 100_001 {
		t.Errorf("the far end saw %d connections and %d bytes, want 1 and 100001", n, b)
	}
	if got := tell(t, k, order{What: "send", Address: opened.Local, Bytes: 1}); !strings.Contains(got.Error, "no such connection") {
		t.Errorf("send after close: %+v", got)
	}
}

func TestOrderWithoutAServerFails(t *testing.T) {
	var out bytes.Buffer
	if err := (order{What: "open"}).give(&out); err == nil || !strings.Contains(err.Error(), "tell the server") {
		t.Errorf("got %v, and %q", err, &out)
	}
}
