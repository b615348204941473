package identity

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

// TestWatch runs its parts on one cluster, one after the other.
func TestWatch(t *testing.T) {
	s := newSite(t, cluster.Options{})
	s.networkSets()
	s.node("node-1", "192.168.7.1", "zone-a")
	s.node("node-2", "192.168.7.2", "zone-b")
	past := time.Now().Add(-time.Hour).Truncate(time.Second)
	s.pod("web-1", "node-1", past, []string{"10.244.0.1", "fd00::1"}, nil)
	s.pod("db-0", "node-2", past, []string{"10.244.0.2"}, nil)
	c := s.watch(kube.Config{}, everything...)
	part := func(name string, test func(s *site)) {
		t.Run(name, func(t *testing.T) { test(&site{s.Cluster, t}) })
	}

	part("what was there before", func(s *site) {
		assert.Equal(s.t, "web-1", who(c, "10.244.0.1"))
		assert.Equal(s.t, "web-1", who(c, "fd00::1"))
		assert.Equal(s.t, "db-0", who(c, "10.244.0.2"))
		p := c.Index.Pod(identity.IDOf(container("web-1")))
		require.NotNil(s.t, p)
		assert.Equal(s.t, "main", p.Container(identity.IDOf(container("web-1"))).String())
		assert.Contains(s.t, p.Labels.List(), flow.Label{Key: "app", Value: "web-1"}, "and perhaps some of its node's")
		assert.Contains(s.t, c.Index.NamespaceLabels(flow.Intern("shop")).List(), flow.Label{Key: "team", Value: "a"})
		n, _ := c.Index.NodeAt(netip.MustParseAddr("192.168.7.2"), time.Now().UnixNano(), time.Now().UnixNano())
		require.NotNil(s.t, n)
		assert.Equal(s.t, [2]string{"node-2", "zone-b"}, [2]string{n.Name.String(), n.Zone.String()})
	})
	part("an address that is used again", func(s *site) { addressReuse(s, c) })
	part("two families", func(s *site) { twoFamilies(s, c) })
	part("a job that completed", func(s *site) { completedJob(s, c) })
	part("owners", func(s *site) { owners(s, c) })
	part("services", func(s *site) { services(s, c) })
	part("network sets", func(s *site) { networkSets(s, c) })
	part("one node", func(s *site) {
		own := s.watch(kube.Config{Node: "node-1"}, kube.Pods, kube.Nodes)
		assert.Equal(s.t, "web-1", who(own, "10.244.0.1"))
		assert.Empty(s.t, who(own, "10.244.0.2"), "a pod of another node")
		assert.NotNil(s.t, own.Index.Node(flow.Intern("node-1")))
		assert.Nil(s.t, own.Index.Node(flow.Intern("node-2")))
		s.pod("here", "node-1", past, []string{"10.244.3.1"}, nil)
		s.pod("there", "node-2", past, []string{"10.244.3.2"}, nil)
		s.eventually("a new pod of the node", func() bool { return who(own, "10.244.3.1") == "here" })
		s.eventually("the whole cluster has both", func() bool { return who(c, "10.244.3.2") == "there" })
		assert.Empty(s.t, who(own, "10.244.3.2"))
	})
	part("shared", func(s *site) {
		assert.Same(s.t, c, s.acquire(kube.Config{}, kube.Pods), "one watch for a kind in a process")
		assert.NotSame(s.t, c, s.acquire(kube.Config{Node: "node-2"}, kube.Pods))
	})
}

func addressReuse(s *site, c *kube.Cluster) {
	const address = "10.244.1.1"
	began := time.Now().Add(-time.Minute).Truncate(time.Second)
	s.pod("first", "node-1", began, []string{address}, nil)
	s.eventually("the first", func() bool { return who(c, address) == "first" })
	s.remove(pods + "/first")
	s.eventually("the first is gone", func() bool { return who(c, address) == "" })
	again := time.Now().Truncate(time.Second)
	s.pod("second", "node-1", again, []string{address}, nil)
	s.eventually("the second", func() bool { return whoAt(c, address, time.Now().Add(2*time.Second)) == "second" })
	assert.Equal(s.t, "first", whoAt(c, address, began.Add(10*time.Second)), "an older flow keeps its name")
	assert.Empty(s.t, whoAt(c, address, began.Add(-time.Second)))
}

// twoFamilies has a pod get its second address later, and lose the first: the test cluster's
// nodes have IPv4 alone, so no kubelet tells of both.
func twoFamilies(s *site, c *kube.Cluster) {
	const v4, v6 = "10.244.1.3", "fd00::1:3"
	past := time.Now().Add(-time.Minute)
	s.pod("both", "node-1", past, []string{v4}, nil)
	s.eventually("the first", func() bool { return who(c, v4) == "both" })
	s.run("both", past, v4, v6)
	s.eventually("the second", func() bool { return who(c, v6) == "both" })
	assert.Equal(s.t, "both", who(c, v4))
	assert.Empty(s.t, whoAt(c, v6, past.Add(10*time.Second)), "it did not have that before")
	s.run("both", past, v6)
	s.eventually("the second alone", func() bool { return who(c, v4) == "" })
	assert.Equal(s.t, "both", who(c, v6))
}

