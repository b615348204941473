package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

// Labels of the release's pods.
const (
	gateways = "app.kubernetes.io/component=gateway"
	agents   = "app.kubernetes.io/component=agent"
)

// running is the only container of a pod, as its process and not as the API server sees
// it: what is done with it needs neither the API server nor the kubelet.
type running struct {
	name     string
	node     string
	restarts int
	pid      int
}

// container finds the container of a pod.
func (s *site) container(namespace, selector string) (running, error) {
	all, err := s.containers(namespace, selector)
	if err == nil && len(all) != 1 {
		err = fmt.Errorf("pods %s of %s: got %+v, want one that runs", selector, namespace, all)
	}
	if err != nil {
		return running{}, err
	}
	return all[0], nil
}

// containers finds those of some pods that run and are not being deleted.
func (s *site) containers(namespace, selector string) (all []running, err error) {
	text, err := s.kubectl("", "-n", namespace, "get", "pods", "-l", selector, "-o", "json")
	if err != nil {
		return nil, err
	}
	var pods struct {
		Items []struct {
			Metadata struct {
				Name              string
				DeletionTimestamp string
			}
			Spec   struct{ NodeName string }
			Status struct {
				ContainerStatuses []struct {
					ContainerID  string
					RestartCount int
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &pods); err != nil {
		return nil, err
	}
	for _, pod := range pods.Items {
		if pod.Metadata.DeletionTimestamp != "" {
			continue
		}
		for _, status := range pod.Status.ContainerStatuses {
			_, id, _ := strings.Cut(status.ContainerID, "://")
			if pid := processOf(id); pid != 0 {
				all = append(all, running{pod.Metadata.Name, pod.Spec.NodeName, status.RestartCount, pid})
			}
		}
	}
	return all, nil
}

// processOf is the process ID of a container's only process, whose control group ends
// with the container's ID, or 0.
func processOf(container string) int {
	groups, _ := filepath.Glob("/proc/[0-9]*/cgroup")
	for _, file := range groups {
		text, err := os.ReadFile(file)
		if err != nil || container == "" || !strings.Contains(string(text), "/"+container+"\n") {
			continue // others end at any time
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			return pid
		}
	}
	return 0
}

// kill ends a process as when memory is short, and returns when it has ended.
func (s *site) kill(pid int) {
	s.t.Helper()
	require.NoError(s.t, syscall.Kill(pid, syscall.SIGKILL))
	s.eventually("the process ends", func() error {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("process %d is still there", pid)
		}
		return nil
	})
}

// command runs a command of an image in the namespaces of its container, but in a
// control group of this process.
func (c running) command(args ...string) ([]byte, error) {
	args = append([]string{"--target=" + strconv.Itoa(c.pid), "--net", "--mount", "--"}, args...)
	out, err := exec.Command("nsenter", args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%v in %s: %w: %s", args, c.name, err, out)
	}
	return out, err
}

// visualizer is the API of a gateway whose Flow Visualizer listens on the pod's loopback
// address. It does without the API server, unlike forward's, and goes with the gateway.
func (s *site) visualizer() visualizer {
	s.t.Helper()
	gateway, err := s.container(namespace, gateways)
	require.NoError(s.t, err)
	inside := netns.OfProcess(s.t, gateway.pid)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(s.t, err)
	s.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer near.Close()
				_ = inside.Try(func() error { return relay(near, "127.0.0.1:8686") }) // who asks sees the end
			}()
		}
	}()
	return visualizer{"http://" + l.Addr().String()}
}

// relay connects to an address and carries bytes both ways until one of them ends.
func relay(near net.Conn, address string) error {
	far, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer far.Close()
	go func() {
		defer near.Close()
		_, _ = io.Copy(near, far)
	}()
	_, err = io.Copy(far, near)
	return err
}
