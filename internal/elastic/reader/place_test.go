package reader

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// FuzzPlace reads back every place that it prints. Of what strangers send it takes only what
// is as short as its own.
func FuzzPlace(f *testing.F) {
	f.Add("e30", int64(5), int64(7), ".ds-logs-k8s.flow-default-2026.11.28-000001", "1-2-3")
	f.Fuzz(func(t *testing.T, text string, end, seq int64, index, id string) {
		if got, err := parsePlace(flowstore.Cursor(text)); err != nil {
			require.ErrorIs(t, err, flowstore.ErrCursor)
		} else if text != "" {
			require.LessOrEqual(t, len(got.IDs), maxShards)
			require.GreaterOrEqual(t, got.Seq, int64(0))
		}
		want := place{end, seq, strings.ToValidUTF8(index, ""), []string{strings.ToValidUTF8(id, "")}}
		got, err := parsePlace(want.cursor())
		if want.End < 0 || want.Seq < 0 || want.Index == "" || len(want.Index) > maxIndex || len(want.IDs[0]) > maxID {
			require.ErrorIs(t, err, flowstore.ErrCursor)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func TestNoNameIsBetween(t *testing.T) {
	for _, name := range []string{".ds-logs-k8s.flow-default-2026.11.28-000001", "a", "\x00", "b\x00", "é"} {
		before := justBefore(name)
		require.Less(t, before, name)
		for _, other := range []string{name[:len(name)-1], name + "0", ".ds-logs-k8s.flow-default-2026.11.28-000000", ".ds-logs-k8s.flow-default-2026.11.28-0000009", "`", "a0", "b", "ê"} {
			require.False(t, before < other && other < name, "%q is between %q and %q", other, before, name)
		}
	}
}

func TestTheLongestCursorIsNotTooLong(t *testing.T) {
	p := place{End: 1<<63 - 1, Seq: 1<<63 - 1, Index: strings.Repeat("x", maxIndex)}
	for range maxShards {
		p.IDs = append(p.IDs, strings.Repeat("f", len("01234567-01234567-0123456789abcdef")))
	}
	require.LessOrEqual(t, len(p.cursor()), flowstore.MaxCursor)
	_, err := parsePlace(p.cursor())
	require.NoError(t, err)
	p.IDs = append(p.IDs, "one more")
	_, err = parsePlace(p.cursor())
	require.ErrorIs(t, err, flowstore.ErrCursor)
	text, err := json.Marshal(place{Seq: 1})
	require.NoError(t, err)
	_, err = parsePlace(flowstore.Cursor(base64.RawURLEncoding.EncodeToString(text)))
	require.ErrorIs(t, err, flowstore.ErrCursor)
}
