package main

import (
	"fmt"
	"time"
)

// workload is a part of the demo's application: pods that serve a port and call others.
type workload struct {
	kind            string // Deployment, StatefulSet, DaemonSet or CronJob
	namespace, name string
	replicas        int
	port            int // 0 serves nothing
	udp             bool
	hostNetwork     bool
	// admits are who may call it, as namespace or namespace/name; empty is everybody.
	admits []string
	calls  []call
}

// call is what each pod of a workload does again and again.
type call struct {
	to    string // namespace/name of a workload, or where the outside listens
	bytes int    // of the question and of the answer
	every time.Duration
}

// theBank is outside of the cluster, and so are the customers, who call the ingress.
const theBank = "bank"

// shop is the application: a web shop, what it stands on, and somebody who may not do
// what he tries.
var shop = []workload{
	{kind: "Deployment", namespace: "ingress", name: "gateway", replicas: 2, port: 8443, calls: []call{
		{"shop/frontend", 2400, 500 * time.Millisecond},
	}},
	{kind: "Deployment", namespace: "shop", name: "frontend", replicas: 2, port: 8080, calls: []call{
		{"shop/catalog", 9000, 700 * time.Millisecond},
		{"shop/cart", 700, time.Second},
		{"shop/checkout", 1800, 2 * time.Second},
		{"monitoring/statsd", 120, time.Second},
	}},
	{kind: "Deployment", namespace: "shop", name: "catalog", replicas: 1, port: 8080, calls: []call{
		{"data/postgres", 24000, time.Second},
	}},
	{kind: "Deployment", namespace: "shop", name: "cart", replicas: 1, port: 7070, calls: []call{
		{"data/redis", 300, 400 * time.Millisecond},
	}},
	{kind: "Deployment", namespace: "shop", name: "checkout", replicas: 1, port: 5050, calls: []call{
		{"shop/cart", 700, 2 * time.Second},
		{"payments/payments-api", 1500, 2 * time.Second},
	}},
	{kind: "Deployment", namespace: "payments", name: "payments-api", replicas: 1, port: 8443, admits: []string{"shop/checkout", "monitoring"}, calls: []call{
		{"data/postgres", 4000, 2 * time.Second},
		{theBank, 3000, 3 * time.Second},
	}},
	{kind: "StatefulSet", namespace: "data", name: "postgres", replicas: 1, port: 5432, admits: []string{"shop", "payments", "monitoring"}},
	{kind: "StatefulSet", namespace: "data", name: "redis", replicas: 1, port: 6379, admits: []string{"shop", "monitoring"}},
	{kind: "CronJob", namespace: "shop", name: "sales-report", calls: []call{
		{"data/postgres", 400_000, 10 * time.Second},
	}},
	{kind: "StatefulSet", namespace: "monitoring", name: "prometheus", replicas: 1, port: 9090, calls: []call{
		{"ingress/gateway", 6000, 5 * time.Second},
		{"payments/payments-api", 6000, 5 * time.Second},
		{"data/postgres", 6000, 5 * time.Second},
		{"monitoring/node-exporter", 30000, 5 * time.Second},
	}},
	{kind: "Deployment", namespace: "monitoring", name: "statsd", replicas: 1, port: 8125, udp: true},
	{kind: "DaemonSet", namespace: "monitoring", name: "node-exporter", port: 9100, hostNetwork: true},
	{kind: "Deployment", namespace: "sandbox", name: "debug", replicas: 1, calls: []call{
		{"payments/payments-api", 100, 4 * time.Second},
		{"data/redis", 100, 6 * time.Second},
		{"shop/catalog", 100, 5 * time.Second},
	}},
}

// find returns a workload by its namespace and name.
func find(path string) workload {
	for _, w := range shop {
		if w.namespace+"/"+w.name == path {
			return w
		}
	}
	panic(fmt.Sprintf("no workload of the demo is called %s", path))
}
