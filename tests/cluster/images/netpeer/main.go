// Command netpeer makes traffic in pods that tests can count: a server that sends
// back what it gets, and a client that sends what it is told to.
//
//	netpeer serve [-port 8080]                  echo by TCP and UDP; at the end print what was seen, as counts does
//	netpeer dial [flags] host:port              connect or send, and print what came of it as JSON
//	netpeer open|send|close [flags] host:port   have the server here open a connection and keep it, send
//	                                            by it, or close it; the own end's address names it then
//	netpeer lookup name                         print the addresses of a name as JSON, in order
//	netpeer counts                              print what the server here has seen, as JSON
//
// The server is asked and told by sockets without an address, so that asking makes no
// traffic.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "netpeer:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("say what to do: serve, dial, open, send, close, lookup or counts")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	port := flags.Int("port", 8080, "port to serve on")
	var d dial
	flags.StringVar(&d.network, "network", "tcp", "tcp or udp")
	flags.IntVar(&d.count, "count", 1, "connections to make one after another, or datagrams to send by one socket; 0 goes on without end, by new ones and whatever comes of them")
	flags.IntVar(&d.bytes, "bytes", 100, "bytes to send in each, or by a connection that is kept")
	flags.DurationVar(&d.hold, "hold", 0, "how long to keep each connection open after the echo")
	flags.DurationVar(&d.delay, "delay", 0, "how long to wait before the first")
	flags.DurationVar(&d.pause, "pause", 0, "how long to wait between two")
	flags.DurationVar(&d.timeout, "timeout", 5*time.Second, "limit of each connection, datagram or order")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "serve":
		return serve(*port)
	case "dial":
		d.address = flags.Arg(0)
		return json.NewEncoder(os.Stdout).Encode(d.run())
	case "open", "send", "close":
		return order{args[0], flags.Arg(0), d.bytes, d.timeout}.give(os.Stdout)
	case "lookup":
		return lookup(os.Stdout, flags.Arg(0))
	case "counts":
		return printCounts(os.Stdout)
	default:
		return fmt.Errorf("%q is unknown: say serve, dial, open, send, close, lookup or counts", args[0])
	}
}
