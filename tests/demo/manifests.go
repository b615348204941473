package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

type object = cluster.Object

// ingressPort is the node port by which customers call.
const ingressPort = 30443

// manifests are the objects of the application, JSON of a List, for kubectl. The bank is
// at an address and a port.
func manifests(bank string) (string, error) {
	var items []object
	seen := map[string]bool{}
	for _, w := range shop {
		if !seen[w.namespace] {
			seen[w.namespace] = true
			items = append(items, object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": w.namespace}})
		}
		items = append(items, w.controller(bank))
		if w.port != 0 {
			items = append(items, w.service())
		}
		if len(w.admits) > 0 {
			items = append(items, w.policy())
		}
	}
	text, err := json.Marshal(object{"apiVersion": "v1", "kind": "List", "items": items})
	return string(text), err
}

func (w workload) meta() object {
	return object{"name": w.name, "namespace": w.namespace, "labels": w.labels()}
}

func (w workload) labels() object { return object{"app": w.name} }

func (w workload) controller(bank string) object {
	template := object{"metadata": object{"labels": w.labels()}, "spec": w.pod(bank)}
	switch w.kind {
	case "CronJob":
		return object{"apiVersion": "batch/v1", "kind": w.kind, "metadata": w.meta(), "spec": object{
			"schedule": "* * * * *", "concurrencyPolicy": "Forbid",
			"jobTemplate": object{"spec": object{"template": template}},
		}}
	case "DaemonSet":
		return object{"apiVersion": "apps/v1", "kind": w.kind, "metadata": w.meta(), "spec": object{
			"selector": object{"matchLabels": w.labels()}, "template": template,
		}}
	}
	return object{"apiVersion": "apps/v1", "kind": w.kind, "metadata": w.meta(), "spec": object{
		"replicas": w.replicas, "selector": object{"matchLabels": w.labels()}, "template": template,
	}}
}

// settle is how long pods wait before they call: all serve by then, so that nobody is
// refused who is not meant to be.
const settle = "10s"

// pod has a container that serves, and one for each call.
func (w workload) pod(bank string) object {
	var containers []object
	run := func(name string, args ...string) {
		containers = append(containers, object{
			"name": name, "image": cluster.NetpeerImage, "imagePullPolicy": "Never", "args": args,
		})
	}
	if w.port != 0 {
		run(w.name, "serve", "-port="+strconv.Itoa(w.port))
	}
	calls := 0 // without end
	if w.kind == "CronJob" {
		calls = 2
	}
	for i, c := range w.calls {
		network, address := "tcp", bank
		if c.to != theBank {
			to := find(c.to)
			address = fmt.Sprintf("%s.%s.svc.cluster.local.:%d", to.name, to.namespace, to.port)
			if to.udp {
				network = "udp"
			}
		}
		run("call-"+strconv.Itoa(i), "dial", "-network="+network, "-count="+strconv.Itoa(calls),
			"-bytes="+strconv.Itoa(c.bytes), "-delay="+settle, "-pause="+c.every.String(), "-timeout=2s", address)
	}
	spec := object{"containers": containers, "terminationGracePeriodSeconds": 1, "hostNetwork": w.hostNetwork}
	if w.kind == "CronJob" {
		spec["restartPolicy"] = "Never"
	}
	return spec
}

// service is behind a node port where customers call, and keeps their addresses.
func (w workload) service() object {
	protocol := "TCP"
	if w.udp {
		protocol = "UDP"
	}
	port := object{"name": "main", "port": w.port, "protocol": protocol}
	spec := object{"selector": w.labels(), "ports": []object{port}}
	if w.namespace == "ingress" {
		port["nodePort"] = ingressPort
		spec["type"], spec["externalTrafficPolicy"] = "NodePort", "Local"
	}
	return object{"apiVersion": "v1", "kind": "Service", "metadata": w.meta(), "spec": spec}
}

// policy admits those who may call, and nobody else.
func (w workload) policy() object {
	var from []object
	for _, who := range slices.Sorted(slices.Values(w.admits)) {
		namespace, name, one := strings.Cut(who, "/")
		peer := object{"namespaceSelector": object{"matchLabels": object{"kubernetes.io/metadata.name": namespace}}}
		if one {
			peer["podSelector"] = object{"matchLabels": object{"app": name}}
		}
		from = append(from, peer)
	}
	return object{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": w.meta(), "spec": object{
		"podSelector": object{"matchLabels": w.labels()}, "policyTypes": []string{"Ingress"},
		"ingress": []object{{"from": from}},
	}}
}
