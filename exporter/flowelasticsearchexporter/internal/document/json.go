package document

import (
	"encoding/binary"
	"time"
	"unicode/utf8"
)

// appendString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = appendText(dst, s)
	return append(dst, '"')
}

// appendText is appendString without the quotes.
func appendText(dst []byte, s string) []byte {
	if allPlain(s) {
		return append(dst, s...)
	}
	start, i := 0, 0
	for i < len(s) {
		c := s[i]
		switch {
		case plain(c):
			i++
		case c < utf8.RuneSelf:
			dst = appendEscaped(append(dst, s[start:i]...), c)
			i++
			start = i
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += size
		}
	}
	return append(dst, s[start:]...)
}

// plain reports whether c stands for itself in a JSON string.
func plain(c byte) bool { return c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf }

// allPlain looks at eight bytes at a time, the last of which may be looked at twice.
func allPlain(s string) bool {
	if len(s) < 8 {
		for i := range len(s) {
			if !plain(s[i]) {
				return false
			}
		}
		return true
	}
	for i := 0; i < len(s)-8; i += 8 {
		if !eightPlain(s[i : i+8]) {
			return false
		}
	}
	return eightPlain(s[len(s)-8:])
}

// eightPlain sets the highest bit of each byte that is not ASCII, below a space, a quote or a
// backslash. A borrow from one byte can spoil the next only when the first is set already.
func eightPlain(s string) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	x := binary.LittleEndian.Uint64([]byte(s))
	return (x|(x-' '*ones)|((x^'"'*ones)-ones)|((x^'\\'*ones)-ones))&high == 0
}

func appendEscaped(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
	}
}

// appendTime appends a time in nanoseconds since the Unix epoch, which is not negative, as
// RFC 3339 writes it, without quotes. It takes half the time of time.AppendFormat.
func appendTime(dst []byte, ns int64) []byte {
	const second, day = int64(time.Second), 24 * 60 * 60
	seconds, fraction := ns/second, int(ns%second)
	year, month, date := time.Unix(seconds, 0).UTC().Date()
	ofDay := int(seconds % day)
	dst = append(appendTwo(appendTwo(dst, year/100), year%100), '-')
	dst = append(appendTwo(dst, int(month)), '-')
	dst = append(appendTwo(dst, date), 'T')
	dst = append(appendTwo(dst, ofDay/3600), ':')
	dst = append(appendTwo(dst, ofDay/60%60), ':')
	dst = appendTwo(dst, ofDay%60)
	if fraction != 0 {
		dst = append(dst, '.')
		for part := 100_000_000; fraction > 0; part /= 10 {
			dst = append(dst, byte('0'+fraction/part))
			fraction %= part
		}
	}
	return append(dst, 'Z')
}

func appendTwo(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// end closes a list or an object after its last item, which a comma follows.
func end(dst []byte, bracket byte) []byte {
	if last := len(dst) - 1; dst[last] == ',' {
		dst[last] = bracket
		return dst
	}
	return append(dst, bracket)
}
