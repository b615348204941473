//go:build linux

package elastictest_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

type object = map[string]any

// kql reads the part of the Kibana Query Language that the objects use: field : value,
// field : (a or b), field : *, field > n, and, or, not and brackets.
type kql struct{ tokens []string }

var token = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[():>*]|[^\s():>"]+`)

// dsl is the query that Kibana makes of one in its language.
func dsl(query string) object {
	if query == "" {
		return object{"match_all": object{}}
	}
	p := kql{token.FindAllString(query, -1)}
	q := p.any()
	if len(p.tokens) > 0 {
		panic(fmt.Sprintf("%s: cannot read from %s", query, p.tokens[0]))
	}
	return q
}

func (p *kql) next() string {
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *kql) take(t string) bool {
	if len(p.tokens) == 0 || p.tokens[0] != t {
		return false
	}
	p.next()
	return true
}

func (p *kql) any() object {
	parts := []object{p.all()}
	for p.take("or") {
		parts = append(parts, p.all())
	}
	return object{"bool": object{"should": parts, "minimum_should_match": 1}}
}

func (p *kql) all() object {
	parts := []object{p.one()}
	for p.take("and") {
		parts = append(parts, p.one())
	}
	return object{"bool": object{"filter": parts}}
}

func (p *kql) one() object {
	switch {
	case p.take("not"):
		return object{"bool": object{"must_not": p.one()}}
	case p.take("("):
		q := p.any()
		p.next()
		return q
	default:
		return p.condition(p.next())
	}
}

func (p *kql) condition(field string) object {
	switch {
	case p.next() == ">":
		return object{"range": object{field: object{"gt": p.next()}}}
	case p.take("*"):
		return object{"exists": object{"field": field}}
	}
	several := p.take("(")
	values := []string{p.value()}
	for several && p.take("or") {
		values = append(values, p.value())
	}
	if several {
		p.next()
	}
	return object{"terms": object{field: values}}
}

func (p *kql) value() string {
	text, err := strconv.Unquote(p.next())
	if err != nil {
		panic(fmt.Sprintf("value without quotes before %s", strings.Join(p.tokens, " ")))
	}
	return text
}
