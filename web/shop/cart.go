package shop

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// front is a storefront as buyers see it.
type front struct {
	Code       string   `json:"code"`
	Name       string   `json:"name"`
	Country    string   `json:"country"`
	Currency   string   `json:"currency"`
	Language   string   `json:"language"`
	Languages  []string `json:"languages"`
	Deliveries []way    `json:"deliveries"`
	Payments   []way    `json:"payments"`
}

// way is a delivery or a payment to choose from.
type way struct {
	Code     string        `json:"code"`
	Title    string        `json:"title"`
	Price    *money.Amount `json:"price,omitempty"`
	FreeOver *money.Amount `json:"free_over,omitempty"`
	Days     int64         `json:"days,omitempty"`
	Cash     bool          `json:"cash,omitempty"`
}

// language is the one asked for by ?language, else by the first of Accept-Language; the storefront falls back to its own.
func (c *call) language() string {
	if l := c.URL.Query().Get("language"); l != "" {
		return l
	}
	first, _, _ := strings.Cut(c.Header.Get("Accept-Language"), ",")
	first, _, _ = strings.Cut(first, ";")
	first, _, _ = strings.Cut(strings.TrimSpace(first), "-")
	return strings.ToLower(first)
}

func (s *Shop) storefront(c *call) (int, any, error) {
	st, lang := c.store, c.language()
	f := front{Code: st.Code, Name: st.Name, Country: st.Country, Currency: st.Currency, Language: st.Language, Languages: st.Languages}
	for _, d := range st.Deliveries {
		f.Deliveries = append(f.Deliveries, way{Code: d.Code, Title: d.In(lang), Price: &d.Price, FreeOver: d.FreeOver, Days: d.Days})
	}
	for _, m := range st.Payments {
		f.Payments = append(f.Payments, way{Code: m.Provider, Title: m.In(lang), Cash: m.Method == channel.PayCOD})
	}
	return http.StatusOK, f, nil
}

func (s *Shop) products(c *call) (int, any, error) {
	limit := 50
	if text := c.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			return 0, nil, fault.Field("limit", "must be from 1 to 100")
		}
		limit = n
	}
	page, err := s.need.Cart.Products(c.Context(), c.store, c.URL.Query().Get("after"), limit)
	return http.StatusOK, page, err
}

func (s *Shop) product(c *call) (int, any, error) {
	p, err := s.need.Cart.Product(c.Context(), c.store, c.PathValue("sku"))
	return http.StatusOK, p, err
}

// opened is a new cart with its token, which is shown this once.
type opened struct {
	Token string    `json:"token"`
	Cart  cart.View `json:"cart"`
}

func (s *Shop) createCart(c *call) (int, any, error) {
	in, err := optional[struct {
		Language string `json:"language"`
		Currency string `json:"currency"`
	}](c)
	if err != nil {
		return 0, nil, err
	}
	if in.Currency != "" && in.Currency != c.store.Currency {
		return 0, nil, fault.Field("currency", "this shop sells in %s", c.store.Currency)
	}
	if in.Language == "" {
		in.Language = c.language()
	}
	token, v, err := s.need.Cart.Create(c.Context(), c.store, in.Language)
	if err != nil {
		return 0, nil, err
	}
	c.tag(v.Version)
	return http.StatusCreated, opened{token, v}, nil
}

// optional is input of a body that may be missing.
func optional[T any](c *call) (T, error) {
	if c.ContentLength == 0 {
		var none T
		return none, nil
	}
	return input[T](c)
}

func (c *call) tag(version int64) {
	c.w.Header().Set("ETag", strconv.Quote(strconv.FormatInt(version, 10)))
}

// shown answers with a cart and its version.
func (c *call) shown(v cart.View, err error) (int, any, error) {
	if err == nil {
		c.tag(v.Version)
	}
	return http.StatusOK, v, err
}

func (s *Shop) cart(c *call) (int, any, error) {
	token, err := c.token()
	if err != nil {
		return 0, nil, err
	}
	return c.shown(s.need.Cart.Get(c.Context(), c.store, token))
}

// change is an edit whose body is a T.
func change[T any](c *call, do func(e cart.Edit, in T) (cart.View, error)) (int, any, error) {
	e, err := c.edit()
	if err != nil {
		return 0, nil, err
	}
	in, err := input[T](c)
	if err != nil {
		return 0, nil, err
	}
	return c.shown(do(e, in))
}

