package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/company"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/sheet"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// Server is the HTTP interface. app fills it; a context that is nil has no routes.
type Server struct {
	DB      *db.DB
	Log     *slog.Logger
	Base    string // path of the resources; default /v1
	Version string // of the program, for OpenAPI
	Source  string // of events, see outbox.CloudEvent

	Keys  *access.Keys
	Users *access.Users
	Vault *vault.Vault
	Audit *audit.Log
	// Privacy keeps personal data; nil: no route reads or changes any.
	Privacy *privacy.Store
	// Zones finds the store of what is personal by residency zone; nil: everything is in Privacy. ZoneStates says how the others fare, ZoneHealth without asking them.
	Zones      *privacy.Zones
	ZoneStates func(ctx context.Context) ([]ZoneState, error)
	ZoneHealth func() []ZoneHealth
	// Paper prints packing slips and pick lists; nil: none are printed.
	Paper Paper
	// ForgetFar destroys what is personal of orders in other zones than the main one; it comes before Forget.
	ForgetFar func(ctx context.Context, cause string, orders []privacy.Subject) (int, error)
	// Forget destroys everything personal of orders and answers how many records that were; Forgotten follows its commit. nil: what this package reaches itself.
	Forget    func(tx *db.Tx, cause string, orders []privacy.Subject) (int, error)
	Forgotten func(ctx context.Context) error

	Order       *order.Service
	Payment     *payment.Service
	Connect     *connect.Service
	Catalog     *catalog.Service
	Inventory   *inventory.Service
	Policy      *policy.Service
	Fulfillment *fulfillment.Service
	Dispatch    *dispatch.Service
	Returns     *returns.Service
	Cart        *cart.Service
	Company     *company.Service

	// Second refuses, with the code SecondPerson, what the business wants two people for; nil: nothing.
	Second func(tx *db.Tx, rule string) error

	// Consumers are those of this program, so that it can be said how far each is behind.
	Consumers []outbox.Consumer
	// Import imports products, prices or costs from a CSV file.
	Import func(ctx context.Context, what string, r io.Reader, actor string, dry bool) (sheet.Report, error)
	// Local is a key that the program on this machine uses, made at start and kept beside the data; "" = none.
	Local string
	// AllowPrivate lets subscriptions be at private addresses without asking for it one by one.
	AllowPrivate bool

	// Limits bound what one key and one address may ask.
	Limits Limits

	once     sync.Once
	gate     *gate
	handler  http.Handler
	api      huma.API
	keeper   *keeper
	pulse    pulse
	metrics  *prometheus.Registry
	requests *prometheus.HistogramVec
	openapi  []byte
}

// Handler is everything this package serves: resources, hooks, health, metrics, OpenAPI and its page. It is made once.
func (s *Server) Handler() http.Handler {
	s.once.Do(s.build)
	return s.handler
}

// OpenAPI is the description of the resources (OpenAPI 3.1, JSON).
func (s *Server) OpenAPI() []byte {
	s.once.Do(s.build)
	return s.openapi
}

// Run keeps what the server has under way marked as alive, and forgets old idempotency keys, until ctx ends; it returns nil then.
func (s *Server) Run(ctx context.Context) error {
	s.once.Do(s.build)
	return s.keeper.run(ctx)
}

func (s *Server) build() {
	if s.Base == "" {
		s.Base = "/v1"
	}
	s.Base = "/" + strings.Trim(path.Clean(s.Base), "/")
	if s.Log == nil {
		s.Log = slog.Default()
	}
	s.keeper, s.gate = newKeeper(s.DB, s.Log), newGate(s.Limits)
	s.measure()
	mux := http.NewServeMux()
	s.api = humago.NewWithPrefix(mux, s.Base, s.config())
	s.api.UseMiddleware(s.authorize)
	s.orderRoutes()
	s.accountRoutes()
	s.listingRoutes()
	s.storefrontRoutes()
	s.stockRoutes()
	s.coreRoutes()
	s.fulfillmentRoutes()
	s.shipmentRoutes()
	s.returnRoutes()
	s.exceptionRoutes()
	s.eventRoutes()
	s.subscriptionRoutes()
	s.keyRoutes()
	s.userRoutes()
	s.auditRoutes()
	s.vaultRoutes()
	s.exportRoutes()
	s.policyRoutes()
	s.approvalRoutes(mux)
	s.privacyRoutes()
	s.zoneRoutes()
	s.remedyRoutes()
	s.paymentRoutes()
	s.workRoutes()
	s.doctorRoutes()
	s.describe()
	s.healthRoutes(mux)
	s.docsRoutes(mux)
	if s.Connect != nil {
		Hooks{Receive: s.Connect.Receive, ReceiveApp: s.Connect.ReceiveApp, Log: s.Log}.Register(mux)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.lost(mux, w, r) })
	s.handler = s.around(mux)
}

