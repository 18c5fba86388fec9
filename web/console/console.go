// Package console is where people work: orders, exceptions, pick-pack-ship, stock and channels in the browser, rendered here. Start at
// routes in routes.go, the one table of what there is and who may; visit in visit.go is what every page gets.
//
// A page action is a file, with its template beside it; phrases live in lang, whole sentences with the English one as key. No page
// knows SQL: pages call the services that the API calls. Everything works as plain links and forms; htmx and console.js make it quick.
package console

import (
	"context"
	"html/template"
	"io"
	"log/slog"
	"net/http"

	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/httpclient"
	"github.com/openclaw-pos/commerce/platform/privacy"
	table "github.com/openclaw-pos/commerce/platform/sheet"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// Base is where the console is mounted.
const Base = "/console"

// Needs is what the console gets from the house. app fills it; every field must be set.
type Needs struct {
	DB    *db.DB
	Log   *slog.Logger
	Users *access.Users
	Keys  *access.Keys
	Audit *audit.Log
	Vault *vault.Vault
	// Privacy finds buyers by what only they and we know.
	Privacy *privacy.Store
	// Zones finds the store of what is personal by residency zone.
	Zones *privacy.Zones
	// Sign makes a keyed hash of what this server gave out and wants to know again; Signed says whether it is one, also of an older key.
	Sign   func(domain, text string) (string, error)
	Signed func(domain, text, sign string) bool

	// Do has a person do one request of the API: what takes two people goes that way.
	Do func(ctx context.Context, who access.Caller, method, path, match string, body, out any) error

	Order       *order.Service
	Payment     *payment.Service
	Fulfillment *fulfillment.Service
	Dispatch    *dispatch.Service
	Returns     *returns.Service
	Connect     *connect.Service
	Catalog     *catalog.Service
	Inventory   *inventory.Service
	Policy      *policy.Service
	// Triage decides about goods that are short.
	Triage Triage
	// Budget is what an account may still ask of its partner; false when nobody knows.
	Budget func(account string) (httpclient.Left, bool)
	// Rate is how an account's partner has answered lately; false when nobody knows.
	Rate func(account string) (httpclient.Rate, bool)
	// Import takes a table of products, prices or costs; stock goes to Inventory.
	Import func(ctx context.Context, what string, r io.Reader, actor string, dry bool) (table.Report, error)
}

// Console serves the pages. Safe for concurrent use.
type Console struct {
	Needs
	table  map[string]route // by name
	pages  map[string]*template.Template
	assets *assets
	words  words
	said   []saying
	cross  *http.CrossOriginProtection
}

// New makes the console. It panics when a template or a phrase file is broken, which a test finds.
func New(need Needs) *Console {
	c := &Console{Needs: need, table: map[string]route{}, assets: loadAssets(), words: loadWords(), cross: http.NewCrossOriginProtection()}
	for _, r := range c.routes() {
		if _, twice := c.table[r.name]; twice {
			panic("two routes are called " + r.name)
		}
		c.table[r.name] = r
	}
	c.said = c.words.sayings()
	c.pages = loadPages(c.assets)
	return c
}

// Handler serves everything under Base.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+Base+"/static/", c.assets)
	for _, r := range c.routes() {
		mux.HandleFunc(r.method+" "+Base+r.path, func(w http.ResponseWriter, req *http.Request) { c.serve(w, req, r) })
	}
	mux.HandleFunc(Base+"/", func(w http.ResponseWriter, req *http.Request) { c.serve(w, req, route{name: "none", do: nowhere}) })
	return mux
}

// allowed reports whether a caller may use a route, somewhere at least; what is about the whole business, in all of it.
func (c *Console) allowed(who access.Caller, name string) bool {
	r, known := c.table[name]
	return known && (r.need == "" || r.need == self && who.Kind == access.ByUser || who.Has(r.need) && (r.rows != access.Whole || who.Reach(r.need).Everything()))
}
