package outbox_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// receiver is a subscriber that answers as told, 200 when told nothing, and notes what it got.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	answers []func(http.ResponseWriter)
	ids     []string
	heads   []http.Header
	bodies  [][]byte
	flying  int
	most    int
	hold    chan struct{}
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := new(receiver)
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	r.ids, r.heads, r.bodies = append(r.ids, req.Header.Get("webhook-id")), append(r.heads, req.Header), append(r.bodies, body)
	r.flying++
	r.most = max(r.most, r.flying)
	var answer func(http.ResponseWriter)
	if len(r.answers) > 0 {
		answer, r.answers = r.answers[0], r.answers[1:]
	}
	hold := r.hold
	r.mu.Unlock()
	if hold != nil {
		<-hold
	}
	r.mu.Lock()
	r.flying--
	r.mu.Unlock()
	if answer != nil {
		answer(w)
	}
}

func answer(status int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	}
}

const secretOne, secretTwo = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func secrets(context.Context, string) ([]string, error) { return []string{secretTwo, secretOne}, nil }

func subscribe(t *testing.T, d *db.DB, s outbox.Subscription) (made outbox.Subscription) {
	t.Helper()
	if s.Name == "" {
		s.Name = "erp"
	}
	write(t, d, func(tx *db.Tx) (err error) {
		made, err = outbox.Subscribe(tx, s)
		return err
	})
	return made
}

func send(t *testing.T, s *outbox.Sender) int {
	t.Helper()
	n, err := s.Drain(t.Context())
	must(t, err)
	return n
}

func subscription(t *testing.T, d *db.DB, id string) (s outbox.Subscription) {
	t.Helper()
	read(t, d, func(tx *db.Tx) (err error) {
		s, err = outbox.GetSubscription(tx, id)
		return err
	})
	return s
}

func deliveries(t *testing.T, d *db.DB, id string) (all []outbox.Delivery) {
	t.Helper()
	read(t, d, func(tx *db.Tx) (err error) {
		all, err = outbox.Deliveries(tx, id, "", "", 0)
		return err
	})
	return all
}

