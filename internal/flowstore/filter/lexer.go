package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is a filter that cannot be read, with where and what to do.
type Error struct {
	// Offset is the byte in the text at which the reading stopped.
	Offset  int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (at character %d)", e.Message, e.Offset+1) }

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenQuoted
	tokenSymbol // an operator, a parenthesis or a comma
)

type token struct {
	kind   tokenKind
	text   string // unquoted
	offset int
}

// is reports whether t is the keyword, in any case; a quoted word never is.
func (t token) is(keyword string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, keyword)
}

func (t token) symbol(s string) bool { return t.kind == tokenSymbol && t.text == s }

func (t token) String() string {
	if t.kind == tokenEnd {
		return "the end"
	}
	return fmt.Sprintf("%q", t.text)
}

// lex splits text into tokens; the last one is tokenEnd.
func lex(text string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '"':
			word, n, err := lexQuoted(text[i:], i)
			if err != nil {
				return nil, err
			}
			tokens = append(tokens, token{tokenQuoted, word, i})
			i += n
		case isBare(c):
			start := i
			for i < len(text) && isBare(text[i]) {
				i++
			}
			tokens = append(tokens, token{tokenWord, text[start:i], start})
		default:
			symbol, ok := lexSymbol(text[i:])
			if !ok {
				r, _ := utf8.DecodeRuneInString(text[i:])
				return nil, &Error{i, fmt.Sprintf("unexpected %q: put values with special characters in double quotes", r)}
			}
			tokens = append(tokens, token{tokenSymbol, symbol, i})
			i += len(symbol)
		}
	}
	return append(tokens, token{kind: tokenEnd, offset: len(text)}), nil
}

func lexSymbol(s string) (string, bool) {
	for _, symbol := range [...]string{"!=", "!~", "<=", ">=", "=", "<", ">", "~", "(", ")", ","} {
		if strings.HasPrefix(s, symbol) {
			return symbol, true
		}
	}
	return "", false
}

// lexQuoted reads a double-quoted word at the start of s and returns it with the
// number of bytes read.
func lexQuoted(s string, offset int) (string, int, error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), i + 1, nil
		case '\\':
			i++
			if i == len(s) || (s[i] != '"' && s[i] != '\\') {
				return "", 0, &Error{offset + i - 1, `a backslash in quotes must be followed by " or \`}
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, &Error{offset, "the quote is not closed"}
}

func isBare(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	default:
		return strings.IndexByte("_./:*@%+-", c) >= 0
	}
}

// quote prints s as one value, quoted only where needed.
func quote(s string) string {
	bare := s != ""
	for i := 0; i < len(s) && bare; i++ {
		bare = isBare(s[i])
	}
	if bare {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
