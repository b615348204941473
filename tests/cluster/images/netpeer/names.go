package main

import (
	"context"
	"net"
	"sync/atomic"
)

// asked is what name servers were asked by UDP, and what they answered.
type asked struct {
	Queries  atomic.Int64
	Sent     atomic.Int64 // bytes of DNS
	Answers  atomic.Int64
	Received atomic.Int64 // bytes of DNS
}

// resolver asks as every program does, and counts.
func (a *asked) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		if udp, ok := conn.(*net.UDPConn); ok {
			return countedUDP{udp, a}, nil
		}
		return conn, err
	}}
}

type countedUDP struct {
	*net.UDPConn
	asked *asked
}

func (c countedUDP) Write(b []byte) (int, error) {
	n, err := c.UDPConn.Write(b)
	if err == nil {
		c.asked.Queries.Add(1)
		c.asked.Sent.Add(int64(n))
	}
	return n, err
}

func (c countedUDP) Read(b []byte) (int, error) {
	n, err := c.UDPConn.Read(b)
	if err == nil {
		c.asked.Answers.Add(1)
		c.asked.Received.Add(int64(n))
	}
	return n, err
}
