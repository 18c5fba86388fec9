package db

import (
	"regexp"
	"strings"
)

// inKeys is how texts ask for a list of keys, see Keys.
var inKeys = regexp.MustCompile(`(?i)\b(not\s+)?in\s*\(\s*select\s+key\s+from\s+json_each\((\$\d+)\)\s*\)`)

var listedTexts memo[string]

// listed is a text as PostgreSQL plans it best: it takes json_each for a hundred rows, and so reads tables of some thousand rows from end to end for two keys; of an
// array it expects ten. The meaning is the same, nulls included.
func listed(text string) string {
	if !strings.Contains(text, "json_each") {
		return text
	}
	return listedTexts.of(text, func(text string) string {
		return inKeys.ReplaceAllStringFunc(text, func(part string) string {
			m := inKeys.FindStringSubmatch(part)
			if m[1] != "" {
				return "<> all(array(select json_object_keys(" + m[2] + "::json)))"
			}
			return "= any(array(select json_object_keys(" + m[2] + "::json)))"
		})
	})
}
