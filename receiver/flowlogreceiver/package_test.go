//go:build linux

package flowlogreceiver

import (
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childEnv makes the test binary play a process of its own: "ask ADDRESS",
// "hold ADDRESS" (ask, but leave the answer unread) or "serve ADDRESS". It tells its address on standard output and ends with its
// standard input. "obey" takes orders there.
const childEnv = "FLOWLOG_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		if err := child(os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func child(what, address string) error {
	if what == "obey" {
		return obey()
	}
	if what != "serve" {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Write(make([]byte, requestBytes)); err != nil {
			return err
		}
		if what == "ask" {
			if _, err := io.Copy(io.Discard, c); err != nil {
				return err
			}
		}
		fmt.Println(c.LocalAddr())
		_, err = io.Copy(io.Discard, os.Stdin)
		return err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	defer l.Close()
	fmt.Println(l.Addr())
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answer(c)
		}
	}()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
