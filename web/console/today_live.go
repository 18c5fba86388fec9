package console

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// pulse is how often a page that stands open is looked after; one that is not looked at costs the same small look.
const pulse = 3 * time.Second

// todayLive tells an open page that something changed (server-sent events); the page then fetches itself. It ends with the session.
func todayLive(v *visit) error {
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.WriteHeader(http.StatusOK)
	rc := http.NewResponseController(v.w)
	beat := time.NewTicker(pulse)
	defer beat.Stop()
	for last := cmp.Or(v.r.Header.Get("Last-Event-ID"), v.ask("seen")); ; { // a browser that comes back says what it was told last
		var now string
		err := v.read(func(tx *db.Tx) error {
			waits, err := exception.WaitsNow(tx)
			if err == nil {
				now, err = v.mark(tx, waits)
			}
			return err
		})
		if err != nil {
			return nil //nolint:nilerr // the browser asks again by itself
		}
		text := ": still here\n\n"
		if now != last {
			text = "event: changed\nid: " + now + "\ndata: 1\n\n"
			last = now
		}
		// Not every writer has a deadline: then the server's own counts.
		_ = rc.SetWriteDeadline(time.Now().Add(4 * pulse))
		if _, err := fmt.Fprint(v.w, text); err != nil {
			return nil //nolint:nilerr // the browser has gone
		}
		if rc.Flush() != nil {
			return nil
		}
		select {
		case <-v.r.Context().Done():
			return nil
		case <-beat.C:
		}
		if _, err := v.Users.SessionOf(v.r.Context(), v.cookie(cookieSession)); err != nil {
			return nil //nolint:nilerr // signed out meanwhile
		}
	}
}

// mark changes when something a person would look at does. It says nothing to anybody, and stands in an address.
func (v *visit) mark(tx *db.Tx, waits []exception.Waits) (string, error) {
	page, err := v.Order.List(tx, order.Filter{}, "", 1)
	if err != nil {
		return "", err
	}
	newest := ""
	for _, o := range page.Items {
		newest = o.ID
	}
	piles, err := v.Connect.Backlog(tx, 10*many)
	if err != nil {
		return "", err
	}
	late, err := v.counted(tx, order.Filter{DueUntil: tx.Now})
	sum := sha256.Sum256(fmt.Append(nil, newest, waits, piles, late))
	return hex.EncodeToString(sum[:8]), err
}
