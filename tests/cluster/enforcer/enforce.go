package main

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"time"
)

const (
	// pause is between one change of the rules and the next, so that many changes of
	// objects at once are few of rules.
	pause = 100 * time.Millisecond
	// retry is how long rules wait that the kernel did not take.
	retry = time.Second
)

// enforce keeps the rules of the node what the objects say, until ctx ends. Rules that
// cannot be made or loaded are tried again, and those before them stay in force.
func enforce(ctx context.Context, node string, o *objects) {
	for loaded := ""; ctx.Err() == nil; {
		rest := pause
		script, err := o.state(node).Ruleset()
		if err == nil && script != loaded {
			err = load(ctx, script)
		}
		if err == nil {
			loaded = script
		} else if ctx.Err() == nil {
			slog.Error("the rules stay as they were", "error", err)
			rest = retry
			o.note()
		}
		select {
		case <-ctx.Done():
		case <-time.After(rest):
		}
		select {
		case <-ctx.Done():
		case <-o.changed:
		}
	}
}

// load has the kernel take a script as a whole, or nothing of it.
func load(ctx context.Context, script string) error {
	cmd := exec.CommandContext(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w\n%s", err, out)
	}
	return nil
}
