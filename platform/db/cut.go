package db

import (
	"strconv"
	"strings"
)

// Cut narrows a list of one context by what another one keeps, in the words of whoever keeps it: contexts do not know each other's tables. A list that takes cuts goes
// by Set when few ids are in it, and asks Has of each row it walks over otherwise.
type Cut struct {
	Set  string // a statement that selects the ids there are; each ? stands for one of Args
	Has  string // a statement that selects something when {id} is one of them, with the same Args
	Args []any
}

// Bind writes a statement with ? for its values as one with $n, and appends the values to args.
func Bind(text string, values, args []any) (string, []any) {
	for _, v := range values {
		args = append(args, v)
		text = strings.Replace(text, "?", "$"+strconv.Itoa(len(args)), 1)
	}
	return text, args
}
