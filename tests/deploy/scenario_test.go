package deploy

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

// TestScenario has an application talk on two nodes, in every way that pods talk, and
// compares what is recorded of it with what it declares: no record may be missing, none
// extra, and every name, address and number be right. It does so in each mode of the
// chart, which is installed anew.
func TestScenario(t *testing.T) {
	s := newSiteWith(t, cluster.Options{Nodes: 2, DNS: true, NetworkPolicy: true})
	s.apply("namespace", encode(object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": namespace}}))
	a := newApplication(s)
	for _, way := range []struct {
		name string
		// install returns what reads all flows that have arrived.
		install func(*application) (flows func() ([]attributes, error))
		told    detail
	}{
		{"store", (*application).throughStore, everything},
		{"Elasticsearch", (*application).throughElasticsearch, aggregated},
		{"OTLP", (*application).throughOTLP, everything},
	} {
		t.Run(way.name, func(t *testing.T) {
			a := a.in(t)
			flows := way.install(a)
			time.Sleep(silence) // servers were there before the agents
			want := a.run()
			a.recorded(flows, want, way.told)
		})
	}
}

// in is the application in a subtest.
func (a *application) in(t *testing.T) *application {
	in := *a
	in.site = &site{a.Cluster, t}
	return &in
}

// settled is for how long records must stay what they are: more than agents hold them
// for to merge them, and several intervals, in which one that is told twice would come.
const settled = 10 * time.Second

// recorded waits until the records of the application are what was declared, as far as
// they tell it, and stay so.
func (a *application) recorded(flows func() ([]attributes, error), want []record, told detail) {
	a.t.Helper()
	declared := told.sums(want)
	var since time.Time
	a.eventually("the records are what was declared", func() error {
		all, err := flows()
		if err != nil {
			return err
		}
		var got []record
		for _, f := range all {
			if a.takesPart(f) {
				got = append(got, f.record())
			}
		}
		if d := difference(told.sums(got), declared); d != "" {
			since = time.Time{}
			return fmt.Errorf("they differ:\n%s", d)
		}
		if since.IsZero() {
			since = time.Now()
		}
		if time.Since(since) < settled {
			return errors.New("they are, and have to stay so")
		}
		return nil
	})
}

// talk is one thing that the application does, and the records that must come of it.
type talk struct {
	about    string
	from     end
	networks []string // it is done by each
	to       string   // as the client has it
	count    int      // of connections, or of datagrams of one flow
	bytes    int      // in each direction, of each
	// records are what each network's are but for their amounts, which are of what was done.
	records []record
}

// run makes all the traffic and returns all records that must come of it.
func (a *application) run() (want []record) {
	a.t.Helper()
	for _, talk := range a.talks() {
		for _, network := range talk.networks {
			want = append(want, a.do(talk, network)...)
		}
	}
	want = append(want, a.denials()...)
	want = append(want, a.report()...)
	return append(want, a.roll()...)
}

// do talks, and declares what must be recorded.
func (a *application) do(t talk, network string) (want []record) {
	a.t.Helper()
	var o outcome
	if t.from == a.machine {
		o = a.dialFromMachine(network, t.to, t.count, t.bytes)
	} else {
		o = a.dial(t.from, network, t.to, fmt.Sprint("-count=", t.count), fmt.Sprint("-bytes=", t.bytes))
	}
	require.Equal(a.t, outcome{OK: t.count, Sent: t.count * t.bytes, Received: t.count * t.bytes},
		outcome{OK: o.OK, Sent: o.Sent, Received: o.Received, Error: o.Error}, "%s: %s", network, t.about)
	done := amounts{started: t.count, completed: t.count, sent: o.Sent, received: o.Received}
	if network == "udp" {
		done.started, done.completed, done.datagrams, done.answers = 1, 1, t.count, t.count
	}
	for _, r := range t.records {
		r.transport, r.amounts = network, done
		want = append(want, r)
	}
	return append(want, a.lookups(t.from, o)...)
}

// lookups are the records of a pod that asked for names. Each query has a socket of its
// own, from a port that one before may have had: how many flows that is nobody knows.
func (a *application) lookups(from end, o outcome) []record {
	if o.Queries == 0 {
		return nil
	}
	dns := a.pod("kube-system", "kube-dns")
	address, _ := a.service("kube-system", "kube-dns")
	source := record{
		by: "source", on: from.node, transport: "udp", from: from, to: dns, port: 53,
		service: "kube-system/kube-dns:53", asked: at(address, 53),
		amounts: amounts{datagrams: o.Queries, sent: o.QueryBytes, answers: o.Answers, received: o.AnswerBytes},
	}
	return []record{source, source.byDestination()}
}
