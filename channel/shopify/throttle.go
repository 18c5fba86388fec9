package shopify

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// throttled reads Shopify's "too often" out of an answer: HTTP 429 with Retry-After, and the GraphQL error THROTTLED, which comes with HTTP 200 and says
// in its cost how many points are missing. https://shopify.dev/docs/api/usage/limits
func throttled(status int, header http.Header, body []byte) (time.Duration, bool) {
	var e envelope
	marked := bytes.Contains(body, []byte("THROTTLED"))
	if marked && json.Unmarshal(body, &e) == nil && e.throttled() {
		return max(e.Extensions.Cost.wait(), retryAfter(header)), true
	}
	if status == http.StatusTooManyRequests {
		return max(retryAfter(header), time.Second), true
	}
	return 0, false
}

func (e *envelope) throttled() bool {
	var all []topError
	if json.Unmarshal(e.Errors, &all) != nil {
		return false
	}
	for _, t := range all {
		if t.Extensions.Code == "THROTTLED" {
			return true
		}
	}
	return false
}

// maxWait is longer than any bucket takes to fill; a longer wait is a misunderstanding.
const maxWait = time.Minute

// wait is how long the bucket takes to hold the query's cost: (requested − available) ÷ rate. A second when the answer does not say.
func (c cost) wait() time.Duration {
	asked, ok1 := thousandths(string(c.Requested))
	there, ok2 := thousandths(string(c.Throttle.Available))
	rate, ok3 := thousandths(string(c.Throttle.Rate))
	if !ok1 || !ok2 || !ok3 || rate <= 0 || asked <= there {
		return time.Second
	}
	perMilli := max(rate/1000, 1)
	return millis((asked - there + perMilli - 1) / perMilli)
}

// retryAfter is the header's seconds, which Shopify writes with a fraction: "2.0". At most a minute.
func retryAfter(header http.Header) time.Duration {
	ms, ok := thousandths(strings.TrimSpace(header.Get("Retry-After")))
	if !ok || ms < 0 {
		return 0
	}
	return millis(ms)
}

// millis is so many milliseconds, at most maxWait.
func millis(n int64) time.Duration {
	return time.Duration(min(n, maxWait.Milliseconds())) * time.Millisecond
}

// thousandths reads a decimal number without a binary fraction; further digits are dropped.
func thousandths(s string) (int64, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > math.MaxInt64/1_000_000 || n < math.MinInt64/1_000_000 {
		return 0, false
	}
	fraction = (fraction + "000")[:3]
	f, err := strconv.ParseUint(fraction, 10, 16)
	if err != nil {
		return 0, false
	}
	if strings.HasPrefix(whole, "-") {
		return n*1000 - int64(f), true
	}
	return n*1000 + int64(f), true
}
