package cluster

import (
	"strings"
	"testing"
)

func TestOptionsThatCannotBeMetAreRefused(t *testing.T) {
	for _, test := range []struct {
		options Options
		want    string
	}{
		{Options{Nodes: -1}, "-1 nodes: want 0 to 8"},
		{Options{Nodes: maxNodes + 1}, "9 nodes: want 0 to 8"},
		{Options{DualStack: true}, "need Options.Nodes"},
		{Options{DNS: true}, "need Options.Nodes"},
		{Options{NetworkPolicy: true}, "need Options.Nodes"},
	} {
		if _, err := Start(t.Context(), test.options); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: got %v, want %q", test.options, err, test.want)
		}
	}
}
