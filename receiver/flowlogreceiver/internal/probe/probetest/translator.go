//go:build linux

package probetest

import "github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"

// Translator tells what Translations holds, of each connection as its local end
// sends it.
type Translator struct {
	Translations map[probe.Tuple]probe.Translation
	// Asked are all tuples so far, Calls how often they came.
	Asked []probe.Tuple
	Calls int
	// Err is what Translate returns, if it is not nil.
	Err    error
	Closed bool
}

var _ probe.Translator = (*Translator)(nil)

// Engine returns an engine with that name that translates by t.
func (t *Translator) Engine(name string) probe.Engine {
	return probe.Engine{
		Name:           name,
		Missing:        func() error { return nil },
		OpenTranslator: func(probe.Options) (probe.Translator, error) { return t, nil },
	}
}

// Translate implements probe.Translator.
func (t *Translator) Translate(tuples []probe.Tuple, translations []probe.Translation) error {
	t.Calls++
	t.Asked = append(t.Asked, tuples...)
	if t.Err != nil {
		return t.Err
	}
	for i, tuple := range tuples {
		translations[i] = t.Translations[tuple]
	}
	return nil
}

// NetNS implements probe.Translator.
func (t *Translator) NetNS() uint32 { return 1 }

// Close implements probe.Translator.
func (t *Translator) Close() error {
	t.Closed = true
	return nil
}
