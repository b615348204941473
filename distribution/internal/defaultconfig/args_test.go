package defaultconfig

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConfigIsAddedOnlyWhereOneIsReadAndNoneGiven(t *testing.T) {
	const config = "receivers:\n"
	def := "--config=yaml:" + config
	for name, tc := range map[string]struct{ args, want []string }{
		"no arguments":                    {nil, []string{def}},
		"overrides":                       {[]string{"--set", "a.b=c"}, []string{def, "--set", "a.b=c"}},
		"feature gates":                   {[]string{"--feature-gates=-a"}, []string{def, "--feature-gates=-a"}},
		"validate":                        {[]string{"validate"}, []string{def, "validate"}},
		"validate with an override":       {[]string{"--set", "a=b", "validate"}, []string{def, "--set", "a=b", "validate"}},
		"print-config":                    {[]string{"print-config"}, []string{def, "print-config"}},
		"a config given":                  {[]string{"--config", "x.yaml"}, []string{"--config", "x.yaml"}},
		"a config given with equals":      {[]string{"--config=x.yaml"}, []string{"--config=x.yaml"}},
		"validate a config":               {[]string{"validate", "--config=x.yaml"}, []string{"validate", "--config=x.yaml"}},
		"components":                      {[]string{"components"}, []string{"components"}},
		"featuregate":                     {[]string{"featuregate"}, []string{"featuregate"}},
		"help":                            {[]string{"--help"}, []string{"--help"}},
		"short help":                      {[]string{"-h"}, []string{"-h"}},
		"help of validate":                {[]string{"validate", "--help"}, []string{"validate", "--help"}},
		"version":                         {[]string{"--version"}, []string{"--version"}},
		"short version":                   {[]string{"-v"}, []string{"-v"}},
		"an unknown command is no reason": {[]string{"valdate"}, []string{"valdate"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Args(tc.args, config)); diff != "" {
				t.Errorf("arguments differ (-want +got):\n%s", diff)
			}
		})
	}
}