// config is how resources are read and written: one format, unknown fields and parameters refused, nothing loaded from outside.
func (s *Server) config() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	registry.RegisterTypeAlias(reflect.TypeFor[money.Amount](), reflect.TypeFor[amount]())
	registry.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[anything]())
	c := huma.DefaultConfig("openclaw-commerce", s.Version)
	c.Components = &huma.Components{
		Schemas: registry,
		SecuritySchemes: map[string]*huma.SecurityScheme{
			"key": {Type: "http", Scheme: "bearer", Description: "An API key, made with `openclaw-commerce key add`."},
		},
	}
	c.Info.Description = "Orders from every channel, stock, parcels, returns and what is told about them. Amounts are {\"amount\":\"409.940\",\"currency\":\"OMR\"}. " +
		"Lists go on with `after=` the `next` of the page before. Resources carry `version`; an action on one wants it as `If-Match`. " +
		"Every write takes an `Idempotency-Key`: the same key with the same request happens once and is answered alike. Errors are problem+json (RFC 9457)."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.RejectUnknownQueryParameters = true
	c.Transformers = []huma.Transformer{asProblem}
	return c
}

// schemaName names a type by its package, since several packages have a Line: OrderLine, EventPart. Ours stay as they are.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Name() == "" || strings.HasSuffix(t.PkgPath(), "web/api") || t.PkgPath() == "" {
		return name
	}
	pkg := path.Base(t.PkgPath())
	pkg = strings.ToUpper(pkg[:1]) + pkg[1:]
	if strings.HasPrefix(name, pkg) {
		return name
	}
	return pkg + name
}

// amount is how money looks in JSON.
type amount struct{}

// Schema implements huma.SchemaProvider.
func (amount) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Nullable: true, Description: "An amount of money as decimal text with all the digits of its currency.",
		Properties: map[string]*huma.Schema{
			"amount":   {Type: huma.TypeString, Examples: []any{"409.940"}},
			"currency": {Type: huma.TypeString, Description: "ISO 4217", Examples: []any{"OMR"}},
		},
	}
}

// anything is JSON whose shape depends on what it is about.
type anything struct{}

// Schema implements huma.SchemaProvider.
func (anything) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "JSON whose fields depend on what it is about."}
}

// asProblem turns the framework's errors into problems.
func asProblem(_ huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := &Problem{Type: "urn:openclaw-commerce:" + fault.Invalid.String(), Title: statuses[fault.Invalid].title, Status: e.Status, Detail: e.Detail}
	switch e.Status {
	case http.StatusInternalServerError:
		p.Type, p.Title, p.Detail = "urn:openclaw-commerce:internal", statuses[fault.Internal].title, fault.Message(nil)
	case http.StatusRequestEntityTooLarge:
		return tooLarge(maxBody), nil
	case http.StatusUnsupportedMediaType:
		p.Title = "The content type is not understood"
	}
	if len(e.Errors) > 0 {
		p.Field = strings.TrimPrefix(e.Errors[0].Location, "body.")
		p.Detail = e.Errors[0].Message
		if p.Field != "" {
			p.Detail = p.Field + ": " + p.Detail
		}
		if n := len(e.Errors); n > 1 {
			for _, more := range e.Errors[1:min(n, 8)] {
				p.Detail += "; " + strings.TrimPrefix(more.Location, "body.") + ": " + more.Message
			}
		}
	}
	return p, nil
}

// describe finishes the OpenAPI document: problems instead of the framework's errors, and the text of it, once.
func (s *Server) describe() {
	o := s.api.OpenAPI()
	for _, name := range []string{"V2ErrorModel", "V2ErrorDetail"} {
		delete(o.Components.Schemas.Map(), name)
	}
	for _, item := range o.Paths {
		for _, op := range []*huma.Operation{item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				p.Required = p.Required || p.Name == "If-Match" // checked by us, since its absence has a status of its own
			}
		}
	}
	var err error
	if s.openapi, err = json.MarshalIndent(o, "", "  "); err != nil {
		s.Log.Error("openapi", "err", err)
	}
	s.openapi = append(s.openapi, '\n')
}

// lost answers what no route takes: 405 where another method would do, else 404.
func (s *Server) lost(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = m
		if _, pattern := mux.Handler(other); pattern != "/" && pattern != "" {
			allowed = append(allowed, m)
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		WriteProblem(w, r, s.Log, &Problem{Type: "urn:openclaw-commerce:method", Title: "That method is not possible here", Status: http.StatusMethodNotAllowed})
		return
	}
	WriteProblem(w, r, s.Log, fault.New(fault.NotFound, "nothing is at this address"))
}
