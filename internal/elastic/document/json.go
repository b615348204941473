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
	const second, day = uint64(time.Second), 24 * 60 * 60
	seconds, fraction := uint64(ns)/second, uint32(uint64(ns)%second)
	year, month, date := civil(uint32(seconds / day))
	ofDay := uint32(seconds % day)
	var b [len("2006-01-02T15:04:05.000000000")]byte
	putTwo(b[0:], year/100)
	putTwo(b[2:], year%100)
	b[4] = '-'
	putTwo(b[5:], month)
	b[7] = '-'
	putTwo(b[8:], date)
	b[10] = 'T'
	putTwo(b[11:], ofDay/3600)
	b[13] = ':'
	putTwo(b[14:], ofDay/60%60)
	b[16] = ':'
	putTwo(b[17:], ofDay%60)
	n := 19
	if fraction != 0 {
		b[19] = '.'
		putTwo(b[20:], fraction/10_000_000)
		putTwo(b[22:], fraction/100_000%100)
		putTwo(b[24:], fraction/1000%100)
		putTwo(b[26:], fraction/10%100)
		b[28] = byte('0' + fraction%10)
		for n = len(b); b[n-1] == '0'; n-- {
		}
	}
	return append(append(dst, b[:n]...), 'Z')
}

// civil is the date of a day since the Unix epoch. It counts years from March, so that the day
// that leap years have is their last, and in eras of 400 years, which all have the same days:
// https://howardhinnant.github.io/date_algorithms.html.
func civil(days uint32) (year, month, date uint32) {
	const daysOfEra, toEpoch = 146097, 719468 // from the first of March of the year 0
	days += toEpoch
	era, day := days/daysOfEra, days%daysOfEra
	year = (day - day/1460 + day/36524 - day/146096) / 365
	day -= 365*year + year/4 - year/100
	fromMarch := (5*day + 2) / 153
	date = day - (153*fromMarch+2)/5 + 1
	month = fromMarch + 3
	if month > 12 {
		month -= 12
		year++
	}
	return year + 400*era, month, date
}

func putTwo(b []byte, n uint32) { b[0], b[1] = byte('0'+n/10), byte('0'+n%10) }

// end closes a list or an object after its last item, which a comma follows.
func end(dst []byte, bracket byte) []byte {
	if last := len(dst) - 1; dst[last] == ',' {
		dst[last] = bracket
		return dst
	}
	return append(dst, bracket)
}
