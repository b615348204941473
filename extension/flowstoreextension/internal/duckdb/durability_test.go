package duckdb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/flowstoretest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

// The test binary is its own second process: childEnv names what it does there,
// in the directory of directoryEnv. It ends when its standard input does, so that
// it never outlives the tests.
const (
	childEnv     = "FLOWSTORE_TEST_CHILD"
	directoryEnv = "FLOWSTORE_TEST_DIRECTORY"
	seedEnv      = "FLOWSTORE_TEST_SEED"
	writesEnv    = "FLOWSTORE_TEST_WRITES"
)

func TestMain(m *testing.M) {
	role := os.Getenv(childEnv)
	if role == "" {
		goleak.VerifyTestMain(m)
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	}()
	switch role {
	case "write":
		childWrite()
	case "open":
		childOpen()
	case "read":
		childRead()
	}
}

// childTime is how long a child may take; it needs a second or two.
const childTime = 2 * time.Minute

// child starts the test binary as another process.
func child(t *testing.T, role, directory string, seed uint64) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), childTime)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self)
	cmd.Cancel = func() error {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("the child whose role is %s is not done after %s", role, childTime)
		}
		return cmd.Process.Kill()
	}
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), childEnv+"="+role, directoryEnv+"="+directory, seedEnv+"="+strconv.FormatUint(seed, 10))
	cmd.Stderr = os.Stderr
	_, err = cmd.StdinPipe() // stays open until Wait
	require.NoError(t, err)
	return cmd
}

