package document

import "time"

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
