// Package echo has servers that send back what they get.
package echo

import (
	"io"
	"net"
)

// Serve answers every connection until the listener is closed.
func Serve(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_, _ = io.Copy(conn, conn) // the client sees what went wrong
		}()
	}
}

// Packets answers every datagram until conn is closed.
func Packets(conn net.PacketConn) {
	buffer := make([]byte, 64<<10)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		_, _ = conn.WriteTo(buffer[:n], from) // the client sees what is missing
	}
}