func childFail(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

// batches are what childWrite writes, one after the other.
func batches(seed uint64) func() *flow.Batch {
	g := flowstoretest.NewGenerator(seed)
	return func() *flow.Batch { return g.Batch(1 + g.IntN(150)) }
}

// childWrite writes until it is killed, or as often as writesEnv says, and
// acknowledges each batch that is stored.
func childWrite() {
	seed, _ := strconv.ParseUint(os.Getenv(seedEnv), 10, 64)
	writes, _ := strconv.Atoi(os.Getenv(writesEnv))
	options := Options{Directory: os.Getenv(directoryEnv), MemoryLimit: 256 << 20}
	if writes == 0 {
		options.logBytes = 256 << 10 // with a short log the kill often meets a checkpoint
	}
	store, err := Open(context.Background(), options)
	childFail(err)
	next := batches(seed)
	for n := 1; writes == 0 || n <= writes; n++ {
		childFail(store.Write(context.Background(), next()))
		fmt.Println(n)
	}
	childFail(store.Close())
}

func childOpen() {
	store, err := Open(context.Background(), Options{Directory: os.Getenv(directoryEnv), MemoryLimit: 256 << 20})
	childFail(err)
	childFail(store.Close())
}

// TestKillLosesNothingAcknowledged kills a writing process again and again at
// random moments, and compares what is stored with what it acknowledged.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	directory := t.TempDir()
	reference := &memstore.Store{}
	for round := range 8 {
		seed := uint64(1000 + round)
		cmd := child(t, "write", directory, seed)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		acknowledged, enough := 0, 1+rng.IntN(30)
		for lines.Scan() {
			acknowledged, err = strconv.Atoi(lines.Text())
			require.NoError(t, err, lines.Text())
			if acknowledged == enough {
				time.AfterFunc(time.Duration(rng.IntN(50_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
			}
		}
		require.Error(t, cmd.Wait(), "it was killed")
		require.GreaterOrEqual(t, acknowledged, enough)

		next := batches(seed)
		for range acknowledged {
			require.NoError(t, reference.Write(t.Context(), next()))
		}
		held := func(s flowstore.Reader) uint64 {
			stats, err := s.Stats(t.Context())
			require.NoError(t, err)
			return stats.Records
		}
		begun := next() // may or may not have been stored, but only whole
		store, err := Open(t.Context(), Options{Directory: directory, MemoryLimit: 256 << 20})
		require.NoError(t, err)
		if held(store) != held(reference) {
			require.NoError(t, reference.Write(t.Context(), begun))
		}
		flowstoretest.Same(t, reference, store)

		// A retry of what was acknowledged, and of what was begun, changes nothing.
		next = batches(seed)
		for range acknowledged {
			require.NoError(t, store.Write(t.Context(), next()))
		}
		require.Equal(t, held(reference), held(store))
		require.NoError(t, store.Close())
		require.False(t, t.Failed(), "round %d: %d batches acknowledged", round, acknowledged)
	}
}

func TestASecondProcessIsToldWhoHasTheFile(t *testing.T) {
	directory := t.TempDir()
	store := open(t, directory)
	out, err := child(t, "open", directory, 0).Output()
	require.Error(t, err)
	require.Contains(t, string(out), store.File())
	require.Contains(t, string(out), fmt.Sprintf("process %d has it open", os.Getpid()))

	_, err = Open(t.Context(), Options{Directory: directory, MemoryLimit: 256 << 20})
	require.ErrorContains(t, err, "another store of this process has it open")
}

func TestBadDirectories(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, test := range map[string]struct{ directory, want string }{
		"a file":         {file, file},
		"below a file":   {filepath.Join(file, "x"), "choose a directory that the collector may write"},
		"not writable":   {"/proc/self", "choose a directory that the collector may write"},
		"a question":     {filepath.Join(t.TempDir(), "a?b"), "choose another directory"},
		"a percent sign": {filepath.Join(t.TempDir(), "a%b"), "choose another directory"},
	} {
		_, err := Open(t.Context(), Options{Directory: test.directory, MemoryLimit: 256 << 20})
		require.ErrorContains(t, err, test.want, name)
		require.ErrorContains(t, err, test.directory, name)
	}
}

func TestADamagedFileIsNamed(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"not a database":  func([]byte) []byte { return []byte(strings.Repeat("these are no flows ", 1000)) },
		"header changed":  func(b []byte) []byte { b[5000] ^= 0xff; b[8192+100] ^= 0xff; return b },
		"end is missing":  func(b []byte) []byte { return b[:len(b)/3] },
		"blocks are void": func(b []byte) []byte { clear(b[12288:]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			store := open(t, directory)
			require.NoError(t, store.Write(t.Context(), flowstoretest.NewGenerator(1).Batch(2000)))
			require.NoError(t, store.Close())
			content, err := os.ReadFile(store.File())
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(store.File(), damage(content), 0o600))
			_, err = Open(t.Context(), Options{Directory: directory, MemoryLimit: 256 << 20})
			require.ErrorContains(t, err, store.File())
			require.ErrorContains(t, err, "the file is damaged: move it away")
		})
	}
}

// childRead opens the file as the stock duckdb command does: with no settings of
// ours and nothing but SQL.
func childRead() {
	out, err := readAsStranger(filepath.Join(os.Getenv(directoryEnv), FileName))
	childFail(err)
	_, _ = io.WriteString(os.Stdout, out)
}

func TestTheFileIsAnOrdinaryDatabase(t *testing.T) {
	directory := t.TempDir()
	store := open(t, directory)
	g := flowstoretest.NewGenerator(3)
	batch := g.Batch(50)
	require.NoError(t, store.Write(t.Context(), batch))
	require.NoError(t, store.Close())
	out, err := child(t, "read", directory, 0).Output()
	require.NoError(t, err, string(out))
	for _, f := range batch.Flows {
		line := f.ID.String()
		if f.Source.Address.IsValid() {
			line += "|" + f.Source.Address.Unmap().String()
		} else {
			line += "|"
		}
		require.Contains(t, string(out), line+"|"+time.Unix(0, f.End).UTC().Format(time.RFC3339Nano)+"\n")
	}
}

// TestAWriteWaitsForTheDisk watches the system calls of a writing process: the
// log is synced before each acknowledgement. It is long enough for all of them, for
// what does not fit goes to the file at once.
func TestAWriteWaitsForTheDisk(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	cmd := child(t, "write", t.TempDir(), 1)
	trace := filepath.Join(t.TempDir(), "trace")
	cmd.Args = []string{strace, "-f", "-y", "-o", trace, "-e", "trace=fsync,fdatasync,write", cmd.Path}
	cmd.Path = strace
	const writes = 5
	cmd.Env = append(cmd.Env, writesEnv+"="+strconv.Itoa(writes))
	if err := cmd.Run(); err != nil {
		t.Skipf("strace cannot run here: %v", err)
	}
	content, err := os.ReadFile(trace)
	require.NoError(t, err)
	acknowledged, synced := 0, false
	for line := range strings.Lines(string(content)) {
		switch {
		case strings.Contains(line, "sync(") && strings.Contains(line, FileName+".wal"):
			synced = true
		case strings.Contains(line, "write(1<"):
			acknowledged++
			require.True(t, synced, "acknowledgement %d", acknowledged)
			synced = false
		}
	}
	require.Equal(t, writes, acknowledged)
}
