package deploy

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"sync"

	"github.com/stretchr/testify/require"
)

// denials is what policies do not let through, and nobody else has. A client gives up
// before its kernel does: of a drop on another node it knows nothing.
func (a *application) denials() []record {
	a.t.Helper()
	near, prisoner, web, db, vault := a.pod("shop", "near"), a.pod("shop", "prisoner"), a.pod("shop", "web"), a.pod("shop", "db"), a.pod("vault", "vault")
	vaultIP, _ := a.service("vault", "vault")
	const drop = "policy_drop netfilter_drop"
	var (
		attempt = amounts{started: 1, completed: 1}
		givenUp = amounts{started: 1, completed: 1, abandoned: 1}
		packet  = amounts{started: 1, completed: 1, datagrams: 1, sent: 33}
	)
	for _, denied := range []struct {
		from        end
		network, to string
		bytes       string
	}{
		{near, "tcp", at(vault.address, 8080), "10"},
		{near, "tcp", at(vaultIP, 80), "10"},
		{near, "udp", at(vault.address, 8080), "33"},
		{prisoner, "tcp", at(db.address, 8080), "10"},
		{prisoner, "udp", at(web.address, 8080), "33"},
	} {
		o := a.dial(denied.from, denied.network, denied.to, "-bytes="+denied.bytes, "-timeout=700ms")
		require.Zero(a.t, o.OK, "%+v", denied)
	}
	return []record{
		{by: "source", on: "node-0", transport: "tcp", from: near, to: vault, port: 8080, amounts: givenUp},
		{by: "destination", on: "node-1", transport: "tcp", from: near, to: vault, port: 8080, denied: drop, amounts: attempt},

		{by: "source", on: "node-0", transport: "tcp", from: near, to: vault, port: 8080, service: "vault/vault:80", asked: at(vaultIP, 80), amounts: givenUp},
		{by: "destination", on: "node-1", transport: "tcp", from: near, to: vault, port: 8080, denied: drop, amounts: attempt},

		{by: "source", on: "node-0", transport: "udp", from: near, to: vault, port: 8080, amounts: packet},
		{by: "destination", on: "node-1", transport: "udp", from: near, to: vault, port: 8080, denied: drop, amounts: packet},

		// Who is on the node that drops is told so.
		{by: "source", on: "node-0", transport: "tcp", from: prisoner, to: db, port: 8080, service: "shop/db:8080", denied: drop, amounts: attempt},
		{by: "source", on: "node-0", transport: "udp", from: prisoner, to: web, port: 8080, denied: drop, amounts: packet},
	}
}

// report has a CronJob's pod talk as soon as it starts, and end.
func (a *application) report() []record {
	a.t.Helper()
	for _, command := range [][]string{
		{"delete", "job", "--all", "--cascade=foreground"},
		{"create", "job", "report", "--from=cronjob/report"},
		{"wait", "job/report", "--for=condition=Complete", "--timeout=100s"},
	} {
		_, err := a.kubectl("", append([]string{"-n", "shop"}, command...)...)
		require.NoError(a.t, err)
	}
	said, err := a.kubectl("", "-n", "shop", "logs", "job/report")
	require.NoError(a.t, err)
	var o outcome
	require.NoError(a.t, json.Unmarshal([]byte(said), &o))
	require.Equal(a.t, outcome{OK: 5, Sent: 1500, Received: 1500}, o)

	pod, web := a.pod("shop", "report"), a.pod("shop", "web")
	address, _ := a.service("shop", "web")
	done := amounts{started: 5, completed: 5, sent: 1500, received: 1500}
	return []record{
		{by: "source", on: "node-1", transport: "tcp", from: pod, to: web, port: 8080, service: "shop/web:80", asked: at(address, 80), amounts: done},
		{by: "destination", on: "node-0", transport: "tcp", from: pod, to: web, port: 8080, amounts: done},
	}
}

// roll replaces the pods of a Deployment, one after the other, while they are used.
// Each record has to name the pod that had the address, and have what that pod counted.
func (a *application) roll() (want []record) {
	a.t.Helper()
	far := a.pod("shop", "far")
	address, _ := a.service("shop", "roll")
	old := a.pods("shop", "roll")
	require.Len(a.t, old, 2)
	before, last := make([]counts, len(old)), make([]func() counts, len(old))
	for i, pod := range old {
		before[i], last[i] = a.counts(pod), a.lastWords(pod)
	}
	made := 0
	talk := func() {
		const count, size = 20, 1234
		o := a.dial(far, "tcp", at(address, 80), "-count=20", "-bytes=1234", "-pause=30ms")
		require.Equal(a.t, outcome{OK: count, Sent: count * size, Received: count * size}, o, "while pods are replaced")
		made += count
	}
	talk() // so that none goes before it was asked for
	_, err := a.kubectl("", "-n", "shop", "rollout", "restart", "deployment/roll")
	require.NoError(a.t, err)
	rolled := make(chan error, 1)
	go func() {
		_, err := a.kubectl("", "-n", "shop", "rollout", "status", "deployment/roll", "--timeout=100s")
		rolled <- err
	}()
	for rolling := true; rolling; {
		talk()
		select {
		case err := <-rolled:
			require.NoError(a.t, err)
			rolling = false
		default:
		}
	}
	talk()

	counted := 0
	declare := func(pod end, c counts) {
		require.NotZero(a.t, c.Connections, "%s was never asked for", pod)
		counted += c.Connections
		source := record{
			by: "source", on: far.node, transport: "tcp", from: far, to: pod, port: 8080, service: "shop/roll:80", asked: at(address, 80),
			amounts: amounts{started: c.Connections, completed: c.Connections, sent: c.Bytes, received: c.Bytes},
		}
		want = append(want, source, source.byDestination())
	}
	for i, pod := range old {
		c := last[i]()
		declare(pod, counts{c.Connections - before[i].Connections, c.Bytes - before[i].Bytes})
	}
	for _, pod := range a.pods("shop", "roll") {
		for _, gone := range old {
			require.NotEqual(a.t, gone.pod, pod.pod)
		}
		declare(pod, a.counts(pod))
	}
	require.Equal(a.t, made, counted, "connections that pods were asked for")
	return want
}

// counts is what a netpeer that serves says of itself.
type counts struct {
	Connections int `json:"connections"`
	Bytes       int `json:"tcp_bytes"`
}

// counts asks a pod.
func (a *application) counts(pod end) (c counts) {
	a.t.Helper()
	out, err := a.Exec(a.t.Context(), pod.namespace, pod.pod, "/netpeer", "counts")
	require.NoError(a.t, err)
	require.NoError(a.t, json.Unmarshal(out, &c))
	return c
}

// lastWords follows a pod's log, and returns what waits for its end and what it
// says then.
func (a *application) lastWords(pod end) func() counts {
	a.t.Helper()
	cmd := exec.Command(a.Kubectl(), "--kubeconfig="+a.Kubeconfig(), "-n", pod.namespace, "logs", "--follow", pod.pod)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	require.NoError(a.t, cmd.Start())
	wait := sync.OnceValue(cmd.Wait)
	a.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = wait()
	})
	return func() (c counts) {
		require.NoError(a.t, wait(), "%s", &stderr)
		require.NoError(a.t, json.Unmarshal(out.Bytes(), &c), "%s", &out)
		return c
	}
}
