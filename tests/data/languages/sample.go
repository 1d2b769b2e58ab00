// Package sample is for reading.
package sample

import (
	"fmt"
	str "strings"

	_ "embed"
)

import "os"

const (
	First = iota
	Second
)

var table = map[string]func(int) int{
	"double": func(x int) int { return 2 * x },
}

// Shape has an area.
type Shape interface {
	fmt.Stringer
	Area() float64
}

type (
	Point struct {
		X, Y float64
	}
	Names []string
)

type Square struct {
	*Point
	Side float64 `json:"side"`
}

type Handler func(name string) error

// Area is what it covers.
func (s *Square) Area() float64 {
	return s.Side * s.Side
}

func (s Square) String() string {
	return fmt.Sprintf("square {%v", s.Side)
}

func Map[T, U any](items []T, f func(T) U) []U {
	result := make([]U, 0, len(items))
	for _, item := range items {
		result = append(result, f(item))
	}
	return result
}

func text() string {
	return `
func notOne() {
"` + "}" + string('{') + str.Repeat(`"`, 2)
}

var Default = Square{Side: 1}

func init() {
	go func() {
		defer close(done)
	}()
	os.Exit(First)
}

func external(x int) int

type Number interface {
	~int | ~float64
}

func (n Names) Len() int { return len(n) }

/*
func commented() {
*/

func main() {
	switch x := table["double"](2); {
	case x > Second:
		fmt.Println(Map([]int{1}, func(i int) Point { return Point{} }))
	}
}
