package flow

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"unique"
)

// Labels is a map of text to text, interned as a whole: eight bytes, comparable in
// one instruction, stored once however many flows and pods carry it. Keys come in
// alphabetical order. The zero Labels are unknown, which is not the same as known
// to be none.
type Labels struct{ handle unique.Handle[string] }

// Label is one key of Labels with its value.
type Label struct{ Key, Value string }

// String prints the label as filters and spreadsheets write it.
func (l Label) String() string { return l.Key + "=" + l.Value }

// LabelsOf returns the Labels of a list, which it sorts; of several values of a key the
// last is kept. Bytes that are not UTF-8 become U+FFFD, for stores refuse them.
func LabelsOf(list ...Label) Labels {
	size := 0
	for i := range list {
		l := &list[i]
		l.Key, l.Value = strings.ToValidUTF8(l.Key, "\uFFFD"), strings.ToValidUTF8(l.Value, "\uFFFD")
		size += len(l.Key) + len(l.Value) + 2*binary.MaxVarintLen16
	}
	slices.SortStableFunc(list, func(a, b Label) int { return cmp.Compare(a.Key, b.Key) })
	text := make([]byte, 0, size)
	for i, l := range list {
		if i+1 < len(list) && list[i+1].Key == l.Key {
			continue
		}
		text = appendText(appendText(text, l.Key), l.Value)
	}
	return Labels{unique.Make(string(text))}
}

// LabelsOfMap is LabelsOf a map; a nil map has no labels, and is known.
func LabelsOfMap(m map[string]string) Labels {
	list := make([]Label, 0, len(m))
	for key, value := range m {
		list = append(list, Label{key, value})
	}
	return LabelsOf(list...)
}

func appendText(buf []byte, s string) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(s))), s...)
}

// Known reports whether l holds a map, be it empty.
func (l Labels) Known() bool { return l != Labels{} }

// All iterates over the labels in the order of their keys, without allocation.
func (l Labels) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if !l.Known() {
			return
		}
		for rest := l.handle.Value(); rest != ""; {
			var key, value string
			key, rest = cutText(rest)
			value, rest = cutText(rest)
			if !yield(key, value) {
				return
			}
		}
	}
}

// cutText takes apart what appendText has put together.
func cutText(s string) (text, rest string) {
	n, shift := 0, 0
	for s[0] >= 0x80 {
		n |= int(s[0]&0x7f) << shift
		shift += 7
		s = s[1:]
	}
	n |= int(s[0]) << shift
	return s[1 : 1+n], s[1+n:]
}

// Get returns the value of a key.
func (l Labels) Get(key string) (value string, ok bool) {
	for k, v := range l.All() {
		if k == key {
			return v, true
		}
	}
	return "", false
}

// Len is the number of labels.
func (l Labels) Len() int {
	n := 0
	for range l.All() {
		n++
	}
	return n
}

// List returns the labels in the order of their keys.
func (l Labels) List() []Label {
	var list []Label
	for key, value := range l.All() {
		list = append(list, Label{key, value})
	}
	return list
}

// CompareLabels orders by the first label that differs, by its key and then its value.
func CompareLabels(a, b Labels) int {
	return slices.CompareFunc(a.List(), b.List(), func(x, y Label) int {
		return cmp.Or(cmp.Compare(x.Key, y.Key), cmp.Compare(x.Value, y.Value))
	})
}
