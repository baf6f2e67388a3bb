// The time of parsing and of finding the next instant in two Go libraries, in the form of
// bench/schedule_benchmark.cc.
//
//	go run . robfig|gorhill FILE
package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/gorhill/cronexpr"
	"github.com/robfig/cron/v3"
)

const (
	instants    = 1024
	runs        = 9
	firstSecond = 1767225600
)

type schedule interface{ Next(time.Time) time.Time }

func parse(library, expression string) schedule {
	if library == "gorhill" {
		return cronexpr.MustParse(expression)
	}
	parsed, err := cron.ParseStandard(expression)
	if err != nil {
		panic(err)
	}
	return parsed
}

func measure(work func()) float64 {
	var took []float64
	for i := 0; i < runs; i++ {
		begin := time.Now()
		work()
		took = append(took, float64(time.Since(begin).Nanoseconds())/instants)
	}
	sort.Float64s(took)
	return took[runs/2]
}

func main() {
	library := os.Args[1]
	file, err := os.Open(os.Args[2])
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		words := strings.Split(lines.Text(), "\t")
		zone, err := time.LoadLocation(words[2])
		if err != nil {
			panic(err)
		}
		var starts []time.Time
		state := uint64(1)
		for i := 0; i < instants; i++ {
			state = state * 48271 % 2147483647
			starts = append(starts, time.Unix(firstSecond+int64(state%(365*86400)), 0).In(zone))
		}
		expression := words[1]
		parsing := measure(func() {
			for i := 0; i < instants; i++ {
				parse(library, expression)
			}
		})
		parsed := parse(library, expression)
		var sum int64
		next := measure(func() {
			sum = 0
			for _, start := range starts {
				sum += parsed.Next(start).Unix()
			}
		})
		fmt.Printf("{\"name\":%q,\"parse\":%.1f,\"next\":%.1f,\"sum\":%d}\n", words[0], parsing, next, sum)
	}
}
