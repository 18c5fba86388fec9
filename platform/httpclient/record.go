package httpclient

import (
	"io"
	"net/http"
	"time"
)

// Exchange is one attempt as it may be shown: secrets and personal data are taken out.
type Exchange struct {
	Account, Channel string
	At               time.Time
	Took             time.Duration
	Method, URL      string
	Header           http.Header
	Body             string
	Status           int // 0: there was no answer
	Answer           http.Header
	Reply            string
	Error            string
}

func (t *transport) exchange(req *http.Request, body content, a attempt, took time.Duration) Exchange {
	x := Exchange{
		Account: t.Account, Channel: t.Channel, At: t.pool.Now(), Took: took, Method: req.Method, URL: RedactURL(req.URL),
		Header: RedactHeader(req.Header), Body: t.sentBody(req, body),
	}
	if a.response != nil {
		x.Status, x.Answer = a.response.StatusCode, RedactHeader(a.response.Header)
		x.Reply = RedactBody(a.response.Header.Get("Content-Type"), a.body)
	}
	if a.err != nil {
		x.Error = RedactText(a.err.Error())
	}
	return x
}

// sentBody reads once more what was sent, where that is possible.
func (t *transport) sentBody(req *http.Request, body content) string {
	if !body.again {
		return "(a stream)"
	}
	again, err := body.get()
	if err != nil {
		return "(a stream)"
	}
	defer func() { _ = again.Close() }()
	all, err := io.ReadAll(io.LimitReader(again, maxRedact+1))
	if err != nil {
		return "(a stream)"
	}
	return RedactBody(req.Header.Get("Content-Type"), all)
}
