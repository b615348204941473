package deploy

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

// apiServerAway is for how long there is no API server: longer than any watch waits before
// it tries again.
const apiServerAway = time.Minute

// mayBeOld matches records of an end that say that the other end is named by what was known
// before the cluster could not be watched any more. Its own is known by its control group.
var mayBeOld = map[string]string{
	"source":      "source.k8s.uncertain not exists and destination.k8s.uncertain = api_unavailable",
	"destination": "destination.k8s.uncertain not exists and source.k8s.uncertain = api_unavailable",
}

// apiServerIsAway kills the API server, and with it every watch, and has the client talk
// until it is started again, a minute later. That is told as at any time, but for the note
// that names may be old. What else a watch may meet has tests in tests/identity.
func (o *outage) apiServerIsAway(api visualizer) {
	o.t.Helper()
	before, err := o.containers(namespace, "app.kubernetes.io/name=otelcol-flowlogs")
	require.NoError(o.t, err)
	require.Len(o.t, before, 3)
	k := o.open(o.client, o.service)
	k.send(1)

	require.NoError(o.t, o.KillAPIServer())
	o.whileAway(api, k, time.Now().Add(apiServerAway))
	require.NoError(o.t, o.StartAPIServer(o.t.Context()))
	o.apply("a pod that is new", encode(o.visitor("newcomer")))
	for _, reporter := range []string{"source", "destination"} {
		o.eventually("new pods are named again", func() error {
			return api.has(reporter, "source.k8s.pod.name = newcomer and source.k8s.namespace.name = shop and destination.k8s.pod.name = server")
		})
	}
	o.eventually("names are certain again", func() error {
		gone := o.brief()
		o.bothTell(api, gone, gone.whole())
		for _, reporter := range []string{"source", "destination"} {
			if err := api.tellsOf(reporter, gone, "source.k8s.uncertain not exists and destination.k8s.uncertain not exists"); err != nil {
				return err
			}
		}
		return nil
	})
	k.send(1 << 16)
	k.close()
	o.bothTell(api, k, k.whole())
	after, err := o.containers(namespace, "app.kubernetes.io/name=otelcol-flowlogs")
	require.NoError(o.t, err)
	require.ElementsMatch(o.t, before, after, "nothing has restarted")
	for _, collector := range after {
		o.eventually("it had lost its watch", func() error { return o.lostWatch(collector.name) })
	}
}

// whileAway has the client talk until the API server is to be started again, by a
// connection that stays and by new ones.
func (o *outage) whileAway(api visualizer, k *kept, restart time.Time) {
	o.t.Helper()
	require.NoError(o.t, o.StaticPod(0, "stranger", o.visitor("stranger"))) // of which the kubelet can tell nobody
	var during []*kept
	o.eventually("names may be old", func() error {
		during = append(during, o.brief())
		for reporter, filter := range mayBeOld {
			if err := api.has(reporter, "source.k8s.pod.name = client and destination.k8s.pod.name = server and "+filter); err != nil {
				return err
			}
		}
		return nil
	})
	marked := len(during) // all that follow
	const pause = 5 * time.Second
	for part := 2; time.Until(restart) > 0; part *= 2 {
		time.Sleep(min(pause, time.Until(restart)))
		k.send(part)
		during = append(during, o.brief())
	}
	o.bothTell(api, k, told{Started: 1, Sent: k.sent, Returned: k.sent})
	for i, gone := range during {
		o.bothTell(api, gone, gone.whole())
		for reporter, filter := range mayBeOld {
			if i >= marked {
				require.NoError(o.t, api.tellsOf(reporter, gone, filter))
			}
		}
	}
	o.eventually("a pod that nobody told of is recorded without its name", func() error {
		return api.has("source", "destination.k8s.pod.name = server and source.k8s.pod.name not exists and container.id exists")
	})
}

// brief makes a connection that ends at once.
func (o *outage) brief() *kept {
	o.t.Helper()
	k := o.open(o.client, o.service)
	k.send(1)
	k.close()
	return k
}

// tellsOf fails unless all that an end tells of a connection that has ended is in records
// that a filter matches.
func (v visualizer) tellsOf(reporter string, k *kept, filter string) error {
	got, err := v.sum(reporter, k.filter()+" and "+filter)
	if err == nil && got != k.whole() {
		err = fmt.Errorf("where %s, %s tells %+v of %s, want %+v", filter, reporter, got, k.local, k.whole())
	}
	return err
}

// lostWatch fails unless the collector of a pod says that it could not watch pods for most
// of the time that the API server was away, and can again.
func (o *outage) lostWatch(pod string) error {
	logs, err := o.kubectl("", "-n", namespace, "logs", "--tail=-1", pod)
	if err != nil {
		return err
	}
	for line := range strings.Lines(logs) {
		_, fields, ok := strings.Cut(line, "the watch works again\t")
		var watch struct {
			Kind  string
			After float64 // seconds
		}
		if ok && json.Unmarshal([]byte(fields), &watch) == nil && watch.Kind == "pods" && watch.After > apiServerAway.Seconds()/2 {
			return nil
		}
	}
	return fmt.Errorf("%s does not say that it could not watch:\n%s", pod, logs)
}

// visitor is a pod of the client's node that connects to the server every now and then.
func (o *outage) visitor(name string) object {
	return object{
		"apiVersion": "v1", "kind": "Pod", "metadata": object{"name": name, "namespace": "shop"},
		"spec": object{"nodeName": o.NodeName(0), "containers": []object{{
			"name": "main", "image": cluster.NetpeerImage, "imagePullPolicy": "Never",
			"args": []string{"dial", "-count=0", "-hold=500ms", o.serverIP + ":8080"},
		}}},
	}
}
