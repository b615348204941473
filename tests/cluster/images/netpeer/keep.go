package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// ordersSocket is in no file system and on no network.
const ordersSocket = "@netpeer-orders"

// order is what the server is told to do with a connection of its own.
type order struct {
	What    string        // open, send or close
	Address string        // to open: the far end's, as host:port; afterwards: the own end's
	Bytes   int           // to send
	Timeout time.Duration // of the order
}

// keeper has connections that stay open until it is told to close them. They are the
// server's, whoever gives the orders.
type keeper struct {
	mu    sync.Mutex
	conns map[string]net.Conn // by the address of the own end
}

// obey reads one order from a connection and writes what came of it.
func (k *keeper) obey(conn net.Conn) error {
	var o order
	if err := json.NewDecoder(conn).Decode(&o); err != nil {
		return err
	}
	var out outcome
	if err := k.carryOut(o, &out); err != nil {
		out.Error = err.Error()
	}
	return json.NewEncoder(conn).Encode(out)
}

func (k *keeper) carryOut(o order, out *outcome) error {
	if o.What == "open" {
		conn, err := net.DialTimeout("tcp", o.Address, o.Timeout)
		if err != nil {
			return err
		}
		out.OK, out.Local = 1, conn.LocalAddr().String()
		k.mu.Lock()
		defer k.mu.Unlock()
		k.conns[out.Local] = conn
		return nil
	}
	k.mu.Lock()
	conn, ok := k.conns[o.Address]
	if o.What == "close" {
		delete(k.conns, o.Address)
	}
	k.mu.Unlock()
	if !ok {
		return fmt.Errorf("%s %q: no such connection is kept", o.What, o.Address)
	}
	out.Local = o.Address
	if o.What == "close" {
		out.OK = 1
		return conn.Close()
	}
	if err := conn.SetDeadline(time.Now().Add(o.Timeout)); err != nil {
		return err
	}
	return exchange(conn, o.Bytes, out)
}

// give has the server here carry out an order, and prints what came of it.
func (o order) give(w io.Writer) error {
	conn, err := net.Dial("unix", ordersSocket)
	if err != nil {
		return fmt.Errorf("tell the server: %w", err)
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(o); err != nil {
		return err
	}
	_, err = io.Copy(w, conn)
	return err
}
