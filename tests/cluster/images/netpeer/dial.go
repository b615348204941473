package main

import (
	"fmt"
	"io"
	"net"
	"time"
)

// dial is an order to make traffic.
type dial struct {
	network, address string
	count            int // 0 is without end, whatever comes of each
	bytes            int
	hold, timeout    time.Duration
	delay            time.Duration // before the first
	pause            time.Duration // between two
}

// outcome is what came of it. It stops at the first error.
type outcome struct {
	OK       int    `json:"ok"`       // echoes that were complete
	Sent     int64  `json:"sent"`     // bytes
	Received int64  `json:"received"` // bytes
	Local    string `json:"local"`    // address of the last connection's own end
	// What it took to find the address of a name: DNS over UDP.
	Queries     int64  `json:"queries,omitempty"`
	QueryBytes  int64  `json:"query_bytes,omitempty"`
	Answers     int64  `json:"answers,omitempty"`
	AnswerBytes int64  `json:"answer_bytes,omitempty"`
	Error       string `json:"error,omitempty"`
}

func (d dial) run() (o outcome) {
	var names asked
	defer func() {
		o.Queries, o.QueryBytes = names.Queries.Load(), names.Sent.Load()
		o.Answers, o.AnswerBytes = names.Answers.Load(), names.Received.Load()
	}()
	dialer := net.Dialer{Timeout: d.timeout, Resolver: names.resolver()}
	sockets, exchanges := d.count, 1
	if d.network == "udp" && d.count != 0 {
		sockets, exchanges = 1, d.count
	}
	time.Sleep(d.delay)
	for i := 0; sockets == 0 || i < sockets; i++ {
		if i > 0 {
			time.Sleep(d.pause)
		}
		if err := d.once(&dialer, exchanges, &o); err != nil && d.count != 0 {
			o.Error = err.Error()
			return o
		}
	}
	return o
}

// once makes a socket and waits for so many echoes by it.
func (d dial) once(dialer *net.Dialer, exchanges int, o *outcome) error {
	conn, err := dialer.Dial(d.network, d.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	o.Local = conn.LocalAddr().String()
	for i := range exchanges {
		if i > 0 {
			time.Sleep(d.pause)
		}
		if err := conn.SetDeadline(time.Now().Add(d.timeout)); err != nil {
			return err
		}
		if err := exchange(conn, d.bytes, o); err != nil {
			return err
		}
	}
	time.Sleep(d.hold)
	return nil
}

// exchange sends bytes and waits until they have come back.
func exchange(conn net.Conn, bytes int, o *outcome) error {
	sent, err := conn.Write(make([]byte, bytes))
	o.Sent += int64(sent)
	if err != nil {
		return err
	}
	received, err := io.CopyN(io.Discard, conn, int64(bytes))
	o.Received += received
	if err != nil {
		return fmt.Errorf("read echo: %w", err)
	}
	o.OK++
	return nil
}
