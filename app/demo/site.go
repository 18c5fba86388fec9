package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/brianvoe/gofakeit/v7"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// siteStall is one of our own storefronts; its buyers walk through the checkout over HTTP.
type siteStall struct {
	label, country, currency, language string
	seed                               uint64

	base   string
	acc    string
	fake   *gofakeit.Faker
	client *http.Client
	placed []string
	phones map[string]string // by order number: the proof that it is the buyer who asks

	regrets regrets
	givers  givers
}

func (s *siteStall) name() string { return s.label }
func (s *siteStall) url() string  { return s.base }
func (s *siteStall) home() string {
	return map[string]string{"PK": "PK-LHE-WH", "DE": "DE-BER-01"}[s.country]
}
func (s *siteStall) account() string        { return s.acc }
func (s *siteStall) sent() []string         { return s.placed }
func (s *siteStall) key() string            { return "number" }
func (s *siteStall) trouble()               {}
func (s *siteStall) calm()                  {}
func (s *siteStall) travel()                {}
func (s *siteStall) close()                 {}
func (s *siteStall) shipped() int           { return -1 } // it reads our own tables: there is nobody to tell
func (s *siteStall) faults() map[string]int { return nil }

func (s *siteStall) quiet(context.Context) error { return nil }
func (s *siteStall) pending() int                { return 0 }

func (s *siteStall) open(ctx context.Context, a *app.App, w *world, url string) error {
	s.base, s.client, s.fake, s.phones = url+"/shop/v1/"+s.label, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: shoppers}}, gofakeit.New(s.seed), map[string]string{}
	acc, err := a.Connect.Add(ctx, connect.Adding{
		Name: s.label, Channel: "ownsite", Country: s.country, Currency: s.currency, LegalEntity: w.entities[s.country], Mode: channel.Live, Actor: "demo",
		Zone: map[string]string{"PK": "Asia/Karachi", "DE": "Europe/Berlin"}[s.country], Settings: map[string]string{"storefront": s.label, "currency": s.currency, "poll_seconds": "2", "cod_presumed": "yes"},
	})
	if err != nil {
		return err
	}
	s.acc = acc.ID
	_, err = a.Cart.SaveStorefront(ctx, cart.Storefront{
		Code: s.label, Account: acc.ID, Name: s.label, Country: s.country, Currency: s.currency, Language: s.language, Languages: []string{s.language, "en"}, Active: true,
		Payments: []cart.Method{
			{Provider: "cod", Method: channel.PayCOD, Title: "Cash on delivery"},
			{Provider: "demo", Method: channel.PayCard, Title: "Card"},
		},
		Deliveries: []cart.Delivery{{Code: "standard", Name: "Standard delivery", Price: money.Of(25000, s.currency), Days: 3}},
	}, "demo")
	return err
}

// shoppers is how many people are in one shop at the same time.
const shoppers = 4

// sell lets n people shop. What each wants is drawn before they start, and orders count in that order, so that one seed is one run however they overtake each other.
func (s *siteStall) sell(n int) (int, error) {
	trips := make([]trip, n)
	for i := range trips {
		trips[i] = s.trip()
	}
	numbers, errs := make([]string, n), make([]error, n)
	var next atomic.Int64
	var g sync.WaitGroup
	for range min(shoppers, n) {
		g.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				numbers[i], errs[i] = s.buy(trips[i])
			}
		})
	}
	g.Wait()
	took := 0
	for i, number := range numbers {
		if number != "" {
			s.placed, s.phones[number] = append(s.placed, number), trips[i].phone
			took++
		}
	}
	return took, errors.Join(errs...)
}

// trip is what one buyer comes for, and who it is.
type trip struct {
	lines  []map[string]any
	person map[string]any
	phone  string
}

func (s *siteStall) trip() (t trip) {
	for range 1 + s.fake.IntRange(0, 2) {
		t.lines = append(t.lines, map[string]any{"sku": fmt.Sprintf("OC-%03d", s.fake.IntRange(1, 200)), "quantity": s.fake.IntRange(1, 2)})
	}
	t.person, t.phone = s.person()
	return t
}

// buyer walks one buyer's cart.
type buyer struct {
	s     *siteStall
	token string
	etag  string
}

// do sends one request as the shop front does; what the shop refuses is a status, not an error.
func (b *buyer) do(method, path string, in, out any) (int, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequest(method, b.s.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	if b.token != "" {
		req.Header.Set("Authorization", "Bearer "+b.token)
		req.Header.Set("If-Match", b.etag)
		req.Header.Set("Idempotency-Key", b.token+path)
	}
	res, err := b.s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	if tag := res.Header.Get("ETag"); tag != "" {
		b.etag = tag
	}
	if res.StatusCode < 300 {
		return res.StatusCode, json.Unmarshal(text, out)
	}
	if res.StatusCode != http.StatusConflict && res.StatusCode != http.StatusUnprocessableEntity {
		return res.StatusCode, fmt.Errorf("%s %s%s answers %d: %s", method, b.s.base, path, res.StatusCode, text)
	}
	return res.StatusCode, nil
}

// buy is one checkout and answers the order's number; "" means that the shop was sold out.
func (s *siteStall) buy(t trip) (string, error) {
	b := &buyer{s: s}
	var made struct {
		Token string `json:"token"`
	}
	if _, err := b.do("POST", "/cart", map[string]string{"language": s.language}, &made); err != nil {
		return "", err
	}
	b.token = made.Token
	var view json.RawMessage
	for _, line := range t.lines {
		if code, err := b.do("POST", "/cart/lines", line, &view); err != nil || code >= 300 {
			return "", err
		}
	}
	steps := []struct {
		path string
		body any
	}{
		{"/cart/buyer", t.person},
		{"/cart/delivery", map[string]string{"code": "standard"}},
		{"/cart/payment", map[string]string{"provider": "cod"}},
	}
	for _, st := range steps {
		code, err := b.do("PUT", st.path, st.body, &view)
		if err != nil {
			return "", err
		}
		if code >= 300 {
			return "", errors.New(s.base + st.path + " answers " + strconv.Itoa(code))
		}
	}
	var answer struct {
		Number string `json:"order_number"`
	}
	if code, err := b.do("POST", "/cart/place", map[string]any{}, &answer); err != nil || code >= 300 {
		return "", err
	}
	return answer.Number, nil
}

// person is a made-up buyer of the storefront's country, and the buyer's phone.
func (s *siteStall) person() (map[string]any, string) {
	name := s.fake.Name()
	to := map[string]string{"name": name, "line1": fmt.Sprintf("House %d, Street %d", s.fake.IntRange(1, 300), s.fake.IntRange(1, 40)), "country": s.country}
	phone := fmt.Sprintf("+92 3%02d %07d", s.fake.IntRange(0, 49), s.fake.IntRange(0, 9999999))
	switch s.country {
	case "PK":
		to["city"], to["province"] = s.fake.RandomString([]string{"Lahore", "Karachi", "Islamabad", "Multan"}), "Punjab"
	default:
		to["city"], to["postcode"] = "Berlin", fmt.Sprintf("10%03d", s.fake.IntRange(100, 999))
		phone = fmt.Sprintf("+49 151 %08d", s.fake.IntRange(0, 99999999))
	}
	to["phone"] = phone
	return map[string]any{"buyer": map[string]string{"name": name, "phone": phone, "email": s.fake.Email()}, "ship_to": to}, phone
}
