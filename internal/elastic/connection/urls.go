package connection

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// environment names the servers where the configuration does not.
const environment = "ELASTICSEARCH_URL"

// URLs returns the servers' addresses, at least one. Errors name the key and show no
// password that an address may hold.
func (c *Config) URLs() ([]*url.URL, error) {
	key, addresses, err := c.addresses()
	if err != nil {
		return nil, err
	}
	urls := make([]*url.URL, len(addresses))
	for i, address := range addresses {
		if urls[i], err = parseURL(address); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return urls, nil
}

// addresses returns the addresses that are given, and by which key.
func (c *Config) addresses() (key string, addresses []string, err error) {
	var keys []string
	if c.HTTP.Endpoint != "" {
		keys, addresses = append(keys, "endpoint"), []string{c.HTTP.Endpoint}
	}
	if len(c.Endpoints) > 0 {
		keys, addresses = append(keys, "endpoints"), c.Endpoints
	}
	if c.CloudID != "" {
		address, err := cloudAddress(c.CloudID)
		if err != nil {
			return "", nil, fmt.Errorf("cloudid: %w", err)
		}
		keys, addresses = append(keys, "cloudid"), []string{address}
	}
	switch len(keys) {
	case 0:
		if list := os.Getenv(environment); list != "" {
			return environment, strings.Split(list, ","), nil
		}
		return "", nil, errors.New("endpoint: no server is named: set endpoint, endpoints, cloudid, or " + environment + " in the environment")
	case 1:
		return keys[0], addresses, nil
	default:
		return "", nil, fmt.Errorf("%s: more than one is given: leave one", strings.Join(keys, ", "))
	}
}

func parseURL(address string) (*url.URL, error) {
	address = strings.TrimSpace(address)
	if address == "" {
		return nil, errors.New("an address is empty: leave it out")
	}
	u, err := url.Parse(address)
	if err != nil {
		// Its text has the address in it, with a password perhaps.
		return nil, errors.New("an address is not a URL: write it as https://host:9200")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q has no scheme or no host: write it as https://host:9200", u.Redacted())
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q has a query: leave it out", u.Redacted())
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// cloudAddress reads a cloud ID: a name, a colon, and in base64 the domain and the names
// of the deployment's services with $ between, Elasticsearch's first.
func cloudAddress(id string) (string, error) {
	_, encoded, _ := strings.Cut(id, ":")
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", fmt.Errorf("%q is not a cloud ID: copy it from the deployment's page", id)
	}
	domain, services, _ := strings.Cut(string(decoded), "$")
	service, _, _ := strings.Cut(services, "$")
	if domain == "" || service == "" {
		return "", fmt.Errorf("%q names no Elasticsearch: copy it from the deployment's page", id)
	}
	// Either may have a port of its own; the service's counts.
	host, port, _ := strings.Cut(domain, ":")
	if name, own, found := strings.Cut(service, ":"); found {
		service, port = name, own
	}
	address := "https://" + service + "." + host
	if port != "" {
		address += ":" + port
	}
	return address, nil
}
