// Package shop is the HTTP interface of our own storefronts, /shop/v1/{storefront}/…: products, cart, checkout, and orders tracked without a login. Start at routes
// below, where every address stands with what answers it.
//
// It is open to everybody, so nothing that comes in is trusted: bodies are small, strictly read and flat, callers are limited by address, and an order is shown only for
// its number together with the phone number it was placed with. A cart's token travels in the Authorization header, never in an address.
package shop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/web/api"
)

// Needs is what the shop gets from others. app fills it.
type Needs struct {
	DB     *db.DB
	Log    *slog.Logger // default: nowhere
	Cart   *cart.Service
	Orders *order.Service
	// Parcels lists an order's parcels that are on their way or were, oldest first; nil while nobody sends any.
	Parcels func(tx *db.Tx, order string) ([]Parcel, error)
	// Return asks for goods to be taken back; nil while nobody does.
	Return func(ctx context.Context, ask ReturnAsk) (ReturnAnswer, error)
	// Returned reads a return again, by its number, or the newest of an order, by its id: for a repeat of the request that opened it.
	Returned func(tx *db.Tx, number string) (ReturnAnswer, error)
	// Paid takes what a payment provider pushes, whether it is about a checkout or an order; nil: only checkouts follow.
	Paid func(ctx context.Context, provider string, header http.Header, body []byte) error
	// Limits bound what one caller may do; the zero value is the default.
	Limits Limits
}

// Shop answers requests. Safe for concurrent use.
type Shop struct {
	need   Needs
	once   *api.Once
	calls  *api.Limiter // by address
	proofs *api.Limiter // by address, and by order number
}

// New makes the shop.
func New(need Needs) *Shop {
	if need.Log == nil {
		need.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	l := need.Limits.withDefaults()
	return &Shop{need: need, once: api.NewOnce(need.DB, need.Log), calls: api.NewLimiter(l.PerSecond, l.Burst), proofs: api.NewLimiter(float64(l.ProofsPerHour)/3600, l.ProofBurst)}
}

// handler answers one request: a status and what is written as JSON, or an error.
type handler func(c *call) (status int, body any, err error)

// routes is every address of the shop, below /shop/v1/{storefront}.
func (s *Shop) routes() []struct {
	method, path string
	do           handler
} {
	return []struct {
		method, path string
		do           handler
	}{
		{"GET", "", s.storefront},
		{"GET", "/products", s.products},
		{"GET", "/products/{sku}", s.product},
		{"POST", "/cart", s.createCart},
		{"GET", "/cart", s.cart},
		{"POST", "/cart/lines", s.addLine},
		{"PUT", "/cart/lines/{sku}", s.setLine},
		{"DELETE", "/cart/lines/{sku}", s.dropLine},
		{"PUT", "/cart/buyer", s.setBuyer},
		{"PUT", "/cart/delivery", s.setDelivery},
		{"PUT", "/cart/payment", s.setPayment},
		{"POST", "/cart/place", s.place},
		{"POST", "/orders/track", s.track},
		{"POST", "/orders/cancel", s.cancel},
		{"POST", "/orders/return", s.giveBack},
		{"POST", "/payments/{provider}/hook", s.hook},
	}
}

// base is where the shop lives.
const base = "/shop/v1/{storefront}"

// Register puts the routes on a mux.
func (s *Shop) Register(mux *http.ServeMux) {
	for _, r := range s.routes() {
		mux.HandleFunc(r.method+" "+base+r.path, func(w http.ResponseWriter, req *http.Request) { s.serve(w, req, r.do) })
	}
	for path, methods := range s.allowed() {
		mux.HandleFunc(base+path, func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Allow", methods)
			s.problem(w, req, &api.Problem{
				Type: "urn:openclaw-commerce:method_not_allowed", Title: "That cannot be done here", Status: http.StatusMethodNotAllowed, Detail: "this address takes " + methods,
				Code: "method",
			})
		})
	}
	mux.HandleFunc("/shop/v1/", func(w http.ResponseWriter, req *http.Request) {
		s.problem(w, req, fault.New(fault.NotFound, "there is nothing at this address"))
	})
}

// allowed are the methods of each path.
func (s *Shop) allowed() map[string]string {
	all := map[string]string{}
	for _, r := range s.routes() {
		if all[r.path] != "" {
			all[r.path] += ", "
		}
		all[r.path] += r.method
	}
	return all
}

// call is one request on its way.
type call struct {
	*http.Request
	w     http.ResponseWriter
	store cart.Storefront
	addr  string
	s     *Shop
}

// serve does what every request needs: limits, the storefront, the answer as JSON; a panic is an error like any other.
func (s *Shop) serve(w http.ResponseWriter, r *http.Request, do handler) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
				panic(p)
			}
			s.problem(w, r, fault.Wrap(fault.Internal, fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "something went wrong on our side"))
		}
	}()
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	c := &call{Request: r, w: w, addr: api.Peer(r), s: s}
	if wait := s.calls.Take(c.addr, s.need.DB.Now()); wait > 0 {
		s.problem(w, r, fault.Wait(wait, "too many requests from this address").WithCode("rate_limited"))
		return
	}
	if err := c.clean(); err != nil {
		s.problem(w, r, err)
		return
	}
	var err error
	if c.store, err = s.need.Cart.Storefront(r.Context(), r.PathValue("storefront")); err != nil {
		s.problem(w, r, err)
		return
	}
	status, body, err := do(c)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	s.write(w, status, "application/json", body)
}

func (s *Shop) write(w http.ResponseWriter, status int, kind string, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		s.need.Log.Error("answer cannot be written", "err", err)
		status, text = http.StatusInternalServerError, []byte(`{}`)
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	if _, err := w.Write(append(text, '\n')); err != nil {
		s.need.Log.Debug("answer not written", "err", err)
	}
}

// shopProblem is a problem that may name the lines of a cart that are short.
type shopProblem struct {
	*api.Problem
	Short []cart.ShortLine `json:"short,omitempty"`
}

// problem answers with an error.
func (s *Shop) problem(w http.ResponseWriter, r *http.Request, err error) {
	out := shopProblem{Problem: api.ProblemOf(err)}
	if out.Code == "stale" {
		copied := *out.Problem
		copied.Status, out.Problem = http.StatusPreconditionFailed, &copied
	}
	var short *cart.Refusal
	if errors.As(err, &short) {
		out.Short = short.Lines
	}
	if out.Status >= 500 {
		s.need.Log.Error("shop request", "method", r.Method, "route", r.Pattern, "kind", fault.KindOf(err).String(), "err", err)
	}
	if after := fault.After(err); after > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int((after+time.Second-1)/time.Second)))
	}
	if out.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	s.write(w, out.Status, "application/problem+json", out)
}

// token is the cart's token. Fault: Unauthorized when there is none.
func (c *call) token() (string, error) {
	scheme, token, ok := strings.Cut(c.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > 200 {
		return "", fault.New(fault.Unauthorized, "send the cart's token as Authorization: Bearer …").WithCode("no_cart")
	}
	return token, nil
}