func completedJob(s *site, c *kube.Cluster) {
	const address = "10.244.1.2"
	began := time.Now().Add(-time.Minute).Truncate(time.Second)
	s.pod("batch", "node-1", began, []string{address}, nil)
	s.eventually("it runs", func() bool { return who(c, address) == "batch" })
	ended := began.Add(30 * time.Second)
	s.patch(pods+"/batch/status", object{"status": object{"phase": "Succeeded", "containerStatuses": []object{{
		"name": "main", "image": "none", "imageID": "none", "ready": false, "restartCount": 0, "containerID": "containerd://" + container("batch"),
		"state": object{"terminated": object{
			"exitCode": 0, "containerID": "containerd://" + container("batch"),
			"startedAt": began.UTC().Format(time.RFC3339), "finishedAt": ended.UTC().Format(time.RFC3339),
		}},
	}}}})
	s.eventually("it has released its address", func() bool { return who(c, address) == "" })
	assert.Equal(s.t, "batch", whoAt(c, address, ended.Add(-time.Second)))
	s.pod("next", "node-1", ended.Add(5*time.Second), []string{address}, nil)
	s.eventually("its address is another's, while it is still there", func() bool { return who(c, address) == "next" })
}

// ownedBy gives an object a controller, and other labels.
func ownedBy(apiVersion, kind, name, uid string, labels object) func(object) {
	return func(o object) {
		m := o["metadata"].(object)
		m["ownerReferences"] = []object{{"apiVersion": apiVersion, "kind": kind, "name": name, "uid": uid, "controller": true}}
		m["labels"] = labels
	}
}

// jobOfCronJob makes a job that nobody runs, and returns what owns its pods.
func (s *site) jobOfCronJob(name, cronJob string) func(object) {
	s.t.Helper()
	job := object{"metadata": object{"name": name}, "spec": object{"template": object{
		"spec": object{"restartPolicy": "Never", "containers": []object{{"name": "main", "image": "none"}}},
	}}}
	ownedBy("batch/v1", "CronJob", cronJob, "cron", nil)(job)
	made := s.create("/apis/batch/v1/namespaces/shop/jobs", job)
	return ownedBy("batch/v1", "Job", name, made.Metadata.UID, object{})
}

func owners(s *site, c *kube.Cluster) {
	template := object{"metadata": object{"labels": object{"app": "x"}}, "spec": object{"containers": []object{{"name": "main", "image": "none"}}}}
	rollout := s.create("/apis/apps/v1/namespaces/shop/replicasets", object{
		"metadata": object{"name": "canary-1", "ownerReferences": []object{{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "canary", "uid": "roll", "controller": true}}},
		"spec":     object{"selector": object{"matchLabels": object{"app": "x"}}, "template": template},
	})
	for name, test := range map[string]struct {
		edit func(object)
		want string
	}{
		"of-deployment": {ownedBy("apps/v1", "ReplicaSet", "web-5d8f9c7b6", "none", object{"pod-template-hash": "5d8f9c7b6"}), "Deployment web"},
		"of-cronjob":    {s.jobOfCronJob("backup-1", "backup"), "CronJob backup"},
		"of-rollout":    {ownedBy("apps/v1", "ReplicaSet", "canary-1", rollout.Metadata.UID, object{}), "Rollout canary"},
		"of-gone":       {ownedBy("batch/v1", "Job", "gone", "gone", object{}), "Job gone"},
		"of-custom":     {ownedBy("example.com/v1", "Flock", "birds", "birds", object{}), "Flock birds"},
	} {
		p := s.pod(name, "node-1", time.Now(), nil, test.edit)
		s.eventually(name, func() bool {
			got := c.Index.Pod(identity.IDOf(p.Metadata.UID))
			if got == nil {
				return false
			}
			w := got.Owner.Workload()
			return w.Kind.String()+" "+w.Name.String() == test.want
		})
	}
}

