package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/sim/torture/check"
)

// siteShop is our own web shop, with its buyers.
type siteShop struct {
	town    *town
	id      string
	rnd     *rand.Rand
	client  *http.Client
	placed  []string
	unsure  []*visit // whose order was on its way when they had waited long enough
	private []string // what buyers told us of themselves
}

func (s *siteShop) account() check.Account {
	a := check.Account{ID: s.id, Name: "web", Channel: "ownsite"}
	for _, n := range s.placed {
		a.Orders = append(a.Orders, check.Order{External: n, Open: -1, Shipped: -1})
	}
	return a
}

// visit is one buyer's way through the shop.
type visit struct {
	s           *siteShop
	token, etag string
}

// do asks until there is an answer: the buyer's browser repeats a request under the same key while the shop is down.
func (v *visit) do(ctx context.Context, method, path string, in, out any) (int, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return 0, err
	}
	for deadline := time.Now().Add(patience); ; {
		status, text, tag, err := v.once(ctx, method, path, body)
		again := err != nil || status == http.StatusTooManyRequests || status >= 500
		if !again {
			if tag != "" {
				v.etag = tag
			}
			if status < 300 {
				err = json.Unmarshal(text, out)
			}
			return status, err
		}
		if time.Now().After(deadline) {
			return status, fmt.Errorf("%s %s is not answered: %d %w", method, path, status, err)
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

func (v *visit) once(ctx context.Context, method, path string, body []byte) (int, []byte, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+v.s.town.run.house.addr+"/shop/v1/web"+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if v.token != "" {
		req.Header.Set("Authorization", "Bearer "+v.token)
		req.Header.Set("If-Match", v.etag)
		req.Header.Set("Idempotency-Key", v.token+path)
	}
	res, err := v.s.client.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, text, res.Header.Get("ETag"), err
}

// buy walks one buyer through the checkout; false where the shop refused, sold out for instance.
func (s *siteShop) buy(ctx context.Context) (bool, error) {
	v := &visit{s: s}
	var made struct {
		Token string `json:"token"`
	}
	if code, err := v.do(ctx, "POST", "/cart", map[string]string{"language": "en"}, &made); err != nil || code >= 300 {
		return false, err
	}
	v.token = made.Token
	name, phone := fmt.Sprintf("Buyer Torturename%d", s.rnd.IntN(1e9)), fmt.Sprintf("+92 3%02d %07d", s.rnd.IntN(50), s.rnd.IntN(1e7))
	s.private = append(s.private, name)
	var view json.RawMessage
	for _, st := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/cart/lines", map[string]any{"sku": pick(s.rnd, s.town.skus...), "quantity": 1 + s.rnd.IntN(3)}},
		{"PUT", "/cart/buyer", map[string]any{
			"buyer":   map[string]string{"name": name, "phone": phone, "email": fmt.Sprintf("b%d@example.com", s.rnd.IntN(1e9))},
			"ship_to": map[string]string{"name": name, "line1": "House 1, Street 2", "country": "PK", "city": "Lahore", "province": "Punjab", "phone": phone},
		}},
		{"PUT", "/cart/delivery", map[string]string{"code": "standard"}},
		{"PUT", "/cart/payment", map[string]string{"provider": "cod"}},
	} {
		// A step whose answer was lost may have been taken: then the version has moved on, and this buyer leaves.
		if code, err := v.do(ctx, st.method, st.path, st.body, &view); err != nil || code >= 300 {
			return false, err
		}
	}
	if _, err := v.do(ctx, "POST", "/cart/place", map[string]any{}, &view); err != nil {
		return false, err
	}
	// Whatever the answer was, the page asks what became of it: an earlier one may have been lost.
	before := len(s.placed)
	for deadline := time.Now().Add(hurry); ; {
		done, err := v.became(ctx)
		if done || err != nil {
			return len(s.placed) > before, err
		}
		if time.Now().After(deadline) {
			s.unsure = append(s.unsure, v)
			return false, nil
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return false, err
		}
	}
}

// hurry is how long a buyer looks at a page that says the order is on its way. What becomes of it later is asked when all is quiet.
const hurry = 2 * time.Second

// became asks what became of the visit's order; false while that is open.
func (v *visit) became(ctx context.Context) (done bool, err error) {
	var cart struct {
		Number string `json:"order_number"`
		State  string `json:"state"`
	}
	code, err := v.do(ctx, "GET", "/cart", nil, &cart)
	switch {
	case err != nil:
		return false, err
	case code < 300 && cart.State == "placed" && cart.Number != "":
		v.s.placed = append(v.s.placed, cart.Number)
		return true, nil
	}
	return code >= 300 || cart.State != "placing" && cart.State != "placed", nil
}

// ask has everybody who did not see the end of it look again.
func (s *siteShop) ask(ctx context.Context) error {
	var left []*visit
	for _, v := range s.unsure {
		done, err := v.became(ctx)
		if err != nil {
			return err
		}
		if !done {
			left = append(left, v)
		}
	}
	s.unsure = left
	return nil
}
