// timbray/quamina on the workload of ../README.md. `quamina` holds all routines in one instance;
// `quamina, sharded` has one for each action and each of (repository, organisation, any). Payloads
// are flattened by quamina's own flattener, which takes the fields that patterns name and skips the
// rest. What a pattern cannot say, or says otherwise than the other engines (a regular expression,
// anything-but, none of the labels, a second condition on the same field), is checked by plain code
// on the patterns that matched.
package main

import (
	"encoding/json"
	"regexp"
	"strings"

	"bench.invalid/common"
	"quamina.net/go/quamina"
)

var paths = map[string][]string{
	"base_branch":        {"pull_request", "base", "ref"},
	"head_branch":        {"pull_request", "head", "ref"},
	"author":             {"pull_request", "user", "login"},
	"sender":             {"sender", "login"},
	"author_association": {"pull_request", "author_association"},
	"title":              {"pull_request", "title"},
	"body":               {"pull_request", "body"},
	"labels":             {"pull_request", "labels", "name"},
	"is_draft":           {"pull_request", "draft"},
	"from_fork":          {"pull_request", "head", "repo", "fork"},
}

type rule struct {
	id   int
	rest []func(*common.Event) bool
}

func contains(values []string, text string) bool {
	for _, value := range values {
		if value == text {
			return true
		}
	}
	return false
}

// check is a condition in plain code.
func check(c common.Condition) func(*common.Event) bool {
	first := c.Values[0]
	switch {
	case c.Field == "is_draft":
		return func(e *common.Event) bool { return e.IsDraft == (first == "true") }
	case c.Field == "from_fork":
		return func(e *common.Event) bool { return e.FromFork == (first == "true") }
	case c.Field == "labels":
		return func(e *common.Event) bool {
			for _, label := range e.Labels {
				if contains(c.Values, label) {
					return c.Operator == "one_of"
				}
			}
			return c.Operator != "one_of"
		}
	case c.Operator == "starts_with":
		return func(e *common.Event) bool { return strings.HasPrefix(e.Text(c.Field), first) }
	case c.Operator == "contains":
		return func(e *common.Event) bool { return strings.Contains(e.Text(c.Field), first) }
	case c.Operator == "regex":
		pattern := regexp.MustCompile("^(?:" + first + ")$")
		return func(e *common.Event) bool { return pattern.MatchString(e.Text(c.Field)) }
	}
	return func(e *common.Event) bool {
		return contains(c.Values, e.Text(c.Field)) == (c.Operator == "one_of")
	}
}

// native is a condition in quamina's terms; nil where it has none.
func native(c common.Condition) []any {
	var terms []any
	switch {
	case c.Field == "is_draft" || c.Field == "from_fork":
		return []any{c.Values[0] == "true"}
	case c.Operator == "one_of":
		for _, value := range c.Values {
			terms = append(terms, value)
		}
	case c.Operator == "starts_with":
		terms = append(terms, map[string]any{"prefix": c.Values[0]})
	case c.Operator == "contains":
		terms = append(terms, map[string]any{"shellstyle": "*" + c.Values[0] + "*"})
	}
	return terms
}

func put(pattern map[string]any, path []string, terms []any) bool {
	for _, step := range path[:len(path)-1] {
		if pattern[step] == nil {
			pattern[step] = map[string]any{}
		}
		pattern = pattern[step].(map[string]any)
	}
	last := path[len(path)-1]
	if pattern[last] != nil {
		return false
	}
	pattern[last] = terms
	return true
}

// compile gives the pattern of a routine, and what is left to plain code.
func compile(routine common.Routine) (rule, map[string]any) {
	r := rule{id: routine.ID}
	pattern := map[string]any{}
	var actions []any
	for _, action := range routine.Actions {
		actions = append(actions, action)
	}
	put(pattern, []string{"action"}, actions)
	if organisation := strings.TrimSuffix(routine.Repository, "/*"); organisation == routine.Repository {
		put(pattern, []string{"repository", "full_name"}, []any{routine.Repository})
	} else if organisation != "*" {
		put(pattern, []string{"repository", "full_name"}, []any{map[string]any{"prefix": organisation + "/"}})
	}
	for _, c := range routine.Conditions {
		if terms := native(c); terms == nil || !put(pattern, paths[c.Field], terms) {
			r.rest = append(r.rest, check(c))
		}
	}
	return r, pattern
}

func add(instance *quamina.Quamina, r *rule, pattern map[string]any) {
	text, err := json.Marshal(pattern)
	if err == nil {
		err = instance.AddPattern(r, string(text))
	}
	if err != nil {
		panic(err)
	}
}

func instance() *quamina.Quamina {
	made, err := quamina.New()
	if err != nil {
		panic(err)
	}
	return made
}

// match reads the event by itself only where something is left to be checked.
func match(instance *quamina.Quamina, payload []byte, event func() *common.Event, found []int) []int {
	matched, err := instance.MatchesForEvent(payload)
	if err != nil {
		panic(err)
	}
	for _, x := range matched {
		r := x.(*rule)
		holds := true
		for _, one := range r.rest {
			holds = holds && one(event())
		}
		if holds {
			found = append(found, r.id)
		}
	}
	return found
}

func main() {
	folder, seconds := common.Arguments()
	routines := common.Routines(folder)
	var reader common.Reader

	whole := instance()
	built := common.Build(len(routines), func() {
		for _, routine := range routines {
			r, pattern := compile(routine)
			add(whole, &r, pattern)
		}
	})
	common.Measure("quamina", folder, seconds, built, func(payload []byte) []int {
		var read *common.Event
		return match(whole, payload, func() *common.Event {
			if read == nil {
				event := reader.Read(payload)
				read = &event
			}
			return read
		}, nil)
	})

	whole = nil
	shards := map[string]*quamina.Quamina{}
	built = common.Build(len(routines), func() {
		for _, routine := range routines {
			r, pattern := compile(routine)
			for _, action := range routine.Actions {
				key := action + " " + routine.Repository
				if shards[key] == nil {
					shards[key] = instance()
				}
				add(shards[key], &r, pattern)
			}
		}
	})
	common.Measure("quamina, sharded", folder, seconds, built, func(payload []byte) []int {
		event := reader.Read(payload)
		var found []int
		for _, scope := range []string{event.Repository, event.Organisation + "/*", "*/*"} {
			if shard := shards[event.Action+" "+scope]; shard != nil {
				found = match(shard, payload, func() *common.Event { return &event }, found)
			}
		}
		return found
	})
}
