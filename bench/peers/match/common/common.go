// Package common reads the workload of ../README.md and measures an engine on it.
package common

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"syscall"
	"time"

	"github.com/valyala/fastjson"
)

// WarmEvents of the file warm up; the others are measured once.
const WarmEvents = 1000

// Condition of a routine: one_of, not_one_of, starts_with, contains or regex.
type Condition struct {
	Field    string   `json:"field"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
}

// Routine is one line of routines.jsonl.
type Routine struct {
	ID         int         `json:"id"`
	Repository string      `json:"repository"`
	Actions    []string    `json:"actions"`
	Conditions []Condition `json:"conditions"`
}

// Event has the fields that conditions look at.
type Event struct {
	Action, Repository, Organisation              string
	BaseBranch, HeadBranch, Author, Sender, Title string
	Body, AuthorAssociation                       string
	Labels                                        []string
	IsDraft, FromFork                             bool
}

// Text of a field that is neither a set nor a boolean.
func (event *Event) Text(field string) string {
	switch field {
	case "base_branch":
		return event.BaseBranch
	case "head_branch":
		return event.HeadBranch
	case "author":
		return event.Author
	case "sender":
		return event.Sender
	case "author_association":
		return event.AuthorAssociation
	case "title":
		return event.Title
	case "body":
		return event.Body
	}
	panic("no such field: " + field)
}

// Reader reads payloads; it keeps its memory from one to the next.
type Reader struct{ parser fastjson.Parser }

// Read takes the ten fields out of a payload.
func (reader *Reader) Read(payload []byte) Event {
	root, err := reader.parser.ParseBytes(payload)
	if err != nil {
		panic(err)
	}
	text := func(path ...string) string { return string(root.GetStringBytes(path...)) }
	event := Event{
		Action:            text("action"),
		Repository:        text("repository", "full_name"),
		Sender:            text("sender", "login"),
		Author:            text("pull_request", "user", "login"),
		Title:             text("pull_request", "title"),
		Body:              text("pull_request", "body"),
		BaseBranch:        text("pull_request", "base", "ref"),
		HeadBranch:        text("pull_request", "head", "ref"),
		AuthorAssociation: text("pull_request", "author_association"),
		IsDraft:           root.GetBool("pull_request", "draft"),
		FromFork: text("pull_request", "head", "repo", "full_name") !=
			text("pull_request", "base", "repo", "full_name"),
	}
	for i, c := range event.Repository {
		if c == '/' {
			event.Organisation = event.Repository[:i]
		}
	}
	for _, label := range root.GetArray("pull_request", "labels") {
		event.Labels = append(event.Labels, string(label.GetStringBytes("name")))
	}
	return event
}

// Lines of a file.
func lines(path string) [][]byte {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	var all [][]byte
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		all = append(all, append([]byte(nil), scanner.Bytes()...))
	}
	if scanner.Err() != nil {
		panic(scanner.Err())
	}
	return all
}

// Routines of the workload in a folder.
func Routines(folder string) []Routine {
	var routines []Routine
	for _, line := range lines(filepath.Join(folder, "routines.jsonl")) {
		var routine Routine
		if err := json.Unmarshal(line, &routine); err != nil {
			panic(err)
		}
		routines = append(routines, routine)
	}
	return routines
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func heapBytes() float64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

// Built tells what building an engine took.
type Built struct{ seconds, bytes float64 }

// Build runs an engine's building.
func Build(routines int, build func()) Built {
	debug.SetGCPercent(400) // memory is plenty, and the collector's time counts
	heap := heapBytes()
	begin := cpuSeconds()
	build()
	seconds := cpuSeconds() - begin
	return Built{seconds, (heapBytes() - heap) / float64(routines)}
}

// Measure runs `match` for each event, in up to `seconds`, prints the figures and keeps the answers.
func Measure(engine, folder string, seconds float64, built Built, match func(payload []byte) []int) {
	events := lines(filepath.Join(folder, "events.jsonl"))
	limit := time.Duration(seconds * float64(time.Second))
	for i, begin := 0, time.Now(); i < WarmEvents && time.Since(begin) < limit; i++ {
		match(events[i])
	}
	runtime.GC()
	var answers [][]int
	cpu, wall := cpuSeconds(), time.Now()
	for _, event := range events[WarmEvents:] {
		if time.Since(wall) > limit {
			break
		}
		answers = append(answers, match(event))
	}
	cpuTaken, wallTaken := cpuSeconds()-cpu, time.Since(wall).Seconds()
	fmt.Printf("{\"engine\": %q, \"build\": %.4f, \"bytes\": %.0f, \"events\": %d, \"cpu\": %.6f, "+
		"\"wall\": %.6f, \"matches\": %d, \"answers\": true}\n", engine, built.seconds, built.bytes,
		len(answers), cpuTaken, wallTaken, write(filepath.Join(folder, engine+".answers"), answers))
}

// Returns the number of matches.
func write(path string, answers [][]int) (matches int) {
	file, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	defer out.Flush()
	for _, answer := range answers {
		sort.Ints(answer)
		matches += len(answer)
		for i, id := range answer {
			if i > 0 {
				out.WriteByte(' ')
			}
			out.WriteString(strconv.Itoa(id))
		}
		out.WriteByte('\n')
	}
	return matches
}

// Arguments of a driver: FOLDER SECONDS.
func Arguments() (folder string, seconds float64) {
	if len(os.Args) == 3 {
		if seconds, err := strconv.ParseFloat(os.Args[2], 64); err == nil {
			return os.Args[1], seconds
		}
	}
	fmt.Fprintln(os.Stderr, "usage: FOLDER SECONDS")
	os.Exit(2)
	return
}
