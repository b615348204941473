package schema

import (
	"fmt"
	"strings"
	"unicode"
)

// Class is a kind of documents that has a data stream, and thereby a retention, of its own.
type Class uint8

// The classes. Observer holds what agents tell of themselves: losses and signs of life.
// Rejected holds the documents that Elasticsearch refused, and the log records that are no
// flow records.
const (
	Allowed Class = iota
	Denied
	Observer
	Rejected
)

var classNames = [...]string{Allowed: "allowed", Denied: "denied", Observer: "observer", Rejected: "rejected"}

// Classes returns all of them.
func Classes() []Class { return []Class{Allowed, Denied, Observer, Rejected} }

func (c Class) String() string { return classNames[c] }

// datasets are the second part of a stream's name. That of the flows, and of nothing else,
// begin with k8s.flow, so that one pattern finds them.
var datasets = [...]string{Allowed: "k8s.flow", Denied: "k8s.flow.denied", Observer: "k8s.observer", Rejected: "k8s.rejected"}

// FlowPattern matches the streams of allowed and denied flows of every namespace in either
// mapping, and no other: the pattern of a Kibana data view.
const FlowPattern = "logs-k8s.flow*"

// Dataset is the data_stream.dataset of a class. In the otel mapping it ends in .otel, as
// with the collector's elasticsearch exporter, so that documents of the two mappings
// never meet in one index. Rejected documents have one form.
func (m Mapping) Dataset(c Class) string {
	if m == OTel && c != Rejected {
		return datasets[c] + ".otel"
	}
	return datasets[c]
}

// Stream is the name of the data stream of a class in a namespace, which may be a pattern.
func (m Mapping) Stream(c Class, namespace string) string {
	return "logs-" + m.Dataset(c) + "-" + namespace
}

// DefaultNamespace is the namespace of data streams where none is asked for.
const DefaultNamespace = "default"

const maxNamespace = 100

// CheckNamespace returns an error that says what is wrong with the namespace of a data
// stream: Elasticsearch wants lower case, at most 100 bytes, and none of the characters that
// part names or patterns.
func CheckNamespace(namespace string) error {
	const forbidden = `\/*?"<>| ,#:-`
	switch {
	case namespace == "":
		return fmt.Errorf("namespace is empty: want a name such as %q", DefaultNamespace)
	case len(namespace) > maxNamespace:
		return fmt.Errorf("namespace %.20q… has %d bytes: want at most %d", namespace, len(namespace), maxNamespace)
	case strings.ContainsAny(namespace, forbidden):
		return fmt.Errorf(`namespace %q has one of the characters %s or a space: use letters, digits, "_" and "."`, namespace, strings.ReplaceAll(forbidden, " ", ""))
	case strings.ToValidUTF8(namespace, "") != namespace || strings.ContainsFunc(namespace, isControl):
		return fmt.Errorf("namespace %q has control characters or is not UTF-8: use letters, digits, \"_\" and \".\"", namespace)
	case strings.ToLower(namespace) != namespace:
		return fmt.Errorf("namespace %q has upper-case letters: write %q", namespace, strings.ToLower(namespace))
	default:
		return nil
	}
}

func isControl(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }
