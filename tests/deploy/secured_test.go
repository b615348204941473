package deploy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const securedValues = standaloneValues + `
  tls: {secretName: gateway-tls}
  token: {secretName: token}
visualizer:
  expose: true
  htpasswd: {secretName: users}
`

// secure makes the secrets that securedValues name, with one user.
func (s *site) secure(user, password string) {
	s.t.Helper()
	cert, key := certificate(s.t, net.ParseIP(gatewayAddress))
	hash := sha1.Sum([]byte(password))
	for name, data := range map[string]map[string]string{
		"gateway-tls": {"tls.crt": cert, "tls.key": key, "ca.crt": cert},
		"token":       {"token": rand.Text()},
		"users":       {"htpasswd": user + ":{SHA}" + base64.StdEncoding.EncodeToString(hash[:])},
	} {
		s.secret(name, data)
	}
}

// certificate makes one of a server that vouches for itself.
func certificate(t *testing.T, address net.IP) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gateway"}, IPAddresses: []net.IP{address},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

// refusesStrangers checks that nothing is shown without the login.
func (v visualizer) refusesStrangers(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/", "/api/v1/status", "/api/v1/flows"} {
		resp, err := http.Get(v.base + path)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode, path)
	}
}