func services(s *site, c *kube.Cluster) {
	at := func(address string, port uint16, node bool) string {
		now := time.Now().Add(time.Second).UnixNano()
		m, verdict := c.Index.ServiceAt(netip.MustParseAddr(address), port, flow.TransportTCP, node, now, now)
		if verdict != identity.Found {
			return ""
		}
		return m.Service.Name.String() + " " + m.Port.Name.String()
	}
	const path = "/api/v1/namespaces/shop/services"
	svc := s.create(path, object{
		"metadata": object{"name": "web"},
		"spec": object{"type": "LoadBalancer", "externalIPs": []string{"203.0.113.7"}, "selector": object{"app": "web-1"}, "ports": []object{
			{"name": "http", "port": 80, "targetPort": 8080}, {"name": "https", "port": 443},
		}},
	})
	s.eventually("by cluster IP", func() bool { return at(svc.Spec.ClusterIP, 80, false) == "web http" })
	assert.Equal(s.t, "web https", at("203.0.113.7", 443, false))
	assert.Equal(s.t, "web https", at("192.168.7.1", svc.Spec.Ports[1].NodePort, true))
	s.patch(path+"/web/status", object{"status": object{"loadBalancer": object{"ingress": []object{{"ip": "198.51.100.9"}}}}})
	s.eventually("by the load balancer", func() bool { return at("198.51.100.9", 80, false) == "web http" })

	s.create(path, object{"metadata": object{"name": "db"}, "spec": object{"clusterIP": "None", "ports": []object{{"name": "sql", "port": 5432}}}})
	db := c.Index.Pod(identity.IDOf(container("db-0")))
	s.create("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices", object{
		"metadata":    object{"name": "db-1", "labels": object{"kubernetes.io/service-name": "db", "service.kubernetes.io/headless": ""}},
		"addressType": "IPv4", "ports": []object{{"name": "sql", "port": 5432, "protocol": "TCP"}},
		"endpoints": []object{{"addresses": []string{"10.244.0.2"}, "targetRef": object{"kind": "Pod", "name": "db-0", "namespace": "shop", "uid": db.UID}}},
	})
	s.eventually("a headless one", func() bool {
		m, _ := c.Index.HeadlessAt(db, 5432, flow.TransportTCP)
		return m.Service != nil && m.Service.Name.String() == "db"
	})

	s.remove(path + "/web")
	s.eventually("one that is gone", func() bool { return at(svc.Spec.ClusterIP, 80, false) == "" })
}

func networkSets(s *site, c *kube.Cluster) {
	s.create(calicoGlobalSets, networkSet("GlobalNetworkSet", "partners", "198.51.100.0/24", "no prefix"))
	s.create(calicoSets, networkSet("NetworkSet", "printers", "192.0.2.7"))
	s.eventually("both", func() bool {
		return slices.Equal(setNames(c), []string{"/partners 198.51.100.0/24", "shop/printers 192.0.2.7/32"})
	})
	s.remove(calicoGlobalSets + "/partners")
	s.eventually("one that is gone", func() bool { return slices.Equal(setNames(c), []string{"shop/printers 192.0.2.7/32"}) })
}

// setNames are the cluster's network sets, in order.
func setNames(c *kube.Cluster) (names []string) {
	list, _ := c.NetworkSets()
	for _, n := range list {
		for _, p := range n.Prefixes {
			names = append(names, n.Namespace.String()+"/"+n.Name.String()+" "+p.String())
		}
	}
	slices.Sort(names)
	return names
}

func TestTheAPIServerMayBeAway(t *testing.T) {
	s := newSite(t, cluster.Options{})
	s.pod("before", "node-1", time.Now().Add(-time.Minute), []string{"10.244.0.1"}, nil)
	require.NoError(t, s.StopAPIServer())
	c := s.acquire(kube.Config{}, kube.Pods, kube.Nodes, kube.Services)
	s.eventually("it is told of", func() bool { return status(c, kube.Pods).Err != nil })
	assert.False(t, c.Settled(), "at the start it is waited for")
	require.NoError(t, s.StartAPIServer(t.Context()))
	s.eventually("it is there", c.Settled)
	assert.Equal(t, "before", who(c, "10.244.0.1"))
	assert.True(t, status(c, kube.Pods).Failing.IsZero())

	require.NoError(t, s.StopAPIServer())
	s.eventually("later it is told of as well", func() bool { return !status(c, kube.Pods).Failing.IsZero() })
	assert.Equal(t, "before", who(c, "10.244.0.1"), "what is known is used")
	assert.True(t, c.Settled())
	require.NoError(t, s.StartAPIServer(t.Context()))
	s.remove(pods + "/before")
	s.pod("after", "node-1", time.Now().Add(-time.Second), []string{"10.244.0.2"}, nil)
	s.eventually("the watch goes on", func() bool { return who(c, "10.244.0.2") == "after" && who(c, "10.244.0.1") == "" })
	assert.True(t, status(c, kube.Pods).Failing.IsZero())
	assert.NotZero(t, status(c, kube.Pods).Errors)
}

func TestASilentAPIServerIsToldOf(t *testing.T) {
	// A connection without a word is given up sooner than by the default, 30 s and 15 s.
	t.Setenv("HTTP2_READ_IDLE_TIMEOUT_SECONDS", "1")
	t.Setenv("HTTP2_PING_TIMEOUT_SECONDS", "1")
	s := newSite(t, cluster.Options{})
	s.pod("before", "node-1", time.Now().Add(-time.Minute), []string{"10.244.0.1"}, nil)
	c := s.watch(kube.Config{}, kube.Pods, kube.Nodes, kube.Services)
	require.NoError(t, s.PauseAPIServer())
	s.eventually("it is told of", func() bool { return !status(c, kube.Pods).Failing.IsZero() })
	assert.Equal(t, "before", who(c, "10.244.0.1"), "what is known is used")
	require.NoError(t, s.ResumeAPIServer())
	s.eventually("it is there", func() bool { return status(c, kube.Pods).Failing.IsZero() })
	s.pod("after", "node-1", time.Now().Add(-time.Minute), []string{"10.244.0.2"}, nil)
	s.eventually("the watch goes on", func() bool { return who(c, "10.244.0.2") == "after" })
}
