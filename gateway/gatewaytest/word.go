package gatewaytest

import "regexp"

// replaceValue puts another word in the place of a JSON value; names of members stay.
func replaceValue(body, word, by string) string {
	return regexp.MustCompile(`"`+regexp.QuoteMeta(word)+`"(\s*[,}\]])`).ReplaceAllString(body, `"`+by+`"$1`)
}
