package identity_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const grace = 2 * time.Minute

// clock is a time that tests step, in seconds.
type clock struct{ at int64 }

func (c *clock) now() time.Time { return time.Unix(c.at, 0) }

func newIndex() (*identity.Index, *clock) {
	c := &clock{at: 1000}
	return identity.NewIndex(grace, c.now), c
}

func seconds(n int64) int64 { return n * int64(time.Second) }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// pod is a running pod that started at a second.
func pod(name string, started int64, addresses ...string) *identity.Pod {
	p := &identity.Pod{UID: "uid-" + name, Name: name, Namespace: flow.Intern("shop"), Started: seconds(started), Ran: seconds(started + 2)}
	for _, a := range addresses {
		p.Addresses = append(p.Addresses, addr(a))
	}
	return p
}

func completed(p *identity.Pod, at int64) *identity.Pod {
	done := *p
	done.Released = seconds(at)
	return &done
}

// at asks who held 10.0.0.1 from one second to another.
func at(x *identity.Index, first, last int64) string {
	p, verdict := x.PodAt(addr("10.0.0.1"), seconds(first), seconds(last))
	switch verdict {
	case identity.Found:
		return p.Name
	case identity.Ambiguous:
		return "ambiguous"
	default:
		return ""
	}
}

func TestAnAddressNamesThePodThatHeldItThen(t *testing.T) {
	x, c := newIndex()
	x.SetPod(pod("a", 900, "10.0.0.1"))
	assert.Equal(t, "a", at(x, 1000, 1000))
	assert.Equal(t, "a", at(x, 900, 900), "from its start")
	assert.Empty(t, at(x, 890, 899), "not before it")
	assert.Equal(t, "a", at(x, 890, 905), "an interval in which it started")

	c.at = 1010
	x.DeletePod("uid-a")
	assert.Equal(t, "a", at(x, 1009, 1009), "what ended stays for a grace period")
	assert.Equal(t, "a", at(x, 1005, 1020), "an interval in which it was deleted")
	assert.Empty(t, at(x, 1010, 1020))

	c.at = 1020
	x.SetPod(pod("b", 1015, "10.0.0.1"))
	assert.Equal(t, "a", at(x, 1005, 1009), "an address that is used again renames no older flow")
	assert.Equal(t, "b", at(x, 1016, 1020))
	assert.Equal(t, "ambiguous", at(x, 1005, 1016), "an interval of two")

	c.at = 1010 + 121
	x.Sweep()
	assert.Empty(t, at(x, 1005, 1009), "forgotten after the grace period")
	assert.Equal(t, "b", at(x, 1005, 1016))
	assert.Nil(t, x.Pod(identity.IDOf("uid-a")))
}

func TestAnAddressMayBeTakenBeforeItsLastHolderIsSeenToGo(t *testing.T) {
	x, c := newIndex()
	x.SetPod(pod("a", 900, "10.0.0.1"))
	c.at = 1010
	x.SetPod(pod("b", 1003, "10.0.0.1")) // its first container ran at 1005
	assert.Equal(t, "a", at(x, 1000, 1002))
	assert.Equal(t, "ambiguous", at(x, 1003, 1004), "b had started, but a may have been there still")
	assert.Equal(t, "b", at(x, 1005, 1005), "b ran, so a was gone, whatever was seen of it")
	c.at = 1020
	x.DeletePod("uid-a")
	assert.Equal(t, "b", at(x, 1006, 1030))
}

func TestCompletedPodsReleaseTheirAddress(t *testing.T) {
	x, c := newIndex()
	job := pod("job", 900, "10.0.0.1")
	x.SetPod(job)
	c.at = 1050
	x.SetPod(completed(job, 1040))
	assert.Equal(t, "job", at(x, 1030, 1039))
	assert.Empty(t, at(x, 1040, 1050))
	x.SetPod(pod("next", 1042, "10.0.0.1"))
	assert.Equal(t, "next", at(x, 1043, 1043), "although the job's object is there and names the address")
	x.SetPod(completed(job, 1040)) // some label changed
	assert.Equal(t, "next", at(x, 1060, 1060))
	c.at += 121
	x.Sweep()
	assert.Empty(t, at(x, 1030, 1039), "its address is forgotten")
	assert.NotNil(t, x.Pod(identity.IDOf("uid-job")), "the pod is not, while it exists")

	late, _ := newIndex()
	late.SetPod(completed(pod("job", 900, "10.0.0.1"), 940))
	assert.Empty(t, at(late, 950, 1000), "one that had completed before it was seen")
	assert.Equal(t, "job", at(late, 930, 930))
}

