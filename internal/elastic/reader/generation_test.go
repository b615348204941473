package reader

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheLastTwoGenerationsMayBeWrittenTo(t *testing.T) {
	written, finished := generations([]string{
		".ds-logs-k8s.flow-shop-2026.01.01-000009", ".ds-logs-k8s.flow-shop-2026.02.01-000010", ".ds-logs-k8s.flow-shop-2026.01.02-000011",
		".ds-logs-k8s.flow-lab-2026.01.01-999999", ".ds-logs-k8s.flow-lab-2026.01.01-1000000", ".ds-logs-k8s.flow-lab-2026.01.01-000001",
		".ds-logs-k8s.flow.denied-shop-2026.01.01-000001",
		"logs-k8s.flow-old", ".ds-logs-k8s.flow-old-2026.01.01-99999999999999999999",
	})
	assert.Equal(t, []string{
		".ds-logs-k8s.flow-lab-2026.01.01-1000000", ".ds-logs-k8s.flow-lab-2026.01.01-999999",
		".ds-logs-k8s.flow-old-2026.01.01-99999999999999999999",
		".ds-logs-k8s.flow-shop-2026.01.02-000011", ".ds-logs-k8s.flow-shop-2026.02.01-000010",
		".ds-logs-k8s.flow.denied-shop-2026.01.01-000001",
		"logs-k8s.flow-old",
	}, written)
	assert.Equal(t, []string{".ds-logs-k8s.flow-lab-2026.01.01-000001", ".ds-logs-k8s.flow-shop-2026.01.01-000009"}, finished)
}
