package cmdline

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func raw(args ...string) string { return strings.Join(args, "\x00") + "\x00" }

func TestFormat(t *testing.T) {
	for name, test := range map[string]struct{ raw, want string }{
		"none":                {"", ""},
		"one":                 {raw("/usr/sbin/nginx"), "/usr/sbin/nginx"},
		"several":             {raw("curl", "-s", "https://example.com/?a=1"), `curl -s 'https://example.com/?a=1'`},
		"quoted":              {raw("sh", "-c", `echo "it's"`, ""), `sh -c 'echo "it'\''s"'`},
		"a title":             {"nginx: worker process\x00\x00\x00", "nginx: worker process"},
		"an empty argument":   {raw("a", "", "b"), "a '' b"},
		"no zero at the end":  {"a\x00b", "a b"},
		"control characters":  {raw("a", "b\n\x1bc"), "a 'b  c'"},
		"not UTF-8":           {raw("a", "b\xff"), "a 'b\uFFFD'"},
		"too long":            {raw("a", strings.Repeat("é", 100)), "a 'ééééééééééééééé…"},
		"cut between letters": {raw("ab", strings.Repeat("é", 100)), "ab 'éééééééééééééé…"},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, Format(test.raw, Options{MaxLength: 36})) })
	}
}

func TestRedact(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"value of an option":     {[]string{"mysql", "--password=hun ter2", "db"}, "mysql --password=*** db"},
		"next argument":          {[]string{"x", "--password", "-hunter2", "db"}, "x --password *** db"},
		"single dash":            {[]string{"openssl", "-passin", "pass:hunter2"}, "openssl -passin ***"},
		"longer name":            {[]string{"x", "--db.password-value=hunter2"}, "x --db.password-value=***"},
		"variable":               {[]string{"env", "PGPASSWORD=hunter2", "psql"}, "env PGPASSWORD=*** psql"},
		"variable of a child":    {[]string{"docker", "run", "-e", "DB_PASSWORD=hunter2"}, "docker run -e DB_PASSWORD=***"},
		"key":                    {[]string{"x", "--api-key=hunter2", "-apiKey", "hunter2"}, "x --api-key=*** -apiKey ***"},
		"URL":                    {[]string{"psql", "postgres://bob:hun@ter/2@db/x"}, "psql postgres://bob:***@db/x"},
		"URL without a secret":   {[]string{"curl", "https://host:8443/a"}, "curl https://host:8443/a"},
		"query":                  {[]string{"curl", "https://host/?token=hunter2&x=1"}, "curl 'https://host/?token=***&x=1'"},
		"JSON":                   {[]string{"x", `{"user":"bob","password":"hunter2"}`}, `x '{"user":"bob","password":"***"}'`},
		"connection string":      {[]string{"x", "Server=db;Pwd=hunter2;Port=1"}, "x 'Server=db;Pwd=***;Port=1'"},
		"header":                 {[]string{"curl", "-H", "Authorization: Digest hunter2 x"}, "curl -H 'Authorization: ***'"},
		"header of a name":       {[]string{"curl", "-H", "X-Vault-Token: hunter2"}, "curl -H 'X-Vault-Token: ***'"},
		"user":                   {[]string{"curl", "-u", "bob:hunter2", "--user=bob:hunter2"}, "curl -u bob:*** --user=bob:***"},
		"user without a secret":  {[]string{"ps", "-u", "bob"}, "ps -u bob"},
		"script":                 {[]string{"sh", "-c", "mysql --password hunter2 db"}, "sh -c 'mysql --password *** db'"},
		"JWT":                    {[]string{"x", "eyJhbGciOi.eyJzdWIiOi.hunter2"}, "x ***"},
		"AWS":                    {[]string{"x", "AKIAIOSFODNN7EXAMPLE"}, "x ***"},
		"GitHub":                 {[]string{"x", "ghp_0123456789abcdefghij"}, "x ***"},
		"own, whole":             {[]string{"x", "id-4711-x"}, "x ***-x"},
		"own, group":             {[]string{"x", "-Phunter2"}, "x -P***"},
		"a title":                {[]string{"job --token hunter2"}, "job --token ***"},
		"nothing":                {[]string{"ls", "-l", "/home/bob"}, "ls -l /home/bob"},
		"option without a value": {[]string{"x", "--password"}, "x --password"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Format(raw(test.args...), Options{
				MaxLength: 1000,
				Redact:    []*regexp.Regexp{regexp.MustCompile(`id-\d+`), regexp.MustCompile(`^-P(.+)$`)},
			})
			require.Equal(t, test.want, got)
			require.NotContains(t, got, "hunter2")
		})
	}
}

func FuzzFormat(f *testing.F) {
	f.Add(raw("curl", "-u", "a:b", "https://u:p@h/"), 20)
	f.Add("title", 0)
	f.Add(raw("--password", "\xff\x00'"), 5)
	f.Fuzz(func(t *testing.T, raw string, limit int) {
		if limit < len(ellipsis) || limit > 1<<16 {
			limit = 64
		}
		line := Format(raw, Options{MaxLength: limit})
		if len(line) > limit {
			t.Errorf("%d bytes, at most %d", len(line), limit)
		}
		if !utf8.ValidString(line) {
			t.Errorf("not UTF-8: %q", line)
		}
	})
}
