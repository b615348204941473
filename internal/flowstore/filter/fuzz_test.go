package filter

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/flowtest"
)

// FuzzParse checks that no text panics, that an error points into the text, and
// that what is printed of a filter reads back as the same filter, which matches
// the same flows.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "source.port = 80", "either.address != 10.0.0.0/8 and not flow.action = deny",
		`host.name in ("a b", c) or (source.port >= 1 and flow.deny.reason not exists)`,
		"source.address = ::ffff:10.0.0.0/104", "flow.end > 2026-01-02T03:04:05Z", `a = "\"\\"`, "((((", "not not not", "\xff",
	} {
		f.Add(seed)
	}
	random := rand.New(rand.NewPCG(1, 2))
	flows := make([]flow.Flow, 50)
	for i := range flows {
		flows[i] = flowtest.Flow(random)
	}
	f.Fuzz(func(t *testing.T, text string) {
		expr, err := Parse(text)
		if err != nil {
			var at *Error
			if !errors.As(err, &at) || at.Offset < 0 || at.Offset > len(text) || at.Message == "" || !utf8.ValidString(at.Message) {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		if expr == nil {
			return
		}
		printed := expr.String()
		if len(printed) > MaxLength {
			t.Skip("a condition on either end prints as two")
		}
		again, err := Parse(printed)
		if err != nil {
			t.Fatalf("%q prints as %q: %v", text, printed, err)
		}
		if !reflect.DeepEqual(expr, again) {
			t.Fatalf("%q prints as %q, which reads as %q", text, printed, again)
		}
		for i := range flows {
			if expr.Match(&flows[i]) != again.Match(&flows[i]) {
				t.Errorf("%q and %q disagree on %+v", text, printed, flows[i])
			}
		}
	})
}
