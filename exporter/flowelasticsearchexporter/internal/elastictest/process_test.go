//go:build linux

package elastictest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter"
)

// runExporter is what the program does where it is an exporter: it writes records from the
// number on that it is started with, says of each batch its last one once the exporter has it,
// and stops when its input ends. The exporter stops at SIGTERM.
func runExporter(targetText string) (err error) {
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	var to target
	if err := json.Unmarshal([]byte(targetText), &to); err != nil {
		return err
	}
	next, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return err
	}
	c, err := start(context.Background(), to, func(c *flowelasticsearchexporter.Config) {
		c.Queue.Get().QueueSize = 500_000 // some 1,500 records: no more is to be written in the end
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	for {
		select {
		case <-ended:
			err := os.Stdout.Close() // whoever reads knows that this was all
			<-terminate
			return err
		default:
		}
		n := 1 + rand.IntN(mostAtOnce)
		if err := c.ConsumeLogs(context.Background(), flows(next, n, nil)); err != nil {
			return err
		}
		next += n
		fmt.Println(next - 1)
	}
}
