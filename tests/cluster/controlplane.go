package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	// serviceAddress is the API server's inside the cluster, the first of all services.
	serviceAddress = "10.98.0.1"
	// clusterDomain ends the names of services.
	clusterDomain = "cluster.local"
	// nowhere is an address of documentation (RFC 5737): where there are no real
	// nodes, nothing goes to the address that the API server announces.
	nowhere = "192.0.2.1"
	// The API server's port is one of these, below those that kernels give to clients
	// unless told otherwise: it stays free while the server is stopped.
	firstPort, lastPort = 20000, 29999
)

// startControlPlane starts etcd and the API server and waits until the latter
// serves everybody.
func (c *Cluster) startControlPlane(ctx context.Context) error {
	var err error
	if c.ca, err = newAuthority(c.dir); err != nil {
		return err
	}
	address := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if c.fabric != nil {
		address = c.fabric.gateway()
	}
	port, err := freePort(address)
	if err != nil {
		return err
	}
	c.apiAddress = netip.AddrPortFrom(address, port)
	if c.admin, err = c.ca.newClient("admin", c.url(), "admin", "system:masters"); err != nil {
		return err
	}
	if err := c.writeAPIServerFiles(); err != nil {
		return err
	}
	etcd := exec.Command(c.program(etcdBinaries, "etcd"),
		"--name=test",
		"--data-dir="+filepath.Join(c.dir, "etcd"),
		"--listen-client-urls="+c.etcdURL("client"), "--advertise-client-urls="+c.etcdURL("client"),
		"--listen-peer-urls="+c.etcdURL("peer"), "--initial-advertise-peer-urls="+c.etcdURL("peer"),
		"--initial-cluster=test="+c.etcdURL("peer"),
		"--unsafe-no-fsync", // nothing here has to survive the machine
		"--log-level=warn")
	if _, err := c.start("etcd", etcd); err != nil {
		return err
	}
	return c.StartAPIServer(ctx)
}

// writeAPIServerFiles makes the keys and certificates that every run of the API
// server uses.
func (c *Cluster) writeAPIServerFiles() error {
	_, _, err := c.ca.server("kube-apiserver", []net.IP{c.apiAddress.Addr().AsSlice(), net.ParseIP(serviceAddress)},
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc."+clusterDomain)
	if err != nil {
		return err
	}
	// Of a pair that nobody presents, the key signs the tokens of service accounts.
	for name, groups := range map[string][]string{"kubelet-client": {"system:masters"}, "service-accounts": nil} {
		p, err := c.ca.client(name, groups...)
		if err != nil {
			return err
		}
		if _, _, err := c.ca.write(name, p); err != nil {
			return err
		}
	}
	return nil
}

// StartAPIServer starts the API server after StopAPIServer, at the same address and
// on the same data, and returns when it serves.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	if c.apiServer != nil && c.apiServer.Running() {
		return errors.New("start kube-apiserver: it runs")
	}
	file := func(name string) string { return filepath.Join(c.dir, name) }
	announced := nowhere
	if c.fabric != nil {
		announced = c.fabric.gateway().String()
	}
	args := []string{
		"--etcd-servers=" + c.etcdURL("client"),
		"--bind-address=" + c.apiAddress.Addr().String(),
		"--secure-port=" + strconv.Itoa(int(c.apiAddress.Port())),
		"--advertise-address=" + announced,
		"--tls-cert-file=" + file("kube-apiserver.crt"), "--tls-private-key-file=" + file("kube-apiserver.key"),
		"--client-ca-file=" + c.ca.file(),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + file("service-accounts.key"),
		"--service-account-signing-key-file=" + file("service-accounts.key"),
		"--service-cluster-ip-range=" + strings.Join(c.options.prefixes(func(f family) netip.Prefix { return f.services }), ","),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--kubelet-client-certificate=" + file("kubelet-client.crt"), "--kubelet-client-key=" + file("kubelet-client.key"),
		"--kubelet-certificate-authority=" + c.ca.file(),
		"--kubelet-preferred-address-types=InternalIP",
		"--profiling=false",
	}
	if !c.options.ControllerManager {
		// Nobody would make the service account that it demands of every pod.
		args = append(args, "--disable-admission-plugins=ServiceAccount")
	}
	p, err := c.start("kube-apiserver", exec.Command(c.program(kubernetesBinaries, "kube-apiserver"), args...))
	if err != nil {
		return err
	}
	c.apiServer = p
	return p.Ready(ctx, patience, "not ready", func(ctx context.Context) error {
		// The default namespace and the roles are made shortly after the start.
		for _, path := range []string{"/readyz", "/api/v1/namespaces/default"} {
			if err := c.admin.Do(ctx, http.MethodGet, path, nil, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// StopAPIServer ends the API server; its clients see refused connections until
// StartAPIServer.
func (c *Cluster) StopAPIServer() error { return c.apiServer.stop() }

// KillAPIServer is StopAPIServer without the time that the server takes to end in order.
func (c *Cluster) KillAPIServer() error { return c.apiServer.kill() }

// PauseAPIServer holds the API server: its clients' connections stay, and nobody
// answers, until ResumeAPIServer.
func (c *Cluster) PauseAPIServer() error { return c.apiServer.pause() }

// ResumeAPIServer ends the pause.
func (c *Cluster) ResumeAPIServer() error { return c.apiServer.resume() }

func (c *Cluster) startControllerManager(ctx context.Context) error {
	p, err := c.startController("kube-controller-manager", "system:kube-controller-manager",
		"--service-account-private-key-file="+filepath.Join(c.dir, "service-accounts.key"),
		"--root-ca-file="+c.ca.file(),
		"--use-service-account-credentials=true")
	if err != nil {
		return err
	}
	return p.Ready(ctx, patience, "no service account in the default namespace", func(ctx context.Context) error {
		return c.admin.Do(ctx, http.MethodGet, "/api/v1/namespaces/default/serviceaccounts/default", nil, nil)
	})
}

func (c *Cluster) startScheduler(ctx context.Context) error {
	_, err := c.startController("kube-scheduler", "system:kube-scheduler")
	return err
}

// startController starts a program that works for the cluster as a client of it.
// Nobody asks it anything, so it listens nowhere.
func (c *Cluster) startController(name, user string, args ...string) (*process, error) {
	client, err := c.ca.newClient(name, c.url(), user)
	if err != nil {
		return nil, err
	}
	defer client.close()
	args = append(args,
		"--kubeconfig="+client.Kubeconfig(),
		"--authentication-kubeconfig="+client.Kubeconfig(), "--authorization-kubeconfig="+client.Kubeconfig(),
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=300", "--kube-api-burst=600") // thousands of pods are made in a test
	return c.start(name, exec.Command(c.program(kubernetesBinaries, name), args...))
}

// url is the API server's.
func (c *Cluster) url() string { return "https://" + c.apiAddress.String() }

// etcdURL names a socket in the cluster's directory, which takes no port.
func (c *Cluster) etcdURL(purpose string) string {
	return "unix://" + filepath.Join(c.dir, "etcd-"+purpose+".sock")
}

// freePort finds a port that nobody listens on.
func freePort(address netip.Addr) (uint16, error) {
	const tries = 100
	for range tries {
		port := uint16(firstPort + rand.IntN(lastPort-firstPort+1))
		l, err := net.Listen("tcp", netip.AddrPortFrom(address, port).String())
		if err == nil {
			return port, l.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return 0, err
		}
	}
	return 0, fmt.Errorf("no free port of %s found among %d of %d to %d", address, tries, firstPort, lastPort)
}