func (s *Shop) addLine(c *call) (int, any, error) {
	type body struct {
		SKU      string `json:"sku"`
		Quantity int64  `json:"quantity"`
	}
	return change(c, func(e cart.Edit, in body) (cart.View, error) {
		if in.SKU == "" {
			return cart.View{}, fault.Field("sku", "is missing")
		}
		return s.need.Cart.Add(c.Context(), e, in.SKU, in.Quantity)
	})
}

func (s *Shop) setLine(c *call) (int, any, error) {
	type body struct {
		Quantity *int64 `json:"quantity"`
	}
	return change(c, func(e cart.Edit, in body) (cart.View, error) {
		if in.Quantity == nil {
			return cart.View{}, fault.Field("quantity", "is missing")
		}
		return s.need.Cart.Set(c.Context(), e, c.PathValue("sku"), *in.Quantity)
	})
}

func (s *Shop) dropLine(c *call) (int, any, error) {
	e, err := c.edit()
	if err != nil {
		return 0, nil, err
	}
	return c.shown(s.need.Cart.Set(c.Context(), e, c.PathValue("sku"), 0))
}

func (s *Shop) setBuyer(c *call) (int, any, error) {
	return change(c, func(e cart.Edit, in cart.Buyer) (cart.View, error) { return s.need.Cart.SetBuyer(c.Context(), e, in) })
}

func (s *Shop) setDelivery(c *call) (int, any, error) {
	type body struct {
		Code string `json:"code"`
	}
	return change(c, func(e cart.Edit, in body) (cart.View, error) { return s.need.Cart.SetDelivery(c.Context(), e, in.Code) })
}

func (s *Shop) setPayment(c *call) (int, any, error) {
	type body struct {
		Provider string `json:"provider"`
	}
	return change(c, func(e cart.Edit, in body) (cart.View, error) {
		return s.need.Cart.SetPayment(c.Context(), e, in.Provider)
	})
}

// place buys. Repeating is safe: 201 with the order, 202 while the payment waits for the buyer or the bank.
func (s *Shop) place(c *call) (int, any, error) {
	token, err := c.token()
	if err != nil {
		return 0, nil, err
	}
	version, _, err := c.version()
	if err != nil {
		return 0, nil, err
	}
	in, err := optional[struct {
		Total  money.Amount `json:"total"`
		Source string       `json:"source"`
		Return string       `json:"return_url"`
	}](c)
	if err != nil {
		return 0, nil, err
	}
	if err := checkPlace(in.Source, in.Return); err != nil {
		return 0, nil, err
	}
	a, err := s.need.Cart.Place(c.Context(), cart.Wish{
		Edit: cart.Edit{Store: c.store, Token: token, Version: version}, Key: c.Header.Get("Idempotency-Key"), Total: in.Total, Source: in.Source, Return: in.Return,
	})
	if err != nil {
		return 0, nil, err
	}
	c.tag(a.Version)
	if a.State != cart.Placed {
		return http.StatusAccepted, a, nil
	}
	return http.StatusCreated, a, nil
}

// checkPlace refuses what looks like a card number, and addresses a buyer should not be sent to.
func checkPlace(source, back string) error {
	digits := strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, source)
	if _, err := strconv.ParseUint(digits, 10, 64); err == nil && len(digits) >= 12 {
		return fault.Field("source", "must be the provider's token, never a card number")
	}
	if len(source) > 500 {
		return fault.Field("source", "is too long")
	}
	if len(back) > 500 || back != "" && !strings.HasPrefix(back, "https://") && !strings.HasPrefix(back, "http://localhost") && !strings.HasPrefix(back, "http://127.0.0.1") {
		return fault.Field("return_url", "must be an https address")
	}
	return nil
}

// hook takes what a payment provider pushes.
func (s *Shop) hook(c *call) (int, any, error) {
	body, err := c.read(maxHook)
	if err != nil {
		return 0, nil, err
	}
	if _, offered := offers(c.store, c.PathValue("provider")); !offered {
		return 0, nil, fault.New(fault.NotFound, "this shop has no such provider")
	}
	if s.need.Paid != nil {
		return http.StatusOK, struct{}{}, s.need.Paid(c.Context(), c.PathValue("provider"), c.Header, body)
	}
	return http.StatusOK, struct{}{}, s.need.Cart.Receive(c.Context(), c.store, c.PathValue("provider"), c.Header, body)
}

func offers(st cart.Storefront, provider string) (cart.Method, bool) {
	for _, m := range st.Payments {
		if m.Provider == provider {
			return m, true
		}
	}
	return cart.Method{}, false
}
