package connection

import (
	"encoding/base64"
	"errors"

	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
)

// Login is who asks, where no extension logs in: at most one of user and API key. Elasticsearch
// and Kibana take the same.
type Login struct {
	// User and Password are those of HTTP basic authentication.
	User     string              `mapstructure:"user"`
	Password configopaque.String `mapstructure:"password"`

	// APIKey is an API key in the encoded form, as Elasticsearch's answer has it when it is
	// made.
	APIKey configopaque.String `mapstructure:"api_key"`
}

// Given reports whether there is one, of which auth is the extension.
func (l *Login) Given(auth configoptional.Optional[configauth.Config]) bool {
	return *l != Login{} || auth.HasValue()
}

// Check refuses what would be passed over silently; auth is the extension that logs in, if
// there is one.
func (l *Login) Check(auth configoptional.Optional[configauth.Config]) error {
	basic := l.User != "" || l.Password != ""
	if basic && (l.User == "" || l.Password == "") {
		return errors.New("user, password: one of them is missing")
	}
	ways := 0
	for _, given := range []bool{basic, l.APIKey != "", auth.HasValue()} {
		if given {
			ways++
		}
	}
	if ways > 1 {
		return errors.New("user, api_key, auth: more than one is given: leave one")
	}
	return nil
}

// Header is the Authorization header of a request, "" where nothing or an extension logs in.
func (l *Login) Header() string {
	switch {
	case l.User != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(l.User+":"+string(l.Password)))
	case l.APIKey != "":
		return "ApiKey " + string(l.APIKey)
	default:
		return ""
	}
}
