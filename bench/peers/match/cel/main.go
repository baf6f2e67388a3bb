// google/cel-go on the workload of ../README.md: each routine is one expression, compiled once with
// constants folded. `cel-go` evaluates every program for every event; `cel-go, sharded` only those of
// the event's action and of its repository, its organisation or any. The payload is read once.
package main

import (
	"fmt"
	"strconv"
	"strings"

	"bench.invalid/common"
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/interpreter"
)

func list(values []string) string {
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = strconv.Quote(value)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func condition(c common.Condition) string {
	first := strconv.Quote(c.Values[0])
	switch {
	case c.Operator == "starts_with":
		return c.Field + ".startsWith(" + first + ")"
	case c.Operator == "contains":
		return c.Field + ".contains(" + first + ")"
	case c.Operator == "regex":
		return c.Field + ".matches(" + strconv.Quote("^(?:"+c.Values[0]+")$") + ")"
	case c.Field == "is_draft" || c.Field == "from_fork":
		if c.Values[0] == "true" {
			return c.Field
		}
		return "!" + c.Field
	case c.Field == "labels" && c.Operator == "one_of":
		return "labels.exists(l, l in " + list(c.Values) + ")"
	case c.Field == "labels":
		return "!labels.exists(l, l in " + list(c.Values) + ")"
	case c.Operator == "one_of" && len(c.Values) == 1:
		return c.Field + " == " + first
	case c.Operator == "one_of":
		return c.Field + " in " + list(c.Values)
	case c.Operator == "not_one_of":
		return "!(" + c.Field + " in " + list(c.Values) + ")"
	}
	panic("no such operator: " + c.Operator)
}

func expression(routine common.Routine) string {
	var parts []string
	if organisation := strings.TrimSuffix(routine.Repository, "/*"); organisation == routine.Repository {
		parts = append(parts, "repository == "+strconv.Quote(routine.Repository))
	} else if organisation != "*" {
		parts = append(parts, "organisation == "+strconv.Quote(organisation))
	}
	parts = append(parts, "action in "+list(routine.Actions))
	for _, c := range routine.Conditions {
		parts = append(parts, condition(c))
	}
	return strings.Join(parts, " && ")
}

func environment() *cel.Env {
	var options []cel.EnvOption
	for _, name := range []string{"action", "repository", "organisation", "base_branch", "head_branch",
		"author", "sender", "author_association", "title", "body"} {
		options = append(options, cel.Variable(name, cel.StringType))
	}
	for _, name := range []string{"is_draft", "from_fork"} {
		options = append(options, cel.Variable(name, cel.BoolType))
	}
	options = append(options, cel.Variable("labels", cel.ListType(cel.StringType)))
	env, err := cel.NewEnv(options...)
	if err != nil {
		panic(err)
	}
	return env
}

type rule struct {
	id      int
	program cel.Program
}

// activation gives programs their variables without a map.
type activation struct{ event *common.Event }

func (a activation) ResolveName(name string) (any, bool) {
	switch name {
	case "action":
		return a.event.Action, true
	case "repository":
		return a.event.Repository, true
	case "organisation":
		return a.event.Organisation, true
	case "labels":
		return a.event.Labels, true
	case "is_draft":
		return a.event.IsDraft, true
	case "from_fork":
		return a.event.FromFork, true
	}
	return a.event.Text(name), true
}

func (a activation) Parent() interpreter.Activation { return nil }

func evaluate(rules []rule, event *common.Event, found []int) []int {
	var variables any = activation{event}
	for _, r := range rules {
		value, _, err := r.program.Eval(variables)
		if err != nil {
			panic(err)
		}
		if value.Value() == true {
			found = append(found, r.id)
		}
	}
	return found
}

func main() {
	folder, seconds := common.Arguments()
	routines := common.Routines(folder)
	var all []rule
	shards := map[string][]rule{}
	built := common.Build(len(routines), func() {
		env := environment()
		for _, routine := range routines {
			ast, issues := env.Compile(expression(routine))
			if issues.Err() != nil {
				panic(fmt.Sprint(expression(routine), ": ", issues.Err()))
			}
			program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
			if err != nil {
				panic(err)
			}
			r := rule{routine.ID, program}
			all = append(all, r)
			for _, action := range routine.Actions {
				key := action + " " + routine.Repository
				shards[key] = append(shards[key], r)
			}
		}
	})
	var reader common.Reader
	common.Measure("cel-go", folder, seconds, built, func(payload []byte) []int {
		event := reader.Read(payload)
		return evaluate(all, &event, nil)
	})
	common.Measure("cel-go, sharded", folder, seconds, built, func(payload []byte) []int {
		event := reader.Read(payload)
		var found []int
		for _, scope := range []string{event.Repository, event.Organisation + "/*", "*/*"} {
			found = evaluate(shards[event.Action+" "+scope], &event, found)
		}
		return found
	})
}
