package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// countsSocket is in no file system and on no network.
const countsSocket = "@netpeer-counts"

// counts is what the server has seen since its start.
type counts struct {
	Connections atomic.Int64
	TCPBytes    atomic.Int64 // received; as many were sent back
	Datagrams   atomic.Int64
	UDPBytes    atomic.Int64
}

// MarshalJSON takes the numbers one by one, not at one instant.
func (c *counts) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]int64{
		"connections": c.Connections.Load(), "tcp_bytes": c.TCPBytes.Load(),
		"datagrams": c.Datagrams.Load(), "udp_bytes": c.UDPBytes.Load(),
	})
}

// serve returns when one of its sockets fails, or when it is told to end and has said
// what it has seen.
func serve(port int) error {
	address := fmt.Sprintf(":%d", port)
	stream, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	packets, err := listenPackets(address)
	if err != nil {
		return err
	}
	asked, err := net.Listen("unix", countsSocket)
	if err != nil {
		return err
	}
	told, err := net.Listen("unix", ordersSocket)
	if err != nil {
		return err
	}
	var c counts
	k := keeper{conns: map[string]net.Conn{}}
	tell := func(w io.Writer) error { return json.NewEncoder(w).Encode(&c) }
	failed := make(chan error, 5)
	go func() { failed <- accept(stream, c.echo) }()
	go func() { failed <- c.echoPackets(packets) }()
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	go func() {
		<-ended
		failed <- tell(os.Stdout)
	}()
	go func() { failed <- accept(asked, func(conn net.Conn) error { return tell(conn) }) }()
	go func() { failed <- accept(told, k.obey) }()
	return <-failed
}

// accept handles each connection on its own, and whatever comes of it.
func accept(l net.Listener, handle func(net.Conn) error) error {
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			_ = handle(conn) // the client sees what went wrong
		}()
	}
}

func (c *counts) echo(conn net.Conn) error {
	c.Connections.Add(1)
	buffer := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buffer)
		c.TCPBytes.Add(int64(n))
		if _, werr := conn.Write(buffer[:n]); werr != nil || err != nil {
			return errors.Join(err, werr)
		}
	}
}

func printCounts(w io.Writer) error {
	conn, err := net.Dial("unix", countsSocket)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	defer conn.Close()
	_, err = io.Copy(w, conn)
	return err
}
