package deploy

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestImageRunsWithNothingButItself has containerd unpack the image and the kubelet
// check that its user is not root.
func TestImageRunsWithNothingButItself(t *testing.T) {
	s := newSite(t, 1)
	err := s.Admin().Do(t.Context(), http.MethodPost, "/api/v1/namespaces/default/pods", object{
		"metadata": object{"name": "version"},
		"spec": object{
			"restartPolicy":   "Never",
			"securityContext": object{"runAsNonRoot": true, "seccompProfile": object{"type": "RuntimeDefault"}},
			"containers": []object{{
				"name": "collector", "image": image, "imagePullPolicy": "Never", "args": []string{"--version"},
				"securityContext": object{
					"readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false,
					"capabilities": object{"drop": []string{"ALL"}},
				},
			}},
		},
	}, nil)
	require.NoError(t, err)
	_, err = s.kubectl("", "wait", "pod/version", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
	require.NoError(t, err)
	said, err := s.kubectl("", "logs", "version")
	require.NoError(t, err)
	require.Equal(t, "otelcol-flowlogs version 0.1.0\n", said)
}
