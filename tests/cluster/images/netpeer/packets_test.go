package main

import (
	"net"
	"testing"
	"time"
)

func TestAnswersComeFromTheAddressThatWasAsked(t *testing.T) {
	conn, err := listenPackets(":0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var c counts
	go func() { _ = c.echoPackets(conn) }() // the client sees what is missing
	_, port, err := net.SplitHostPort(conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	// Left to itself, the kernel would answer from 127.0.0.1, which the client has not asked.
	got := dial{network: "udp", address: net.JoinHostPort("127.0.0.2", port), count: 3, bytes: 10, timeout: 10 * time.Second}.run()
	got.Local = ""
	if want := (outcome{OK: 3, Sent: 30, Received: 30}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestDatagramsLeaveByOneSocket(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const datagrams = 3
	sockets := make(chan string, datagrams)
	go func() {
		defer close(sockets)
		buffer := make([]byte, 100)
		for range datagrams {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			sockets <- from.String()
			_, _ = conn.WriteTo(buffer[:n], from) // the client sees what is missing
		}
	}()
	got := dial{network: "udp", address: conn.LocalAddr().String(), count: datagrams, bytes: 10, timeout: 10 * time.Second}.run()
	if got.OK != datagrams {
		t.Fatalf("got %+v, want %d datagrams", got, datagrams)
	}
	for socket := range sockets {
		if socket != got.Local {
			t.Errorf("a datagram came from %s, want %s", socket, got.Local)
		}
	}
}