func TestPodsWithoutAddress(t *testing.T) {
	x, c := newIndex()
	x.SetPod(pod("a", 990))
	assert.Empty(t, at(x, 1000, 1000))
	assert.Equal(t, "a", x.Pod(identity.IDOf("uid-a")).Name, "is known by its UID")
	c.at = 1005
	x.SetPod(pod("a", 990, "10.0.0.1", "fd00::1"))
	assert.Equal(t, "a", at(x, 991, 992), "its first address is its own from its start")
	for _, a := range []string{"::ffff:10.0.0.1", "fd00::1"} {
		p, verdict := x.PodAt(addr(a), seconds(1000), seconds(1001))
		assert.Equal(t, identity.Found, verdict, a)
		assert.Equal(t, "a", p.Name)
	}
	c.at = 1100
	x.SetPod(pod("a", 990, "10.0.0.2"))
	assert.Equal(t, "a", at(x, 1099, 1099))
	assert.Empty(t, at(x, 1100, 1101), "an address that it gave up")
	_, verdict := x.PodAt(addr("10.0.0.2"), seconds(1050), seconds(1099))
	assert.Equal(t, identity.Unknown, verdict, "a second one is not known to have been there before it was seen")
}

func TestPodsByTheirIDs(t *testing.T) {
	x, c := newIndex()
	const (
		uid    = "0a1b2c3d-0000-4000-8000-0123456789ab"
		hash   = "d41d8cd98f00b204e9800998ecf8427e"
		first  = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		second = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
	)
	with := func(container string) *identity.Pod {
		return &identity.Pod{UID: uid, Name: "static", Mirrors: identity.IDOf(hash), Containers: []identity.Container{{ID: identity.IDOf(container), Name: flow.Intern("main")}}}
	}
	x.SetPod(with(first))
	for _, id := range []string{uid, "0a1b2c3d0000400080000123456789ab", hash, first} {
		p := x.Pod(identity.IDOf(id))
		if assert.NotNil(t, p, id) {
			assert.Equal(t, "static", p.Name)
		}
	}
	assert.Equal(t, "main", x.Pod(identity.IDOf(hash)).Container(identity.IDOf(first)).String())
	assert.False(t, x.Pod(identity.IDOf(hash)).Container(identity.IDOf(second)).Known())
	x.SetPod(with(second))
	assert.Nil(t, x.Pod(identity.IDOf(first)), "a container that is no longer told of")
	assert.NotNil(t, x.Pod(identity.IDOf(second)))
	x.DeletePod(uid)
	assert.NotNil(t, x.Pod(identity.IDOf(second)), "during the grace period")
	x.SetPod(with(second))
	c.at += 121
	x.Sweep()
	assert.NotNil(t, x.Pod(identity.IDOf(second)), "it was there again")
	x.DeletePod(uid)
	c.at += 121
	x.Sweep()
	for _, id := range []string{uid, hash, second} {
		assert.Nil(t, x.Pod(identity.IDOf(id)), id)
	}
	assert.Equal(t, identity.Size{}, x.Size(), "without input it drains to empty")
}

func TestIDs(t *testing.T) {
	assert.False(t, identity.IDOf("").Known())
	assert.Equal(t, identity.IDOf("0a1b2c3d-0000-4000-8000-0123456789ab"), identity.IDOf("0a1b2c3d0000400080000123456789ab"))
	assert.NotEqual(t, identity.IDOf("1-1"), identity.IDOf("1-10"))
	assert.NotEqual(t, identity.IDOf("not hexadecimal"), identity.IDOf("neither this"))
	assert.True(t, identity.IDOf("x").Known())
}

func TestReplaceDeletesWhatIsNotInTheList(t *testing.T) {
	x, c := newIndex()
	x.SetPod(pod("a", 900, "10.0.0.1"))
	x.SetPod(pod("b", 900, "10.0.0.2"))
	c.at = 1100
	x.ReplacePods([]*identity.Pod{pod("b", 900, "10.0.0.2"), pod("c", 1050, "10.0.0.1")})
	assert.Equal(t, "a", at(x, 1000, 1000))
	assert.Equal(t, "c", at(x, 1060, 1060), "a reused address whose holder's end was not seen")
	assert.Equal(t, "ambiguous", at(x, 1050, 1051))
	assert.Equal(t, 3, x.Size().Pods)
	c.at += 121
	x.Sweep()
	assert.Equal(t, identity.Size{Pods: 2, Addresses: 2}, x.Size())
}

func TestOwnersAreLearntLater(t *testing.T) {
	var owner *identity.Owner
	assert.Equal(t, identity.Workload{}, owner.Workload())
	owner = new(identity.Owner)
	assert.Equal(t, identity.Workload{}, owner.Workload())
	web := identity.Workload{Kind: flow.Intern("Deployment"), Name: flow.Intern("web")}
	owner.Learn(web)
	assert.Equal(t, web, owner.Workload())
}