func TestWebhooks(t *testing.T) {
	t.Parallel()

	t.Run("a contract is delivered once, signed by every secret", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			r := newReceiver(t)
			must(t, happen(t.Context(), d, "order:before", "OrderCreated"))
			sub := subscribe(t, d, outbox.Subscription{URL: r.URL, AllowPrivate: true, Types: []string{"OrderCreated"}})
			must(t, happen(t.Context(), d, "order:a", "OrderCreated", "order.ready"))
			s := outbox.NewSender(d, logger(t), "https://shop.example", secrets)
			drain(t, d, outbox.FanOut())
			drain(t, d, outbox.FanOut())
			if n := send(t, s); n != 2 { // the clock stands still: "before" counts as now
				t.Fatalf("%d requests", n)
			}
			if n := send(t, s); n != 0 {
				t.Fatalf("%d requests more", n)
			}
			for i, body := range r.bodies {
				for _, secret := range []string{secretOne, secretTwo} {
					w, err := webhooks.NewWebhook(secret)
					must(t, err)
					if err := w.VerifyIgnoringTimestamp(body, r.heads[i]); err != nil {
						t.Error(err)
					}
				}
				var ce struct{ ID, Type string }
				must(t, json.Unmarshal(body, &ce))
				if ce.ID != r.ids[i] || ce.Type != "com.openclaw.commerce.order.created.v1" {
					t.Errorf("%+v under id %s", ce, r.ids[i])
				}
			}
			for _, x := range deliveries(t, d, sub.ID) {
				if x.State != outbox.Delivered || x.Attempts != 1 || x.LastStatus != 200 {
					t.Errorf("%+v", x)
				}
			}
		})
	})

	t.Run("a failing subscriber is tried for days, then a person hears of it and sends again", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			r := newReceiver(t)
			for range 10 {
				r.answers = append(r.answers, answer(500))
			}
			sub := subscribe(t, d, outbox.Subscription{URL: r.URL, AllowPrivate: true})
			must(t, happen(t.Context(), d, "order:a", "OrderCreated"))
			drain(t, d, outbox.FanOut())
			s := outbox.NewSender(d, logger(t), "https://shop.example", secrets)
			start, tries := c.Now(), 0
			for range 400 {
				tries += send(t, s)
				c.Add(time.Hour)
			}
			x := deliveries(t, d, sub.ID)[0]
			if tries != 10 || x.State != outbox.DeliveryDead || x.LastStatus != 500 {
				t.Fatalf("%d tries in %s: %+v", tries, c.Now().Sub(start), x)
			}
			if s := subscription(t, d, sub.ID); !s.FailingSince.Equal(start) || s.LastError == "" || s.State != outbox.Active {
				t.Errorf("%+v", s)
			}
			if diff := cmp.Diff([]string{exception.SubscriberFailing}, open(t, d)); diff != "" {
				t.Error(diff)
			}
			write(t, d, func(tx *db.Tx) error {
				n, err := outbox.ResendAll(tx, sub.ID, time.Time{})
				if n != 1 {
					t.Errorf("%d resent", n)
				}
				return err
			})
			send(t, s)
			if x := deliveries(t, d, sub.ID)[0]; x.State != outbox.Delivered {
				t.Errorf("%+v", x)
			}
			if s := subscription(t, d, sub.ID); !s.FailingSince.IsZero() {
				t.Errorf("%+v", s)
			}
			write(t, d, func(tx *db.Tx) error { return outbox.Resend(tx, x.ID) })
			if n := send(t, s); n != 1 || r.ids[len(r.ids)-1] != r.ids[0] {
				t.Errorf("resending made %d requests, ids %v", n, r.ids)
			}
			if left := open(t, d); left != nil {
				t.Error(left)
			}
		})
	})

	t.Run("the receiver may ask to wait", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			r := newReceiver(t)
			r.answers = append(r.answers, answer(429, "Retry-After", "7200"))
			subscribe(t, d, outbox.Subscription{URL: r.URL, AllowPrivate: true})
			must(t, happen(t.Context(), d, "order:a", "OrderCreated"))
			drain(t, d, outbox.FanOut())
			s := outbox.NewSender(d, logger(t), "https://shop.example", secrets)
			var tries []int
			for range 3 {
				tries = append(tries, send(t, s))
				c.Add(time.Hour)
			}
			if diff := cmp.Diff([]int{1, 0, 1}, tries); diff != "" {
				t.Error(diff)
			}
		})
	})

	t.Run("who says it is gone is paused, and gets what collected when resumed", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			r := newReceiver(t)
			r.answers = append(r.answers, answer(410))
			sub := subscribe(t, d, outbox.Subscription{URL: r.URL, AllowPrivate: true})
			s := outbox.NewSender(d, logger(t), "https://shop.example", secrets)
			must(t, happen(t.Context(), d, "order:a", "OrderCreated"))
			drain(t, d, outbox.FanOut())
			send(t, s)
			must(t, happen(t.Context(), d, "order:b", "OrderCreated"))
			drain(t, d, outbox.FanOut())
			c.Add(48 * time.Hour)
			if n := send(t, s); n != 0 {
				t.Fatalf("%d requests to who is gone", n)
			}
			paused := subscription(t, d, sub.ID)
			if paused.State != outbox.Paused {
				t.Fatalf("%+v", paused)
			}
			stale := d.Write(t.Context(), func(tx *db.Tx) error { return outbox.Resume(tx, sub.ID, paused.Version-1) })
			if !fault.Is(stale, fault.Conflict) {
				t.Errorf("resumed by who had not seen the pause: %v", stale)
			}
			write(t, d, func(tx *db.Tx) error { return outbox.Resume(tx, sub.ID, paused.Version) })
			if n := send(t, s); n != 2 {
				t.Errorf("%d requests after resuming", n)
			}
			if left := open(t, d); left != nil {
				t.Error(left)
			}
		})
	})

	t.Run("nothing is sent into a private network, nor where a redirect leads", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			r := newReceiver(t)
			port := r.URL[strings.LastIndex(r.URL, ":"):]
			var ids []string
			for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0"} {
				ids = append(ids, subscribe(t, d, outbox.Subscription{URL: "https://" + host + port}).ID)
			}
			elsewhere := httptest.NewServer(http.RedirectHandler(r.URL, http.StatusTemporaryRedirect))
			t.Cleanup(elsewhere.Close)
			ids = append(ids, subscribe(t, d, outbox.Subscription{URL: elsewhere.URL, AllowPrivate: true}).ID)
			must(t, happen(t.Context(), d, "order:a", "OrderCreated"))
			drain(t, d, outbox.FanOut())
			send(t, outbox.NewSender(d, logger(t), "https://shop.example", secrets))
			if len(r.ids) != 0 {
				t.Fatalf("it was sent %d times", len(r.ids))
			}
			for _, id := range ids {
				if x := deliveries(t, d, id)[0]; x.State != outbox.DeliveryDue || x.LastError == "" {
					t.Errorf("%s: %+v", subscription(t, d, id).URL, x)
				}
			}
			if x := deliveries(t, d, ids[0])[0]; !strings.Contains(x.LastError, "private network") || strings.Contains(x.LastError, "127.0.0.1") {
				t.Errorf("%+v", x)
			}
		})
	})

	t.Run("one subscriber has so many requests at a time, however many senders claim", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			r := newReceiver(t)
			r.hold = make(chan struct{})
			sub := subscribe(t, d, outbox.Subscription{URL: r.URL, AllowPrivate: true})
			const events = 20
			for range events {
				must(t, happen(t.Context(), d, "order:a", "OrderCreated"))
			}
			drain(t, d, outbox.FanOut())
			ctx, stop := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			for range 2 {
				s := outbox.NewSender(d, logger(t), "https://shop.example", secrets)
				s.PerSubscription = 3
				wg.Go(func() { _ = s.Run(ctx) })
			}
			close(r.hold)
			began := time.Now()
			for {
				done := 0
				for _, x := range deliveries(t, d, sub.ID) {
					if x.State == outbox.Delivered {
						done++
					}
				}
				if time.Since(began) > time.Minute {
					t.Fatalf("%+v", deliveries(t, d, sub.ID))
				}
				if done == events {
					break
				}
			}
			stop()
			wg.Wait()
			seen := map[string]int{}
			for _, id := range r.ids {
				if seen[id]++; seen[id] > 1 {
					t.Errorf("event %s came %d times", id, seen[id])
				}
			}
			if r.most > 6 {
				t.Errorf("%d at a time", r.most)
			}
		})
	})

	t.Run("who fails is asked no more at once, and what was not sent has lost no attempt", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			r := newReceiver(t)
			for range 8 {
				r.answers = append(r.answers, answer(503))
			}
			sub := subscribe(t, d, outbox.Subscription{URL: r.URL, AllowPrivate: true})
			for range 40 {
				must(t, happen(t.Context(), d, "order:a", "OrderCreated"))
			}
			drain(t, d, outbox.FanOut())
			s := outbox.NewSender(d, logger(t), "https://shop.example", secrets)
			s.PerSubscription = 2
			for range 40 {
				send(t, s)
				c.Add(time.Minute)
			}
			if r.most > 2 {
				t.Errorf("%d at a time", r.most)
			}
			attempts := int64(0)
			for _, x := range deliveries(t, d, sub.ID) {
				attempts += x.Attempts
				if x.State != outbox.Delivered {
					t.Errorf("%+v", x)
				}
			}
			if attempts != 48 || len(r.ids) != 48 {
				t.Errorf("%d attempts are counted, %d requests were made, for 40 events and 8 refusals", attempts, len(r.ids))
			}
		})
	})

	t.Run("addresses that cannot be right are refused at once", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			for _, s := range []outbox.Subscription{
				{Name: "x", URL: "http://example.com/"},
				{Name: "x", URL: "https://user:pw@example.com/"},
				{Name: "x", URL: "ftp://example.com/", AllowPrivate: true},
				{Name: "x", URL: "https:example.com"},
				{Name: "x", URL: "https://example.com/#a"},
				{Name: "x", URL: "https://example.com/", Types: []string{"order.ready"}},
				{URL: "https://example.com/"},
			} {
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					_, err := outbox.Subscribe(tx, s)
					return err
				})
				if !fault.Is(err, fault.Invalid) {
					t.Errorf("%+v: %v", s, err)
				}
			}
		})
	})
}
