package workload

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// chance draws from the distributions that traffic follows.
type chance struct{ *rand.Rand }

func newChance(seed uint64) chance { return chance{rand.New(rand.NewPCG(seed, 0x666c6f77))} }

func (c chance) hits(share float64) bool { return c.Float64() < share }

// poisson is how often something happens that does mean times on average.
func (c chance) poisson(mean float64) int {
	if mean > 50 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*c.NormFloat64())))
	}
	n := 0
	for p := c.Float64(); p > math.Exp(-mean); p *= c.Float64() {
		n++
	}
	return n
}

// geometric is at least 1.
func (c chance) geometric(mean float64) int {
	n := 1
	for !c.hits(1 / mean) {
		n++
	}
	return n
}

func (c chance) exponential(mean time.Duration) time.Duration {
	return time.Duration(c.ExpFloat64() * float64(mean))
}

// duration is any shorter than most.
func (c chance) duration(most time.Duration) time.Duration {
	return time.Duration(c.Int64N(int64(most)))
}

func (c chance) logNormal(median, sigma float64) float64 {
	return median * math.Exp(sigma*c.NormFloat64())
}

// pareto has a heavy tail, which ends at most.
func (c chance) pareto(least, exponent, most float64) float64 {
	return min(least/math.Pow(1-c.Float64(), 1/exponent), most)
}

// zipf draws numbers of which the k-th is 1/k^exponent as likely as the first.
type zipf struct{ sums []float64 }

func newZipf(n int, exponent float64) zipf {
	z := zipf{make([]float64, n)}
	sum := 0.0
	for i := range z.sums {
		sum += math.Pow(float64(i+1), -exponent)
		z.sums[i] = sum
	}
	return z
}

func (z zipf) draw(c chance) int {
	i, _ := slices.BinarySearch(z.sums, c.Float64()*z.sums[len(z.sums)-1])
	return min(i, len(z.sums)-1)
}

// share is how likely i is.
func (z zipf) share(i int) float64 {
	before := 0.0
	if i > 0 {
		before = z.sums[i-1]
	}
	return (z.sums[i] - before) / z.sums[len(z.sums)-1]
}

func pick[T any](c chance, list []T) T { return list[c.IntN(len(list))] }
