package document

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// room returns dst with room for n more bytes.
func room(dst []byte, n int) []byte {
	if cap(dst)-len(dst) < n {
		return grow(dst, n)
	}
	return dst
}

// grow is apart from room so that room costs no call.
//
//go:noinline
func grow(dst []byte, n int) []byte { return slices.Grow(dst, n) }

// piece is a text that is known beforehand, and mostly short: a call to copy it would take longer
// than the copying. So a move of a fixed size copies it, with what lies behind it in head, into the
// room behind what is written.
type piece struct {
	head [32]byte
	n    int    // how much of head there is
	rest string // what does not fit into head
}

func newPiece(s string) (p piece) {
	p.n = copy(p.head[:], s)
	p.rest = s[p.n:]
	return p
}

func appendPiece(dst []byte, p *piece) []byte {
	dst = room(dst, len(p.head))
	n := len(dst)
	*(*[len(p.head)]byte)(dst[n : n+len(p.head)]) = p.head
	dst = dst[:n+p.n]
	if p.rest != "" {
		dst = append(dst, p.rest...)
	}
	return dst
}

// appendString appends s as a JSON string, and a comma.
func appendString(dst []byte, s string) []byte {
	return append(appendText(append(dst, '"'), s), `",`...)
}

// appendText appends s as it is in a JSON string. Bytes that are not UTF-8 become U+FFFD. It looks
// at eight bytes at a time, of which the last may be looked at twice, and copies what it looked at.
func appendText(dst []byte, s string) []byte {
	dst = room(dst, len(s))
	to := dst[len(dst) : len(dst)+len(s)]
	var last uint64
	switch {
	case len(s) >= 8:
		for i := 0; i < len(s)-8; i += 8 {
			x := binary.LittleEndian.Uint64([]byte(s[i : i+8]))
			if !eightPlain(x) {
				return appendEscaped(dst, s)
			}
			binary.LittleEndian.PutUint64(to[i:i+8], x)
		}
		last = binary.LittleEndian.Uint64([]byte(s[len(s)-8:]))
		binary.LittleEndian.PutUint64(to[len(to)-8:], last)
	case len(s) >= 4:
		a, b := binary.LittleEndian.Uint32([]byte(s)), binary.LittleEndian.Uint32([]byte(s[len(s)-4:]))
		binary.LittleEndian.PutUint32(to, a)
		binary.LittleEndian.PutUint32(to[len(to)-4:], b)
		last = uint64(a) | uint64(b)<<32
	default:
		last = '0' * 0x0101010101010101 // all plain
		for i := range len(s) {
			to[i] = s[i]
			last = last<<8 | uint64(s[i])
		}
	}
	if !eightPlain(last) {
		return appendEscaped(dst, s)
	}
	return dst[:len(dst)+len(s)]
}

// appendEscaped is appendText for a text of which not all is plain.
func appendEscaped(dst []byte, s string) []byte {
	start, i := 0, 0
	for i < len(s) {
		c := s[i]
		switch {
		case plain(c):
			i++
		case c < utf8.RuneSelf:
			dst = appendEscape(append(dst, s[start:i]...), c)
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

// eightPlain sets the highest bit of each byte that is not ASCII, below a space, a quote or a
// backslash. A borrow from one byte can spoil the next only when the first is set already.
func eightPlain(x uint64) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	return (x|(x-' '*ones)|((x^'"'*ones)-ones)|((x^'\\'*ones)-ones))&high == 0
}

func appendEscape(dst []byte, c byte) []byte {
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

// appendInteger appends n and a comma. It knows where the last digit goes, and so needs no copy as
// strconv.AppendInt does.
func appendInteger(dst []byte, n int64) []byte {
	const longest = len("-9223372036854775808,")
	dst = room(dst, longest)
	u := uint64(n)
	if n < 0 {
		dst = append(dst, '-')
		u = -u
	}
	from := len(dst)
	i := from + digits(u)
	dst = dst[:i+1]
	dst[i] = ','
	for ; u >= 100; u /= 100 {
		i -= 2
		putTwo(dst[i:], uint32(u%100))
	}
	if u >= 10 {
		putTwo(dst[from:], uint32(u))
	} else {
		dst[from] = byte('0' + u)
	}
	return dst
}

// digits is how many u is written with.
func digits(u uint64) int {
	n := bits.Len64(u|1) * 1233 >> 12 // by log10 of 2, one less than that or just as many
	if u >= powers[n] {
		n++
	}
	return n
}

// powers are those of ten.
var powers = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = 10 * p[i-1]
	}
	p[0] = 0 // for zero is written with a digit
	return p
}()

// two are the numbers below a hundred with two digits each.
const two = "00010203040506070809" +
	"10111213141516171819" +
	"20212223242526272829" +
	"30313233343536373839" +
	"40414243444546474849" +
	"50515253545556575859" +
	"60616263646566676869" +
	"70717273747576777879" +
	"80818283848586878889" +
	"90919293949596979899"

func putTwo(b []byte, n uint32) { b[0], b[1] = two[2*n], two[2*n+1] }

// end closes a list after its last item, which a comma follows.
func end(dst []byte) []byte {
	if last := len(dst) - 1; dst[last] == ',' {
		dst = dst[:last]
	}
	return append(dst, "],"...)
}
