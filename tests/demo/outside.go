package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/echo"
)

// serveBank answers with what it is told, at a free port of an address of this machine,
// until the context ends.
func serveBank(ctx context.Context, host string) (address string, err error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	go echo.Serve(l)
	return l.Addr().String(), nil
}

// shopAt calls the ingress as a customer does, until the context ends.
func shopAt(ctx context.Context, address string) {
	const every, bytes = 700 * time.Millisecond, 5000
	for tick := time.NewTicker(every); ; {
		_ = buy(address, bytes) // the next customer comes anyway
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return
		}
	}
}

func buy(address string, bytes int64) error {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write(make([]byte, bytes)); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, conn, bytes); err != nil {
		return fmt.Errorf("read the answer of %s: %w", address, err)
	}
	return nil
}
