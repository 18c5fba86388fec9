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

// Merged writes a list of rows that meet one of several conditions, of which no row meets two: of each the first are read by an index that has them in order, and put together.
// With one "in" they would be read and sorted all, or looked for among all rows there are. Text selects from where; order names columns by their places, "order by 2, 1", since
// it is that of the parts and of the whole. No condition is none.
func Merged(text string, any []string, order, limit string) string {
	end := " " + order + " limit " + limit
	switch len(any) {
	case 0:
		return text + end
	case 1:
		return text + " and " + any[0] + end
	}
	parts := make([]string, len(any))
	for i, c := range any {
		parts[i] = "select * from (" + text + " and " + c + end + ") part" + strconv.Itoa(i)
	}
	return strings.Join(parts, " union all ") + end
}
